// npm run docs: writes the documents that are made from the code: docs/errors.md and docs/configuration.md.
// `--check` writes nothing and fails when one of them is out of date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorCatalogue } from '../src/base/error-catalogue.ts'
import { describeSettings } from '../src/config/describe.ts'

const docs = join(dirname(fileURLToPath(import.meta.url)), '..', 'docs')
const isCheck = process.argv.includes('--check')

const errors = [
  '# Error codes',
  '',
  'Made by `npm run docs` from `src/base/error-catalogue.ts`. Logs, the admin API and call records name these codes.',
  '',
  '| code | what happened | what to do |',
  '| --- | --- | --- |',
  ...Object.entries(errorCatalogue)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([code, entry]) => `| \`${code}\` | ${entry.meaning} | ${entry.remedy} |`),
  '',
].join('\n')

const files: readonly (readonly [name: string, text: string])[] = [
  ['errors.md', errors],
  ['configuration.md', describeSettings()],
]
let stale = 0
for (const [name, text] of files) {
  const path = join(docs, name)
  const isSame = existsSync(path) && readFileSync(path, 'utf8') === text
  if (isSame) continue
  if (isCheck) {
    console.error(`docs/${name} is out of date: run npm run docs`)
    stale++
  } else {
    writeFileSync(path, text)
    console.log(`wrote docs/${name}`)
  }
}
process.exit(stale > 0 ? 1 : 0)
