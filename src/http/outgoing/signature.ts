import { createHmac } from 'node:crypto'
import type { Signing } from './types.ts'

export const signatureHeader = 'switchhook-signature'
export const eventIdHeader = 'switchhook-event-id'

/**
 * `t=SECONDS,v1=HEX[,v1=HEX]`: HMAC-SHA256, one per secret, over the time, the event's id and the body, joined by dots.
 * The time keeps an old request from being played again, the id ties the header that a receiver remembers to the body.
 * @param atMs - wall-clock ms.
 */
export function signature(signing: Signing, body: string | Uint8Array, atMs: number): string {
  const seconds = Math.floor(atMs / 1000)
  const sums = signing.secrets.map((secret) => `v1=${sum(secret, seconds, signing.eventId, body)}`)
  return [`t=${seconds}`, ...sums].join(',')
}

function sum(secret: string, seconds: number, eventId: string, body: string | Uint8Array): string {
  return createHmac('sha256', secret).update(`${seconds}.${eventId}.`).update(body).digest('hex')
}
