/** The end of a sentence in any of our languages, or of a line, with the blank behind it. */
const sentenceEnd = /[.!?…。:;]["'”’)]*\s+/gu
const clauseEnd = /[,،]\s+/gu
const anyBlank = /\s+/gu

/**
 * Cuts a text into pieces that the voice can be given, at the ends of sentences where possible, else at commas, else
 * at blanks, else anywhere. Joined with blanks the pieces are the text.
 * @param maxLength - of a piece, in UTF-16 units, 2 or more.
 */
export function splitText(text: string, maxLength: number): readonly string[] {
  const pieces: string[] = []
  let rest = text.trim()
  while (rest.length > maxLength) {
    const cut = lastCut(rest, maxLength)
    pieces.push(rest.slice(0, cut).trim())
    rest = rest.slice(cut).trim()
  }
  if (rest !== '') pieces.push(rest)
  return pieces
}

function lastCut(text: string, maxLength: number): number {
  // One more, so that a blank right behind the piece counts.
  const window = text.slice(0, maxLength + 1)
  for (const pattern of [sentenceEnd, clauseEnd, anyBlank]) {
    let last = 0
    for (const found of window.matchAll(pattern)) {
      const end = found.index + found[0].length
      const spoken = found.index + found[0].trimEnd().length
      if (spoken <= maxLength) last = Math.min(end, maxLength + 1)
    }
    if (last > 0) return last
  }
  // Never between the two halves of one character.
  const code = text.charCodeAt(maxLength - 1)
  return code >= 0xd800 && code <= 0xdbff ? maxLength - 1 : maxLength
}
