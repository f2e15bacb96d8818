import { findBodyPart } from '../message/multipart.ts'
import type { SipMessage } from '../message/types.ts'
import { readOr } from './lenient.ts'

/** The SDP of a response or an ACK; null when there is none or it cannot be taken out. */
export function sdpOf(message: SipMessage): Uint8Array | null {
  return readOr(null, () => findBodyPart(message, 'application/sdp'))
}
