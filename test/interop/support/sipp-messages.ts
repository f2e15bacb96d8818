import type { SippMessage, SippResult } from './sipp.ts'

/** What a peer got that begins so, in order: `INVITE`, `SIP/2.0 200`. */
export function received(result: SippResult | undefined, first: string): readonly SippMessage[] {
  return result?.messages.filter((one) => one.direction === 'received' && one.first.startsWith(first)) ?? []
}

/** The value of a header field; null where there is none. */
export function header(message: SippMessage | undefined, name: string): string | null {
  return new RegExp(`^${name} *: *(.*?)\\s*$`, 'im').exec(message?.text ?? '')?.[1] ?? null
}

/** The statuses that the NOTIFYs of a REFER told, in order. */
export function sipfrags(result: SippResult): readonly number[] {
  return received(result, 'NOTIFY').map(({ text }) => Number(/^SIP\/2\.0 (\d{3})/m.exec(text)?.[1]))
}
