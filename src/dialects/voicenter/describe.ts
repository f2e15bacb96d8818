import type { Collection, IvrAction } from './actions.ts'
import { refusalOf } from './causes.ts'

/** What an action does on the line, as a sentence for the handler's author. */
export function describeAction(action: IvrAction): string {
  switch (action.kind) {
    case 'menu':
      return `MENU ${action.menu}: ${describeCollection(action.collection)}.`
    case 'sayDigits': {
      const spoken = `${played(action.record)} and says ${action.digits.length} digits`
      return `SAYDIGITS, menu ${action.menu}: ${spoken}; then ${describeCollection(action.collection)}.`
    }
    case 'call': {
      const whom = action.dialStrings.length > 0 ? action.dialStrings.join(', then ') : action.target
      const next = action.next ? `on failure menu ${action.next.menu}` : 'on failure the call ends'
      return `CALL: rings ${whom} for ${action.maxDialSeconds} s at most, lets them talk ${action.maxSeconds} s; ${next}.`
    }
    case 'silentRecord':
      return `SILENTRECORD: ${played(action.record)} and records ${action.maxSeconds} s at most.`
    case 'layer':
      return `VO: ${played(action.record)} and hands the call to layer ${action.layer}.`
    case 'hangUp': {
      const how =
        action.record === null
          ? `hangs up; an unanswered caller gets ${refusalOf(action.cause)}`
          : `${played(action.record)} and hangs up`
      return `HANGUP with cause ${action.cause}: ${how}.`
    }
  }
}

function describeCollection({ record, loops, size, delaySeconds, isValidated }: Collection): string {
  const times = loops === 1 ? 'once' : `up to ${loops} times, ${delaySeconds} s between`
  const keys =
    size === 0
      ? 'asks for no key'
      : `takes ${size === 1 ? 'one key' : `up to ${size} keys`}${isValidated ? ', checked' : ''}`
  return `${played(record)} ${times} and ${keys}`
}

function played(record: string | null): string {
  return record === null ? 'plays nothing' : `plays ${record}`
}
