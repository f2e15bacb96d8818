// Prints which folder of src/ imports which, and marks every arrow that points away from the wire, every circle of
// files, and every insider that walks through its own folder's door. `--check` prints only what is wrong and exits 1.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Nearest the wire first. A folder may import itself and those before it. */
const order = [
  'base',
  'config',
  'sip/message',
  'sip/transport',
  'sip/locate',
  'sip/transaction',
  'sip/auth',
  'sip/dialog',
  'sip/registrar',
  'sip/subscription',
  'sip/trunk',
  'sdp',
  'rtp',
  'webrtc',
  'media',
  'media/plane',
  'speech',
  'leg',
  'call',
  'routing',
  'reach',
  'action',
  'store',
  'http',
  'dialects',
  'admin',
  'console',
  'phone',
  '.',
  'cli',
]

if (process.argv.includes('--help')) {
  console.log('usage: node scripts/import-map.js [--check]')
  process.exit(0)
}

const src = join(dirname(fileURLToPath(import.meta.url)), '..', 'src')
const files = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
  .map((entry) => relative(src, join(entry.parentPath, entry.name)))
  .sort()

/** The longest known folder that holds the file. */
function folderOf(file) {
  const own = dirname(file)
  const found = order
    .filter((folder) => own === folder || own.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0]
  return found ?? (own === '.' ? '.' : undefined)
}

const problems = []
/** file -> files it imports; type-only imports count for direction but cannot make a circle at run time. */
const imports = new Map()
const arrows = new Map()

for (const file of files) {
  const folder = folderOf(file)
  if (folder === undefined) {
    problems.push(`${file}: its folder has no place in the order`)
    continue
  }
  const text = readFileSync(join(src, file), 'utf8')
  const targets = []
  for (const [, typeOnly, specifier] of text.matchAll(
    /^\s*(?:import|export)\s+(type\s)?(?:[^'"]*?\sfrom\s+)?'(\.[^']+)'/gm,
  )) {
    const target = relative(src, resolve(join(src, dirname(file)), specifier))
    const targetFolder = folderOf(target)
    if (!typeOnly) targets.push(target)
    if (targetFolder === undefined) continue
    if (targetFolder === folder) {
      if (target.endsWith('index.ts') && dirname(target) === dirname(file) && !file.endsWith('index.ts')) {
        problems.push(`${file}: imports the door of its own folder (${target})`)
      }
      continue
    }
    if (order.indexOf(targetFolder) > order.indexOf(folder)) {
      problems.push(`${file}: imports ${target}, which stands further from the wire`)
    }
    const key = `${folder} -> ${targetFolder}`
    arrows.set(key, (arrows.get(key) ?? 0) + 1)
  }
  imports.set(file, targets)
}

const state = new Map()
function visit(file, path) {
  if (state.get(file) === 'done') return
  if (state.get(file) === 'open') {
    problems.push(`circle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`)
    return
  }
  state.set(file, 'open')
  for (const target of imports.get(file) ?? []) visit(target, [...path, file])
  state.set(file, 'done')
}
for (const file of files) visit(file, [])

if (!process.argv.includes('--check')) {
  for (const folder of order) {
    const from = [...arrows].filter(([key]) => key.startsWith(`${folder} -> `))
    if (from.length === 0) continue
    console.log(folder)
    for (const [key, count] of from.sort()) console.log(`  -> ${key.split(' -> ')[1]} (${count})`)
  }
}
for (const problem of problems) console.error(`import-map: ${problem}`)
console.log(`import-map: ${files.length} files, ${problems.length} problems`)
process.exit(problems.length > 0 ? 1 : 0)
