import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'

/**
 * Starts a worker thread from a sibling module. Built code runs as it is; straight from TypeScript (tests, examples)
 * the thread gets its modules as one script, since Node 20 cannot strip types itself.
 * @param from - the caller's `import.meta.url`.
 * @param path - the worker's module relative to it, without its ending: `./media-worker`.
 */
export function startWorker(from: string, path: string, options: WorkerOptions = {}): Worker {
  if (!from.endsWith('.ts')) return new Worker(fileURLToPath(new URL(`${path}.js`, from)), options)
  return new Worker(scriptOf(new URL(`${path}.ts`, from).href), { ...options, eval: true })
}

/** What is used of esbuild. */
interface Bundler {
  buildSync(options: Readonly<Record<string, unknown>>): { readonly outputFiles: readonly { readonly text: string }[] }
}

/** By the module's URL: a process starts the same few again and again. */
const scripts = new Map<string, string>()

/** A worker's module and what it imports of ours. tsx in each thread would cost ten times as much as the thread itself. */
function scriptOf(url: string): string {
  const known = scripts.get(url)
  if (known !== undefined) return known
  const require = createRequire(import.meta.url)
  // The one that tsx brings: whoever runs TypeScript has it.
  const { buildSync } = createRequire(require.resolve('tsx'))('esbuild') as Bundler
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(url)],
    bundle: true,
    packages: 'external',
    format: 'cjs',
    platform: 'node',
    write: false,
    // What a worker starts itself stands beside it.
    define: { 'import.meta.url': 'workerUrl' },
  })
  const body = outputFiles.map(({ text }) => text).join('')
  const script = `((require, workerUrl) => {${body}
})(require('node:module').createRequire(${JSON.stringify(url)}), ${JSON.stringify(url)})`
  scripts.set(url, script)
  return script
}
