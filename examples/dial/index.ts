import { randomBytes } from 'node:crypto'
import { createSwitchhook, say } from 'switchhook'

const port = process.env.SIP_PORT ?? '5060'
const password = process.env.DESK_PASSWORD ?? randomBytes(12).toString('hex')
const hook = await createSwitchhook({
  configText: `
    sip: { listen: ["udp:127.0.0.1:${port}", "tcp:127.0.0.1:${port}"], anonymous: loopback }
    http: { listen: "127.0.0.1:${process.env.HTTP_PORT ?? '8080'}" }
    data: ${JSON.stringify(process.env.DATA ?? './data')}
    tenants: { demo: { extensions: { "101": { name: "Front desk", password: ${JSON.stringify(password)} } } } }
  `,
})

hook.number('2003', async (call) => {
  await call.answer()
  const choice = await call.gather({ prompt: say('To talk to the front desk press one.'), maxDigits: 1, attempts: 2 })
  if (choice.digits === '1') {
    const talk = await call.dial('101', { seconds: 20, announce: say('A caller from the menu.') })
    if (talk.outcome === 'busy') await call.say('The front desk is talking to somebody else.')
    else if (talk.answeredBy === null) await call.say('The front desk cannot take your call.')
  }
  await call.say('Goodbye.')
  await call.hangUp()
})

await hook.start()
console.log(`extension 101 registers at 127.0.0.1:${port} with the password ${password}`)
console.log(`ready: call 2003 at 127.0.0.1:${port}`)
