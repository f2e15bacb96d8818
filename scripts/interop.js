// Runs the interop suite against programs that nobody here wrote. Missing Debian packages are installed where that is
// allowed (root, and CI or --install); where it is not, the missing ones are named and their tests are skipped by name.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const args = process.argv.slice(2)
if (args.includes('--help')) {
  console.log('usage: npm run test:interop [-- --install] [-- vitest arguments]')
  process.exit(0)
}

/** Program -> Debian package. */
const peers = {
  sipp: 'sip-tester',
  baresip: 'baresip',
  sipsak: 'sipsak',
  svmap: 'sipvicious',
  tshark: 'tshark',
  sox: 'sox',
  python3: 'python3',
  chromium: 'chromium',
}

const isInstalled = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
const missing = () => Object.keys(peers).filter((program) => !isInstalled(program))

let lacking = missing()
const mayInstall = process.getuid?.() === 0 && (process.env.CI === 'true' || args.includes('--install'))
if (lacking.length > 0 && mayInstall) {
  const packages = lacking.map((program) => peers[program])
  console.log(`installing ${packages.join(', ')}`)
  const options = { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
  spawnSync('apt-get', ['update', '-q'], options)
  spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], options)
  lacking = missing()
}
for (const program of lacking) {
  console.error(
    `interop: ${program} is missing (Debian package ${peers[program]}); run with --install as root to get it`,
  )
}
if (lacking.length > 0 && process.env.CI === 'true') process.exit(1)

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const rest = args.filter((arg) => arg !== '--install')
const build = spawnSync(process.execPath, [join(root, 'scripts', 'build.js')], { stdio: 'inherit' })
if (build.status !== 0) process.exit(1)
const run = spawnSync(process.execPath, [vitest, 'run', '--config', 'vitest.interop.config.ts', ...rest], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, INTEROP_MISSING: lacking.join(',') },
})
process.exit(run.status ?? 1)
