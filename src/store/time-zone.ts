/** A stretch of time in which a time zone keeps one offset. */
export interface OffsetSpan {
  /** Wall-clock ms, included. */
  readonly from: number
  /** Wall-clock ms, excluded. */
  readonly before: number
  /** Local time minus UTC. */
  readonly offsetMs: number
}

const minuteMs = 60_000
const dayMs = 86_400_000

/**
 * Cuts a range where clocks are changed, so that SQL can number local days by plain arithmetic in each piece.
 * @param timeZone - an IANA name; throws RangeError for another.
 */
export function offsetSpans(timeZone: string, from: number, before: number): readonly OffsetSpan[] {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const offsetAt = (at: number): number => {
    const part: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(at)) part[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000
  }

  const spans: OffsetSpan[] = []
  let start = from
  let offsetMs = offsetAt(from)
  for (let at = from; at < before; ) {
    const next = Math.min(at + dayMs, before)
    if (offsetAt(next) !== offsetMs) {
      const change = changeBetween(at, next, (moment) => offsetAt(moment) !== offsetMs)
      spans.push({ from: start, before: change, offsetMs })
      start = change
      offsetMs = offsetAt(change)
      at = change
    } else {
      at = next
    }
  }
  if (start < before) spans.push({ from: start, before, offsetMs })
  return spans
}

/** The first whole minute at which the new offset holds: clocks are changed on minutes. */
function changeBetween(old: number, changed: number, isChanged: (at: number) => boolean): number {
  let low = Math.floor(old / minuteMs)
  let high = Math.ceil(changed / minuteMs)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (isChanged(middle * minuteMs)) high = middle
    else low = middle
  }
  return Math.min(high * minuteMs, changed)
}
