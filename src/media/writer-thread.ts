import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type DeskOptions, RecordingDesk } from './recording-desk.ts'

/** From the main thread: another media worker's port, or the wish to end. */
export type WriterRequest = { readonly kind: 'port'; readonly port: MessagePort } | { readonly kind: 'close' }

/** The thread that writes all recordings. Its main loop is the desk's. */
const desk = new RecordingDesk(workerData as DeskOptions)

parentPort?.on('message', (request: WriterRequest) => {
  if (request.kind === 'port') return desk.accept(request.port)
  desk.close().then(
    // In a later turn, so that the last notices leave first.
    () => setImmediate(() => process.exit(0)),
    () => process.exit(1),
  )
})
