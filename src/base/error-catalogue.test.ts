import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { errorCatalogue } from './error-catalogue.ts'

const src = join(import.meta.dirname, '..')
const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !/base\/error-codes-\w+\.ts$/.test(file))
  .map((file) => readFileSync(join(src, file), 'utf8'))
  .join('\n')

describe('the error catalogue', () => {
  it('holds no code that nothing throws', () => {
    const unused = Object.keys(errorCatalogue).filter((code) => !sources.includes(`'${code}'`))
    expect(unused).toEqual([])
  })

  it('says in whole sentences what happened and what to do', () => {
    for (const [code, { meaning, remedy }] of Object.entries(errorCatalogue)) {
      expect(code).toMatch(/^[a-z][a-z-]*(\.[a-z0-9-]+)+$/)
      expect(`${meaning} ${remedy}`, code).toMatch(/^[A-Z].*\. \S.*\.$/)
    }
  })
})
