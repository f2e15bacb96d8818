import type { OutgoingFailure, OutgoingOutcome, OutgoingRequest } from '../../src/http/outgoing/types.ts'
import type { Outbox } from '../../src/store/outbox.ts'
import type { TestClock } from './test-clock.ts'

/** An answer of a receiver, 5 ms after it was asked. */
export function answer(
  status: number,
  change: { headers?: Record<string, string>; body?: string } = {},
): OutgoingOutcome {
  return {
    kind: 'answer',
    status,
    headers: new Map(Object.entries(change.headers ?? {})),
    body: Buffer.from(change.body ?? ''),
    isTruncated: false,
    durationMs: 5,
    url: 'http://receiver.example/in',
  }
}

export const refused: OutgoingFailure = {
  kind: 'failure',
  code: 'outgoing.connect-failed',
  reached: 'nothing',
  status: null,
  sentence: 'http://receiver.example/in cannot be reached: nothing listens there (ECONNREFUSED).',
  durationMs: 1,
}

/** The network: each request waits until the test answers it, unless an answer is laid down for its host. */
export class FakeNetwork {
  readonly asked: { readonly request: OutgoingRequest; readonly settle: (outcome: OutgoingOutcome) => void }[] = []
  /** Null: that one is not answered. */
  readonly laidDown = new Map<string, (request: OutgoingRequest) => OutgoingOutcome | null>()
  readonly #clock: TestClock | null

  /** @param clock - where given, a request that nobody answers fails at its deadline. */
  constructor(clock: TestClock | null = null) {
    this.#clock = clock
  }

  request(request: OutgoingRequest): Promise<OutgoingOutcome> {
    const { promise, settle } = settled<OutgoingOutcome>()
    const cancel = this.#clock?.after(request.timeoutMs, () => settle({ ...refused, code: 'outgoing.timed-out' }))
    this.asked.push({ request, settle })
    request.signal?.addEventListener('abort', () => settle({ ...refused, code: 'outgoing.stopped' }))
    const laid = this.laidDown.get(new URL(request.url).host)?.(request)
    if (laid) settle(laid)
    return promise.finally(() => cancel?.())
  }

  get ids(): readonly (string | undefined)[] {
    return this.asked.map(({ request }) => request.signing?.eventId)
  }
}

function settled<Value>(): { promise: Promise<Value>; settle: (value: Value) => void } {
  let settle: (value: Value) => void = () => {}
  const promise = new Promise<Value>((resolve) => (settle = resolve))
  return { promise, settle }
}

/** An outbox with what it is asked counted until it is done: nothing else of a delivery takes its own time. */
export class CountedOutbox {
  #underWay = 0

  count(outbox: Outbox): Outbox {
    return new Proxy(outbox, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        return (...given: unknown[]): unknown => {
          const result: unknown = Reflect.apply(member, target, given)
          if (!(result instanceof Promise)) return result
          this.#underWay++
          return result.finally(() => this.#underWay--)
        }
      },
    })
  }

  /** Lets everything happen that can without time passing: until the outbox has nothing to do, several turns in a row. */
  async quiet(clock: TestClock): Promise<void> {
    for (let idle = 0; idle < 3; idle = this.#underWay === 0 ? idle + 1 : 0) await clock.advanceAsync(0)
  }
}
