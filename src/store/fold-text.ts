/**
 * Text as the text filter compares it: lower case, without accents and tone marks, so that `duc` finds `Đức`. Done here
 * and not in SQL because SQLite folds ASCII only, and PostgreSQL by the locale it was set up with.
 */
export function foldText(text: string): string {
  const lower = text.toLowerCase()
  return isAscii(lower)
    ? lower
    : lower
        .normalize('NFKD')
        .replace(/\p{M}+/gu, '')
        .replaceAll('đ', 'd')
}

/** A pattern for `like … escape '\'` that finds the text anywhere. */
export function likePattern(text: string): string {
  return `%${foldText(text).replace(/[\\%_]/g, '\\$&')}%`
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false
  return true
}
