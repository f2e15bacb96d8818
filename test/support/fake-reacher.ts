import type { Device, Reach, Reacher, ReachRequest } from '../../src/call/reach.ts'
import { FakeLeg } from './fake-leg.ts'
import type { TestClock } from './test-clock.ts'

/** Finds a fake telephone for every destination, or what the test has said instead. Keeps the legs that were made. */
export class FakeReacher implements Reacher {
  readonly requests: ReachRequest[] = []
  readonly legs: FakeLeg[] = []
  readonly #clock: TestClock
  readonly #answers = new Map<string, () => Promise<Reach>>()

  constructor(clock: TestClock) {
    this.#clock = clock
  }

  /** What is found for a destination: so many devices (`137-1`, `137-2`), or another answer altogether. */
  set(destination: string, answer: number | Reach | (() => Promise<Reach>)): void {
    if (typeof answer === 'function') this.#answers.set(destination, answer)
    else if (typeof answer === 'object') this.#answers.set(destination, async () => answer)
    else
      this.#answers.set(destination, async () => ({ kind: 'reachable', devices: this.#devices(destination, answer) }))
  }

  async reach(request: ReachRequest): Promise<Reach> {
    this.requests.push(request)
    const { destination } = request
    const answer = this.#answers.get(destination)
    return answer ? await answer() : { kind: 'reachable', devices: [this.device(destination)] }
  }

  device(label: string): Device {
    return {
      label,
      makeLeg: (role) => {
        const id = `leg_${label}${this.legs.some((leg) => leg.id === `leg_${label}`) ? `#${this.legs.length}` : ''}`
        const leg = new FakeLeg(this.#clock, { id, role, direction: 'outbound', user: label })
        this.legs.push(leg)
        return leg
      },
    }
  }

  /** The latest leg to this device. Throws when there is none. */
  leg(label: string): FakeLeg {
    const found = this.legs.findLast((leg) => leg.party.user === label)
    if (!found) throw new Error(`nobody rang ${label}`)
    return found
  }

  #devices(destination: string, count: number): readonly Device[] {
    return Array.from({ length: count }, (_, index) => this.device(`${destination}-${index + 1}`))
  }
}
