import type { Readable } from 'node:stream'

/** One message of e-mail to one person. Texts may hold anything: what is not allowed in a header is taken out there. */
export interface Mail {
  readonly from: { readonly name: string; readonly address: string }
  readonly to: string
  readonly subject: string
  readonly text: string
  /** BCP 47, for Content-Language. */
  readonly language: string
  /** The same at each attempt: by it programs of mail know a repetition. Without angle brackets. */
  readonly messageId: string
  /** Wall-clock ms. */
  readonly date: number
  readonly attachment?: MailAttachment
}

export interface MailAttachment {
  readonly name: string
  readonly mediaType: string
  /** Called once, by who sends it, who reads it or destroys it. */
  open(): Readable
}

/** As a header may hold it: one line without control and direction characters, at most 200 characters. */
export function headerText(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 200)
}
