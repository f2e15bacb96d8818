/**
 * Every slip of a handler that is let pass, each with a name. They are noted in the call's journal, told by
 * `switchhook verify`, and listed in the README of this folder; a test keeps the three together.
 */
export const kindnesses = {
  'content-type': 'the Content-Type does not say what the answer is',
  charset: 'the answer is not UTF-8, or not wholly',
  'byte-order-mark': 'the answer begins with a byte-order mark',
  'xml-damaged': 'the XML is not well-formed, and was read as far as it makes sense',
  'xml-type': 'a value has a type that XML-RPC does not know; it was taken for a string',
  'json-loose': 'the answer is not JSON, but what JavaScript would write',
  envelope: 'the answer is wrapped in an object or a list of its own',
  'field-case': 'the name of a field is written in other letters than published',
  'status-missing': 'STATUS is missing and was taken for 0',
  'language-missing': 'LANGUAGE is missing; the language of the call goes on',
  'language-unknown': 'LANGUAGE is not one that Switchhook speaks; the language of the call goes on',
  trimmed: 'a name or a number has blanks or line breaks around it',
  'letter-case': 'ACTION is not written in capitals',
  'text-for-number': 'a number was written as a text',
  'number-for-text': 'a text was written as a number',
  'digits-as-number': 'DIGITS was written as a number, which loses zeros at its beginning',
  'field-missing': 'a mandatory field is missing and was filled in',
  'not-a-number': 'what should be a whole number is none; the usual value was taken',
  'out-of-range': 'a number is out of range and was brought to the nearest one that is in it',
  'unknown-field': 'a field is not known for this action and was passed over',
  'digits-dropped': 'characters that are no digits were passed over',
  'cause-invalid': 'HANGUP_CAUSE is no cause (1 to 127) and was taken for 16',
} as const

export type Kindness = keyof typeof kindnesses

/** One slip in one answer. */
export interface Slip {
  readonly kindness: Kindness
  /** The field that it is about; null: the whole answer. */
  readonly field: string | null
  /** What exactly, as a sentence for the handler's author. */
  readonly sentence: string
}

/** Collects slips while an answer is read. One of a kind and field is enough, and there are never more than `max`. */
export class Slips {
  readonly #found: Slip[] = []
  static readonly max = 50

  add(kindness: Kindness, field: string | null, sentence: string): void {
    if (this.#found.length >= Slips.max) return
    if (this.#found.some((slip) => slip.kindness === kindness && slip.field === field)) return
    this.#found.push({ kindness, field, sentence })
  }

  list(): readonly Slip[] {
    return this.#found
  }
}

/** An answer that no kindness can save. Caught where it is read: the text is the sentence for the record. */
export class AnswerFault extends Error {}
