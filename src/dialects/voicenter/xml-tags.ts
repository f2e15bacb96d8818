import { AnswerFault } from './kindness.ts'

/** One tag of an XML text; comments, CDATA sections and processing instructions are no tags. */
interface Tag {
  readonly kind: 'open' | 'close' | 'empty'
  readonly name: string
  readonly start: number
  readonly end: number
}

/** A struct within a struct takes four tags: more than `maxDepth` of those no answer has. */
const maxTagDepth = 130

/**
 * Goes through the tags of an XML text in one pass and refuses what must not reach a parser: a DOCTYPE (with it the
 * entities that bombs are made of), nesting that no answer needs, sections without an end. Throws AnswerFault.
 * @returns the text itself where its tags are balanced; else the same with stray closing tags left out and missing ones
 *   put in, as the published samples need it.
 */
export function balanced(xml: string): { readonly xml: string; readonly isDamaged: boolean } {
  const tags = [...tagsOf(xml)]
  const surplus = surplusOf(tags)
  const open: string[] = []
  const edits: { readonly at: number; readonly until: number; readonly text: string }[] = []
  for (const tag of tags) {
    if (tag.kind === 'empty') continue
    if (tag.kind === 'open') {
      open.push(tag.name)
      if (open.length > maxTagDepth) throw new AnswerFault('Its XML is nested too deeply.')
      continue
    }
    if (open.at(-1) === tag.name) {
      open.pop()
      continue
    }
    const place = open.lastIndexOf(tag.name)
    const tooMany = surplus.get(tag.name) ?? 0
    if (place === -1 || tooMany > 0) {
      surplus.set(tag.name, tooMany - 1)
      edits.push({ at: tag.start, until: tag.end, text: '' })
      continue
    }
    edits.push({ at: tag.start, until: tag.start, text: closing(open.splice(place + 1)) })
    open.pop()
  }
  if (open.length > 0) edits.push({ at: xml.length, until: xml.length, text: closing(open) })
  if (edits.length === 0) return { xml, isDamaged: false }
  let result = ''
  let from = 0
  for (const { at, until, text } of edits) {
    result += xml.slice(from, at) + text
    from = until
  }
  return { xml: result + xml.slice(from), isDamaged: true }
}

/** How many closing tags of a name there are too many. */
function surplusOf(tags: readonly Tag[]): Map<string, number> {
  const surplus = new Map<string, number>()
  for (const { kind, name } of tags) {
    if (kind !== 'empty') surplus.set(name, (surplus.get(name) ?? 0) + (kind === 'close' ? 1 : -1))
  }
  return surplus
}

function closing(names: readonly string[]): string {
  return names
    .toReversed()
    .map((name) => `</${name}>`)
    .join('')
}

function* tagsOf(xml: string): Generator<Tag, void, undefined> {
  let at = xml.indexOf('<')
  while (at !== -1) {
    const section = sectionAt(xml, at)
    if (section !== null) {
      const end = xml.indexOf(section, at)
      if (end === -1) throw new AnswerFault('Its XML has a section without an end.')
      at = xml.indexOf('<', end + section.length)
      continue
    }
    if (xml.startsWith('<!', at)) throw new AnswerFault('Its XML has a DOCTYPE, which is never read.')
    const end = xml.indexOf('>', at)
    if (end === -1) throw new AnswerFault('Its XML has a tag without an end.')
    const inner = xml.slice(at + 1, end)
    const name = /^\/?\s*([^\s/>]{1,64})/.exec(inner)?.[1]
    if (name === undefined) throw new AnswerFault('Its XML has a tag without a name.')
    const kind = inner.startsWith('/') ? 'close' : inner.endsWith('/') ? 'empty' : 'open'
    yield { kind, name, start: at, end: end + 1 }
    at = xml.indexOf('<', end)
  }
}

/** How what begins here ends, where it is no tag. */
function sectionAt(xml: string, at: number): string | null {
  if (xml.startsWith('<!--', at)) return '-->'
  if (xml.startsWith('<![CDATA[', at)) return ']]>'
  return xml.startsWith('<?', at) ? '?>' : null
}
