//  RFC 4733 §2.3
//   0                   1                   2                   3
//   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//  |     event     |E|R| volume    |          duration             |

/** One named event; what may follow it in the payload is ignored. */
export const eventPayloadBytes = 4

/** The keys in the order of their codes, 0 to 15. RFC 4733 §3.2, table 3. */
const keys = '0123456789*#ABCD'

/** A key of a telephone. */
export type TelephoneKey = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '*' | '#' | 'A' | 'B' | 'C' | 'D'

/** The key of an event code; null above 15 (flash, fax tones and the like are no keys). */
export function keyOfEvent(code: number): TelephoneKey | null {
  return (keys[code] as TelephoneKey | undefined) ?? null
}

/** The event code of a key, 0 to 15. */
export function eventOfKey(key: TelephoneKey): number {
  return keys.indexOf(key)
}

/**
 * Writes the four bytes of an event.
 * @param durationTicks - since the event's timestamp, clamped to 65535.
 * @param volumeDb - power below 0 dBm0, 0 to 63.
 */
export function writeEventPayload(
  bytes: Uint8Array,
  offset: number,
  code: number,
  isEnd: boolean,
  durationTicks: number,
  volumeDb = 10,
): void {
  const duration = Math.min(durationTicks, 0xffff)
  bytes[offset] = code
  bytes[offset + 1] = (isEnd ? 0x80 : 0) | (volumeDb & 0x3f)
  bytes[offset + 2] = duration >>> 8
  bytes[offset + 3] = duration & 0xff
}
