/** Seconds from 1900 (NTP, RFC 5905 §6) to 1970. */
const secondsTo1970 = 2_208_988_800

const fractionsPerMs = 0x1_0000_0000 / 1000

/** Whole seconds of NTP time, 32 bits. @param wallMs - milliseconds since 1970, fractions allowed. */
export function ntpSeconds(wallMs: number): number {
  return (Math.floor(wallMs / 1000) + secondsTo1970) >>> 0
}

/** Fraction of the second in 1/2^32 s, 32 bits. */
export function ntpFraction(wallMs: number): number {
  return Math.floor((((wallMs % 1000) + 1000) % 1000) * fractionsPerMs) >>> 0
}

/** The middle 32 bits that LSR and DLSR are told in: 16 of seconds, 16 of 1/65536 s. RFC 3550 §4. */
export function ntpMiddle(seconds: number, fraction: number): number {
  return (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0
}
