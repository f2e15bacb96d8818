import { createSwitchhook, say } from 'switchhook'

const port = process.env.SIP_PORT ?? '5060'
const hook = await createSwitchhook({
  configText: `
    sip: { listen: ["udp:127.0.0.1:${port}", "tcp:127.0.0.1:${port}"], anonymous: loopback }
    http: { listen: "127.0.0.1:${process.env.HTTP_PORT ?? '8080'}" }
    data: ${JSON.stringify(process.env.DATA ?? './data')}
    tenants: { demo: {} }
  `,
})

hook.number('2000', async (call) => {
  await call.answer()
  const choice = await call.gather({
    prompt: say('For English press one. For Indonesian press two.'),
    maxDigits: 1,
    attempts: 3,
  })
  if (choice.digits === '1') await call.say('You have chosen English.')
  if (choice.digits === '2') await call.say('Anda memilih bahasa Indonesia.', { language: 'id' })
  await call.say('Goodbye.')
  await call.hangUp()
})

await hook.start()
console.log(`ready: call 2000 at 127.0.0.1:${port}`)
