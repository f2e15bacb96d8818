import type { FlowCall } from '../../../action/flow-call.ts'
import type { Logger } from '../../../base/log.ts'
import type { VoicemailClient } from '../client.ts'
import type { MediaStore } from '../media-store.ts'
import type { WireObject } from '../wire.ts'
import type { ListedMessage, RetrieveAnswer } from './answers.ts'
import { noteServiceProblem, problemOf } from './service-problem.ts'
import type { NodeVoice, VoiceFiles } from './voice.ts'

export interface RetrieveParts {
  readonly client: VoicemailClient
  readonly media: VoiceFiles & Pick<MediaStore, 'adopt' | 'remove'>
  readonly dataFolder: string
  readonly log: Logger
  /** Whose mailbox; as it goes to the service. */
  owner(call: FlowCall): string
  /** Whether the caller has proven to be the owner, so that no PIN is asked for. What a caller says of itself proves nothing. */
  isOwner(call: FlowCall, owner: string): boolean
}

/** What one call knows and has done. */
export interface Retrieving {
  readonly call: FlowCall
  readonly voice: NodeVoice
  readonly parts: RetrieveParts
  readonly owner: string
  readonly isOwner: boolean
  answer: RetrieveAnswer
  unread: ListedMessage[]
  read: ListedMessage[]
  greeting: RetrieveAnswer['greeting']
  /** Voices that go when the call ends. */
  readonly deleted: Set<string>
  hasHeardPromoY: boolean
}

/** Asks the service about this mailbox. Null: no answer, or a refusal; the log has it. */
export async function askAbout(
  { parts, owner, call }: Retrieving,
  command: string,
  rest: WireObject = {},
): Promise<WireObject | null> {
  const asked = await parts.client.ask({ command, number: owner, ...rest })
  const problem = problemOf(asked)
  if (asked.kind === 'answer' && problem === null) return asked.object
  noteServiceProblem(call, command, problem ?? '')
  parts.log.warn({ callId: call.id, command, problem }, 'the voicemail service did not do what the owner wanted')
  return null
}
