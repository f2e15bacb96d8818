import { settingsShape } from './schema.ts'
import type { FieldInfo, ShapeInfo } from './shape.ts'

const opening = `# Configuration

One file, \`switchhook.yaml\` or the one named by \`--config\`. Every key has a default unless it says *required*; an
unknown key, a wrong type or a name that nothing bears is an error that gives the file, line, column, path and what was
expected, all of them at once (\`switchhook check\`). Any value may hold \`\${NAME}\`, which becomes the environment
variable of that name (one that is not set is an error); \`$\${\` stands for the characters themselves. Relative paths
are taken from the folder of the file. This page is made from the schema.
`

/** The reference of every key, as Markdown. */
export function describeSettings(): string {
  const sections: string[] = []
  const { fields } = objectOf(settingsShape.info)
  sections.push(`## Top level\n\n${table(fields)}`)
  for (const field of fields) if (field.of.kind !== 'value') describe(field.key, field.text, field.of, sections)
  return `${opening}\n${sections.join('\n\n')}\n`
}

function describe(path: string, text: string, info: ShapeInfo, sections: string[]): void {
  if (info.kind === 'value') return
  if (info.kind === 'list') return describe(`${path}[]`, text, info.of, sections)
  if (info.kind === 'record') {
    const inner = `${path}.<${info.keyName}>`
    if (info.of.kind === 'value') sections.push(`## \`${inner}\`\n\n${text} Each is ${info.of.expected}.`)
    else describe(inner, text, info.of, sections)
    return
  }
  if (info.kind === 'choice') {
    const options = info.options.map((option) => `- \`${option.title}\`: ${option.text}`)
    sections.push(`## \`${path}\`\n\n${text}\n\n${options.join('\n')}`)
    for (const option of info.options) describe(`${path} (${option.title})`, option.text, option.of, sections)
    return
  }
  sections.push(`## \`${path}\`\n\n${text}\n\n${table(info.fields)}`)
  for (const field of info.fields) describe(joinPath(path, field.key), field.text, field.of, sections)
}

/** `tenants.<tenant>.apps.<name> (dial:)` + `otherwise` keeps its remark at the end. */
function joinPath(path: string, key: string): string {
  const [, front, remark] = /^(.*?)( \(.*\))$/.exec(path) ?? [undefined, path, '']
  return `${front}.${key}${remark}`
}

function table(fields: readonly FieldInfo[]): string {
  const rows = fields.map((field) => {
    const fallback = field.fallback === null ? '*required*' : `\`${field.fallback}\``
    return `| \`${field.key}\` | ${fallback} | ${cell(field.text)} | ${cell(expectedOf(field.of))} |`
  })
  return ['| key | default | what | expected |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function expectedOf(info: ShapeInfo): string {
  if (info.kind === 'value') return info.expected
  if (info.kind === 'object') return 'keys, see below'
  if (info.kind === 'list') return 'a list, see below'
  return info.kind === 'record' ? `a map by ${info.keyName}` : 'one of several kinds, see below'
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function objectOf(info: ShapeInfo): Extract<ShapeInfo, { kind: 'object' }> {
  return info.kind === 'object' ? info : { kind: 'object', fields: [] }
}
