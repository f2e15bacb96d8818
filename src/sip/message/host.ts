import { CharClass, isClass, skipClass } from './char-classes.ts'

const dot = 0x2e
const hyphen = 0x2d

/**
 * Where the `host` of RFC 3261 §25.1 that begins at `from` ends: a host name, an IPv4 address or an IPv6 reference.
 * @returns -1 when no legal host stands there.
 */
export function endOfHost(text: string, from: number, limit: number): number {
  if (from >= limit) return -1
  if (text.charCodeAt(from) !== 0x5b) {
    const end = skipClass(text, from, limit, CharClass.host)
    return isNameOrIpv4(text, from, end) ? end : -1
  }
  const close = text.indexOf(']', from)
  if (close < 0 || close >= limit) return -1
  return normalizeIpv6(text.slice(from + 1, close)) === null ? -1 : close + 1
}

/** A legal host as it is kept: in lower case, three colons mended (`normalizeIpv6`). */
export function canonicalHost(host: string): string {
  const lower = host.toLowerCase()
  return lower.charCodeAt(0) === 0x5b && lower.includes(':::') ? lower.replace(':::', '::') : lower
}

/** Whether the whole text is a legal `host`: a name, an IPv4 address, an IPv6 address in brackets. */
export function isHost(text: string): boolean {
  return text !== '' && endOfHost(text, 0, text.length) === text.length
}

/**
 * `hostname` of §25.1: labels of letters, digits and inner hyphens; a final dot is legal. Two kindnesses: the underscore
 * (see char-classes), and a last label that begins with a digit but is no number, as the names of containers do (RFC 1123
 * §2.1). What has no letter at all can only be an IPv4 address.
 */
function isNameOrIpv4(text: string, from: number, end: number): boolean {
  const stop = end > from && text.charCodeAt(end - 1) === dot ? end - 1 : end
  if (stop === from) return false
  let labelStart = from
  let isNumeric = true
  let isLabelNumeric = true
  for (let i = from; i < stop; i++) {
    const code = text.charCodeAt(i)
    if (code === dot) {
      if (i === labelStart || text.charCodeAt(i - 1) === hyphen) return false
      labelStart = i + 1
      isLabelNumeric = true
    } else if (code === hyphen) {
      if (i === labelStart) return false
      isLabelNumeric = false
    } else if (code > 0x39) {
      isNumeric = false
      isLabelNumeric = false
    }
  }
  if (labelStart === stop || text.charCodeAt(stop - 1) === hyphen) return false
  if (isNumeric) return stop === end && isIpv4Between(text, from, end)
  return !isLabelNumeric
}

/** Four numbers of 0 to 255 with dots between them; digits and dots is all there is. */
function isIpv4Between(text: string, from: number, end: number): boolean {
  let numbers = 0
  let value = 0
  let digits = 0
  for (let i = from; i <= end; i++) {
    const code = i < end ? text.charCodeAt(i) : dot
    if (code === dot) {
      if (digits === 0 || digits > 3 || value > 255) return false
      numbers++
      value = 0
      digits = 0
    } else {
      value = value * 10 + (code - 0x30)
      digits++
    }
  }
  return numbers === 4
}

/** An IPv4 address, four numbers of 0 to 255 with dots. */
export function isIpv4(text: string): boolean {
  if (text.length > 15) return false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code !== dot && !isClass(code, CharClass.digit)) return false
  }
  return isIpv4Between(text, 0, text.length)
}

/** Whether the text is an IPv6 address, without brackets and without a zone. */
export function isIpv6(text: string): boolean {
  return normalizeIpv6(text) !== null
}

/**
 * An IPv6 address (RFC 3261 §25.1 `IPv6address`) in lower case; null when it is none.
 * Three colons before an embedded IPv4 address, which the grammar of RFC 3261 produces by a known fault, are read as
 * two (RFC 5118 §4.10).
 */
function normalizeIpv6(text: string): string | null {
  if (text.length > 47 || text === '' || skipClass(text, 0, text.length, CharClass.ipv6) !== text.length) return null
  const lower = text.toLowerCase()
  const fixed = lower.includes(':::') && lower.includes('.') ? lower.replace(':::', '::') : lower
  const gap = fixed.indexOf('::')
  if (gap < 0) return countGroups(fixed, true) === 8 ? fixed : null
  const head = fixed.slice(0, gap)
  const tail = fixed.slice(gap + 2)
  const before = head === '' ? 0 : countGroups(head, false)
  const after = tail === '' ? 0 : countGroups(tail, true)
  // `::` stands for at least one group, in the address as RFC 4291 §2.2 has it.
  return before >= 0 && after >= 0 && before + after <= 7 ? fixed : null
}

/** Groups of 16 bits; an IPv4 address at the end counts for two. -1 when one is illegal. */
function countGroups(text: string, mayEndInIpv4: boolean): number {
  const groups = text.split(':', 9)
  let count = 0
  for (const [i, group] of groups.entries()) {
    if (group.includes('.')) {
      if (!mayEndInIpv4 || i !== groups.length - 1 || !isIpv4(group)) return -1
      count += 2
    } else {
      if (group === '' || group.length > 4) return -1
      count++
    }
  }
  return count
}
