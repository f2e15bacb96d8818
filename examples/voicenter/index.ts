import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createSwitchhook } from 'switchhook'
import { startHandler } from './handler.ts'

const folder = import.meta.dirname
const port = process.env.SIP_PORT ?? '5060'
const json = ((await startHandler(0)).address() as AddressInfo).port
const xmlrpc = await startPython()

const hook = await createSwitchhook({
  configText: `
    sip: { listen: ["udp:127.0.0.1:${port}", "tcp:127.0.0.1:${port}"], anonymous: loopback }
    http: { listen: "127.0.0.1:${process.env.HTTP_PORT ?? '8080'}" }
    data: ${JSON.stringify(process.env.DATA ?? './data')}
    tenants:
      demo:
        extensions: { "101": { password: ${JSON.stringify(crypto.randomUUID())} } }
        recordings: { en: ${JSON.stringify(join(folder, 'prompts', 'en'))} }
        numbers: { "2004": { app: "json" }${xmlrpc === null ? '' : ', "2005": { app: "xmlrpc" }'} }
        apps:
          json: { dialect: "voicenter", url: "http://127.0.0.1:${json}/", format: "json" }
          xmlrpc: { dialect: "voicenter", url: "http://127.0.0.1:${xmlrpc ?? json}/RPC2", format: "xmlrpc" }
  `,
})
await hook.start()
console.log(`ready: call 2004${xmlrpc === null ? '' : ' or 2005'} at 127.0.0.1:${port}`)

/** The port of the Python handler; null where there is no Python. */
async function startPython(): Promise<number | null> {
  const child = spawn('python3', [join(folder, 'handler.py'), '0', '--until-eof'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const started = once(createInterface(child.stdout), 'line').then(([line]: string[]) =>
    Number(line?.split(' ').at(-1)),
  )
  const failed = once(child, 'error').then(() => null)
  return await Promise.race([started, failed])
}
