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

hook.number('2002', async (call) => {
  await call.answer()
  await call.play(say('Welcome to the conference. Star one mutes you, and the hash key leads out.'))
  const visit = await call.conference('everybody', { max: 10, beep: true, keys: { '*1': 'mute' } })
  if (visit.outcome === 'full') await call.say('The room is full. Please call again later.')
  else await call.say(visit.members > 1 ? 'You have left the conference.' : 'Nobody else came.')
  await call.say('Goodbye.')
  await call.hangUp()
})

await hook.start()
console.log(`ready: call 2002 at 127.0.0.1:${port}`)
