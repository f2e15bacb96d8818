// Builds dist/ with the TypeScript compiler. Runs in `npm ci` (prepare), before `npm test`, and by `npm run build`.
// Installed without development dependencies there is no compiler, and the dist/ that was shipped is kept.
import { spawnSync } from 'node:child_process'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
if (!existsSync(tsc)) {
  if (existsSync(join(root, 'dist', 'cli', 'main.js'))) process.exit(0)
  console.error('switchhook: there is no dist/ and no compiler to make it; run `npm ci` with development dependencies.')
  process.exit(1)
}
// Built aside and then moved into place: a server that is starting never finds half of it.
const fresh = join(root, `.tmp-dist-${process.pid}`)
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', fresh], {
  stdio: 'inherit',
  cwd: root,
})
if (status === 0) {
  const old = `${fresh}-old`
  if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old)
  renameSync(fresh, join(root, 'dist'))
  rmSync(old, { recursive: true, force: true })
}
rmSync(fresh, { recursive: true, force: true })
process.exit(status ?? 1)
