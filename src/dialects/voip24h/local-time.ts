const minuteMs = 60_000
const dayMs = 86_400_000
const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'))
/** Days whose offset is remembered: eleven years of them. */
const maxDays = 4096
/** No zone is further from UTC. */
const maxOffsetMs = 16 * 3_600_000

/** The clock of one time zone: what it shows, and when its days begin. */
export class LocalTime {
  readonly #format: Intl.DateTimeFormat
  /** UTC day -> offset, for days on which clocks are not changed; null for the others. */
  readonly #offsets = new Map<number, number | null>()
  /** Local day -> `2018-07-29`. */
  readonly #dayTexts = new Map<number, string>()

  /** @param timeZone - an IANA name; throws RangeError for another. */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  }

  /** `2018-07-29 16:37:32`. @param at - wall-clock ms. */
  text(at: number): string {
    const local = at + this.offset(at)
    const day = Math.floor(local / dayMs)
    const seconds = Math.floor((local - day * dayMs) / 1000)
    const minutes = Math.floor(seconds / 60)
    return `${this.#dayText(day)} ${twoDigits[Math.floor(minutes / 60)]}:${twoDigits[minutes % 60]}:${twoDigits[seconds % 60]}`
  }

  /** Lists have a thousand times and few days: writing dates was the dearest part of an answer. */
  #dayText(day: number): string {
    const known = this.#dayTexts.get(day)
    if (known !== undefined) return known
    const text = new Date(day * dayMs).toISOString().slice(0, 10)
    if (this.#dayTexts.size >= maxDays) this.#dayTexts.clear()
    this.#dayTexts.set(day, text)
    return text
  }

  /** Local time minus UTC at that moment, ms. */
  offset(at: number): number {
    const day = Math.floor(at / dayMs)
    let offset = this.#offsets.get(day)
    if (offset === undefined) {
      const atStart = this.#offsetAt(day * dayMs)
      offset = atStart === this.#offsetAt((day + 1) * dayMs) ? atStart : null
      if (this.#offsets.size >= maxDays) this.#offsets.clear()
      this.#offsets.set(day, offset)
    }
    return offset ?? this.#offsetAt(at)
  }

  /**
   * When a local day begins, wall-clock ms: its midnight, or where clocks are put forward over it the first minute there is.
   * @param day - days since 1970-01-01, by the calendar.
   */
  dayStart(day: number): number {
    // The first minute that shows this day or a later one.
    let low = Math.floor((day * dayMs - maxOffsetMs) / minuteMs)
    let high = Math.ceil((day * dayMs + maxOffsetMs) / minuteMs)
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      const at = middle * minuteMs
      if (at + this.offset(at) >= day * dayMs) high = middle
      else low = middle
    }
    return high * minuteMs
  }

  #offsetAt(at: number): number {
    const part: Record<string, number> = {}
    for (const { type, value } of this.#format.formatToParts(at)) part[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000
  }
}

/** A calendar day as days since 1970-01-01; null where the calendar has no such day. */
export function calendarDay(year: number, month: number, day: number): number | null {
  const at = Date.UTC(year, month - 1, day)
  const date = new Date(at)
  const isReal = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return isReal ? at / dayMs : null
}
