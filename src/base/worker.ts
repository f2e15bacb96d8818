import { fileURLToPath } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'

/**
 * Starts a worker thread from a sibling module. Built code runs as it is; straight from TypeScript (tests, examples)
 * the thread gets tsx, since Node 20 cannot strip types itself.
 * @param from - the caller's `import.meta.url`.
 * @param path - the worker's module relative to it, without its ending: `./media-worker`.
 */
export function startWorker(from: string, path: string, options: WorkerOptions = {}): Worker {
  if (!from.endsWith('.ts')) return new Worker(fileURLToPath(new URL(`${path}.js`, from)), options)
  // Not `--import tsx`: tsx skips its hooks there in a thread of Node 20, so the thread registers them itself.
  const url = (specifier: string): string => JSON.stringify(specifier)
  const body = `import(${url(import.meta.resolve('tsx/esm/api'))}).then((tsx) => {
    tsx.register()
    return import(${url(new URL(`${path}.ts`, from).href)})
  })`
  return new Worker(body, { ...options, eval: true })
}
