/** How many parts there are of what is set aside at one receiver. */
const asideParts = 16
/** Requests under way of all that is set aside, and of one part of it. */
const asidePlaces = 8
const placesPerPart = 4
/** Requests under way in all, slow ones too: so many times those that have a place. */
const mostPerPlace = 6
/** Addresses of one receiver that are remembered for hanging. */
const mostSuspects = 256
/** Requests to one address that hang in a row before it is taken for one that hangs, and not one of its sessions. */
const hangsInARow = 2

/**
 * Scheme, host and port that events go to. It has one lane for all its events, and others for those that are set aside,
 * since what they go to hung when it was asked last: they must not take the places of the rest.
 */
export class Receiver {
  readonly name: string
  /** Requests under way, and those among them that are set aside. */
  running = 0
  aside = 0
  /** Attempts that hung or failed, without one between them that succeeded. */
  inARow = 0
  /** Told to be failing in the log. */
  isFailing = false
  readonly #perLane: number
  readonly #lanes = new Map<number, Lane>()
  /** By path: how often in a row a request to it hung. */
  readonly #hung = new Map<string, number>()

  constructor(name: string, perLane: number) {
    this.name = name
    this.#perLane = perLane
  }

  get lanes(): Iterable<Lane> {
    return this.#lanes.values()
  }

  get isIdle(): boolean {
    return this.running === 0 && this.#lanes.size === 0
  }

  /** Room for requests in all, whatever their lanes have. */
  get room(): number {
    return this.#perLane * mostPerPlace - this.running
  }

  get asideRoom(): number {
    return asidePlaces - this.aside
  }

  /** @param aside - 0: the one for all. */
  lane(aside: number): Lane {
    const known = this.#lanes.get(aside)
    if (known) return known
    const lane = new Lane(this, aside, aside === 0 ? this.#perLane : Math.min(this.#perLane, placesPerPart))
    this.#lanes.set(aside, lane)
    return lane
  }

  forgetIdleLanes(): void {
    const areAllIdle = [...this.#lanes.values()].every((lane) => lane.isIdle)
    // How the receiver as a whole fares is remembered in the lane for all.
    for (const [aside, lane] of this.#lanes) if (lane.isIdle && (aside !== 0 || areAllIdle)) this.#lanes.delete(aside)
  }

  /** With which of the parts an event to this address is to wait; 0: with all. */
  asideOf(url: string): number {
    const path = pathOf(url)
    return (this.#hung.get(path) ?? 0) >= hangsInARow ? partOf(path) : 0
  }

  /** With which part what follows an event that hung is to wait: with its own key, where not all of the address hangs. */
  partFor(event: { readonly url: string; readonly tenant: string; readonly orderKey: string | null }): number {
    const { url, tenant, orderKey } = event
    return this.asideOf(url) || partOf(orderKey === null ? pathOf(url) : `${tenant} ${orderKey}`)
  }

  noteHang(url: string): void {
    const path = pathOf(url)
    const hangs = this.#hung.get(path) ?? 0
    this.#hung.delete(path)
    this.#hung.set(path, hangs + 1)
    const [oldest] = this.#hung.keys()
    if (this.#hung.size > mostSuspects && oldest !== undefined) this.#hung.delete(oldest)
  }

  noteAnswer(url: string): void {
    this.#hung.delete(pathOf(url))
  }
}

/** Events of one receiver that wait for each other. */
export class Lane {
  readonly receiver: Receiver
  /** 0: the lane for all; else which part of what is set aside. */
  readonly aside: number
  /** When it may have something to send, wall-clock ms; null: it waits for nothing. */
  dueAt: number | null = null
  readonly #most: number
  /** Requests that may be under way and not slow: fewer with each that hangs or fails, more with each that succeeds. */
  #places: number
  #running = 0
  /** Those of them that have been under way for long, and take no place any more. */
  #slow = 0
  #isLeasing = false

  constructor(receiver: Receiver, aside: number, most: number) {
    this.receiver = receiver
    this.aside = aside
    this.#most = most
    this.#places = most
  }

  /** How many more requests it may have. */
  get room(): number {
    const { receiver } = this
    const own = Math.min(this.#places - (this.#running - this.#slow), receiver.room)
    return this.aside === 0 ? own : Math.min(own, placesPerPart - this.#running, receiver.asideRoom)
  }

  get isIdle(): boolean {
    return this.#running === 0 && this.dueAt === null && !this.#isLeasing
  }

  /** What is told from here on is told of what the lease does not see. */
  beginLease(): void {
    this.#isLeasing = true
    this.dueAt = null
  }

  endLease(): void {
    this.#isLeasing = false
  }

  /** A request is sent. */
  begin(url: string): Sending {
    return new Sending(this, url)
  }

  /** Of Sending alone. */
  count(change: { readonly running?: 1 | -1; readonly slow?: 1 | -1 }): void {
    const { running = 0, slow = 0 } = change
    this.#running += running
    this.#slow += slow
    this.receiver.running += running
    if (this.aside !== 0) this.receiver.aside += running
  }

  /** One alone is no sign that the receiver is in trouble: every session may have an address of its own that fails. */
  failed(): void {
    this.receiver.inARow++
    if (this.receiver.inARow > 1) this.#places = Math.max(1, this.#places >> 1)
  }

  succeeded(): void {
    this.receiver.inARow = 0
    this.#places = Math.min(this.#most, this.#places * 2)
  }
}

/** One request under way. */
export class Sending {
  readonly lane: Lane
  readonly #url: string
  #isSlow = false

  constructor(lane: Lane, url: string) {
    this.lane = lane
    this.#url = url
    lane.count({ running: 1 })
  }

  /** It has taken longer than a receiver that is well takes. */
  get isSlow(): boolean {
    return this.#isSlow
  }

  /** From here on it takes no place from others. */
  slowDown(): void {
    const { lane } = this
    this.#isSlow = true
    lane.count({ slow: 1 })
    lane.failed()
    lane.receiver.noteHang(this.#url)
  }

  /** The receiver has answered, or has not. */
  judged(isDelivered: boolean): void {
    const { lane } = this
    if (isDelivered || !this.#isSlow) lane.receiver.noteAnswer(this.#url)
    if (isDelivered) {
      lane.succeeded()
    } else if (!this.#isSlow) lane.failed()
  }

  end(): void {
    this.lane.count({ running: -1, ...(this.#isSlow && { slow: -1 }) })
  }
}

/** Without what differs from session to session. */
function pathOf(url: string): string {
  return url.split(/[?#]/, 1)[0] ?? url
}

/** 1 to `asideParts`, the same for the same text: FNV-1a. */
function partOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return 1 + ((hash >>> 0) % asideParts)
}
