import { readFileSync } from 'node:fs'

export interface TortureVerdict {
  readonly rfc: number
  readonly section: string
  readonly name: string
  /** `valid`: any answer but 400, 500, 505, 513 (or only `codes`); `invalid`: only `codes`; `either`: as the one or the other; `response`: none. */
  readonly kind: 'valid' | 'invalid' | 'either' | 'response'
  readonly codes: readonly number[] | null
  /** What a stream makes of it. `skip`: it is not framed there; `stream`: a second message behind it may be answered too. */
  readonly tcp: 'same' | 'skip' | 'stream' | 'refuse-or-close'
  readonly why: string
  /** The Call-ID of what must not be answered over UDP. */
  readonly forbid?: string
  readonly never?: readonly number[]
  /** A header field that the answer must have. */
  readonly header?: string
}

const folder = new URL('../fixtures/torture/', import.meta.url)

/** All of RFC 4475 and RFC 5118. */
export const tortureVerdicts = JSON.parse(
  readFileSync(new URL('verdicts.json', folder), 'utf8'),
) as readonly TortureVerdict[]

/**
 * The bytes of a message, with a branch and a Call-ID of its own where it has normal ones: many share theirs, and a server
 * rightly takes the second for a repeat of the first, or for the same request by another way. Nothing else is changed.
 */
export function tortureBytes({ rfc, name }: TortureVerdict, suffix: string): Buffer {
  const text = readFileSync(new URL(`rfc${rfc}/${name}.dat`, folder)).toString('latin1')
  const own = text
    .replace(/^((?:via|v)[ \t]*:[^\r\n,]*?;branch=z9hG4bK[^\s;,]{2,})(?=[;\r])/im, `$1${suffix}`)
    .replace(/^((?:call-id|i)[ \t]*:[ \t]*[^\s@]+)/im, `$1${suffix}`)
  return Buffer.from(own, 'latin1')
}

/** The port of sent-by, where answers over UDP go unless `rport` is asked for (RFC 3261 §18.2.2). */
export function sentByPort(bytes: Buffer): number {
  const unfolded = bytes.toString('latin1').replaceAll(/\r\n[ \t]+/g, ' ')
  const sentBy = /^(?:via|v)[ \t]*:[ \t]*SIP[ \t]*\/[ \t]*[\d.]+[ \t]*\/[ \t]*\w+[ \t]+([^;, \t\r]+)/im.exec(
    unfolded,
  )?.[1]
  return Number(/:(\d+)$/.exec(sentBy?.replace(/^\[[^\]]*\]/, '') ?? '')?.[1] ?? 5060)
}
