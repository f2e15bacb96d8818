import { describe, expect, it } from 'vitest'
import { describeSettings } from './describe.ts'
import { settingsShape } from './schema.ts'
import type { ShapeInfo } from './shape.ts'

describe('the reference of the configuration', () => {
  const page = describeSettings()

  it('has every key of the schema', () => {
    const keys = keysOf(settingsShape.info)
    expect(keys).toContain('sayDigitsEachLoop')
    for (const key of keys) expect(page).toContain(`\`${key}\``)
  })

  it('says default and expectation of a key', () => {
    expect(page).toContain('| `seconds` | `20` | How long it rings. | a whole number from 1 to 600 seconds |')
    expect(page).toContain('| `password` | *required* | Of its telephone. Stored encrypted. |')
    expect(page).toContain('## `tenants.<tenant>.outbound[]`')
  })

  it('has tables with four columns in every row', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('|'))
    for (const row of rows) expect([row, row.replaceAll('\\|', '').split('|').length]).toEqual([row, 6])
  })
})

function keysOf(info: ShapeInfo): string[] {
  if (info.kind === 'object') return info.fields.flatMap((field) => [field.key, ...keysOf(field.of)])
  if (info.kind === 'choice') return info.options.flatMap((option) => keysOf(option.of))
  return info.kind === 'value' ? [] : keysOf(info.of)
}
