import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { SystemClock } from './base/clock.ts'
import { SystemRandom } from './base/random.ts'
import { startDemoHandlers } from './demo-handlers.ts'

const hasPython = spawnSync('python3', ['--version']).status === 0

it('the demo starts its handlers, which answer, and ends them', { timeout: 30_000 }, async () => {
  const handlers = await startDemoHandlers(new SystemClock(), { random: new SystemRandom(), httpPort: 1 })
  const { json, xmlrpc, prompts, hoiio } = handlers.urls
  expect(xmlrpc === null).toBe(!hasPython)
  expect([...prompts.keys()]).toContain('main_menu')
  const question = { METHOD: 'GET_IVR_ACTION', DATA: { CALLER_ID: '1', MENU: '-1', PREVIOUS_MENU: '-1', DTMF: '' } }
  const response = await fetch(json ?? '', { method: 'POST', body: JSON.stringify(question) })
  expect(await response.json()).toMatchObject({ STATUS: 0, ACTION: 'MENU', DATA: { REC: 'main_menu' } })
  // It asks a port where nobody is, and only says so.
  expect((await fetch(hoiio?.url ?? '', { method: 'POST', body: 'session=S1&call_state=ringing' })).status).toBe(200)
  handlers.close()
  const isGone = async (): Promise<boolean> => {
    try {
      await fetch(json ?? '')
      return false
    } catch {
      return true
    }
  }
  while (!(await isGone())) await new Promise((resolve) => setImmediate(resolve))
})
