import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createSwitchhook } from 'switchhook'
import { type Access, startApplication } from './application.ts'

const port = process.env.SIP_PORT ?? '5060'
const httpPort = process.env.HTTP_PORT ?? '8080'
const access: Access = { base: '', appId: 'example', accessToken: crypto.randomUUID() }
const application = ((await startApplication(0, access)).address() as AddressInfo).port
// The Python program is told by its environment where the API is, so that must be known before.
const python = httpPort === '0' ? null : await startPython()

const hook = await createSwitchhook({
  configText: `
    sip: { listen: ["udp:127.0.0.1:${port}", "tcp:127.0.0.1:${port}"], anonymous: loopback }
    http: { listen: "127.0.0.1:${httpPort}" }
    data: ${JSON.stringify(process.env.DATA ?? './data')}
    tenants:
      demo:
        extensions: { "101": { password: ${JSON.stringify(crypto.randomUUID())} } }
        numbers: { "2006": { app: "typescript" }${python === null ? '' : ', "2007": { app: "python" }'} }
        apps:
          typescript:
            { dialect: "hoiio", appId: "example", accessToken: "${access.accessToken}", notifyUrl: "http://127.0.0.1:${application}/in" }
          python:
            { dialect: "hoiio", appId: "python", accessToken: "${access.accessToken}", notifyUrl: "http://127.0.0.1:${python ?? application}/in" }
  `,
})
await hook.start()
access.base = `${hook.addresses.http}/open`
console.log(`ready: call 2006${python === null ? '' : ' or 2007'} at 127.0.0.1:${port}`)

/** The port of the Python program; null where there is no Python. */
async function startPython(): Promise<number | null> {
  const env = {
    ...process.env,
    HOIIO_BASE: `http://127.0.0.1:${httpPort}/open`,
    HOIIO_APP_ID: 'python',
    HOIIO_ACCESS_TOKEN: access.accessToken,
  }
  const words = [join(import.meta.dirname, 'application.py'), '0', '--until-eof']
  const child = spawn('python3', words, { stdio: ['pipe', 'pipe', 'inherit'], env })
  const started = once(createInterface(child.stdout), 'line').then(([line]: string[]) =>
    Number(line?.split(' ').at(-1)),
  )
  const failed = once(child, 'error').then(() => null)
  return await Promise.race([started, failed])
}
