// Loaded by the processes that tests start (`--import`): who tests may time out, be stopped or be killed, and a server that outlives
// them would keep its ports and this machine busy. With its folder, which nobody is left to remove.
import { rmSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

if (isMainThread && process.channel) {
  process.channel.unref()
  process.once('disconnect', () => {
    const { TEST_FOLDER: folder } = process.env
    process.once('exit', () => folder && rmSync(folder, { recursive: true, force: true }))
    process.exit(1)
  })
}
