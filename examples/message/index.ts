import { join } from 'node:path'
import { createSwitchhook, file, say } from 'switchhook'

const port = process.env.SIP_PORT ?? '5060'
const data = process.env.DATA ?? './data'
const hook = await createSwitchhook({
  configText: `
    sip: { listen: ["udp:127.0.0.1:${port}", "tcp:127.0.0.1:${port}"], anonymous: loopback }
    http: { listen: "127.0.0.1:${process.env.HTTP_PORT ?? '8080'}" }
    data: ${JSON.stringify(data)}
    tenants: { demo: {} }
  `,
})

hook.number('2001', async (call) => {
  await call.answer()
  const message = await call.record({
    prompt: say('Please leave your message after the tone, and press the hash key.'),
    maxDurationMs: 60_000,
  })
  if (message.outcome !== 'recorded') return
  if (message.durationMs < 1000) {
    await call.say('That was too short.')
  } else {
    await call.play([
      say('You said:'),
      file(join(hook.dataFolder, message.file)),
      say('Your message was kept. Goodbye.'),
    ])
  }
  await call.hangUp()
})

await hook.start()
console.log(`ready: call 2001 at 127.0.0.1:${port}`)
