export { type LocalDescription, type LocalMedia, newLocalDescription } from './local-description.ts'
export { acceptAnswer, answerOffer, createOffer, familiesOfOffer, type PendingOffer } from './offer-answer.ts'
export type { AgreedMedia, AudioCodec, Direction } from './types.ts'
