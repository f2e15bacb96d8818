// A Hoiio application: a menu that takes a message, connects with extension 101, or reads digits back. It runs by itself:
// HOIIO_BASE=http://127.0.0.1:8080/open HOIIO_APP_ID=... HOIIO_ACCESS_TOKEN=... npx tsx examples/hoiio/application.ts [PORT]
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Access {
  /** Where the API is: `http://127.0.0.1:8080/open`. */
  base: string
  readonly appId: string
  readonly accessToken: string
}

type Fields = Readonly<Record<string, string>>

/** What it does next, by the state that its own notify_url carries. `notify` makes the address for the next state. */
async function next(
  told: Fields,
  ask: (path: string, parameters: Fields) => Promise<void>,
  notify: (state: string) => string,
) {
  const { session = '', app_state: state, call_state: callState, digits = '', transfer_status: transfer } = told
  if (callState === 'ended')
    return console.log(`session ${session} is over: ${told.duration} min, ${told.debit} ${told.currency}`)
  const menu = (msg: string): Promise<void> =>
    ask('ivr/middle/gather', { session, msg, max_digits: '1', timeout: '5', attempts: '2', notify_url: notify('menu') })
  const question = 'Press 1 to leave a message, 2 to talk to somebody, 3 to hear digits read back.'
  const goodbye = (msg: string): Promise<void> => ask('ivr/end/hangup', { session, msg, notify_url: notify('bye') })
  switch (state) {
    case undefined:
      return await menu(`Welcome to the Hoiio example. ${question}`)
    case 'menu':
      if (digits === '1') {
        const msg = 'Speak after the beep, and press hash.'
        return await ask('ivr/middle/record', { session, msg, max_duration: '60', notify_url: notify('recorded') })
      }
      if (digits === '2') {
        const transfer = { dest: '101', msg: 'One moment.', on_failure: 'continue', notify_url: notify('transferred') }
        return await ask('ivr/end/transfer', { session, ...transfer })
      }
      if (digits === '3') {
        const request = { msg: 'Key in digits, then hash.', timeout: '10', notify_url: notify('digits') }
        return await ask('ivr/middle/gather', { session, ...request })
      }
      return await goodbye('Nothing was pressed. Goodbye.')
    case 'digits':
      return await menu(`You keyed in ${[...digits].join(' ')}. ${question}`)
    case 'recorded':
      console.log(`a message: ${told.record_url}`)
      return await goodbye('Thank you for your message. Goodbye.')
    case 'transferred':
      return await menu(transfer === 'busy' ? `They are busy. ${question}` : `Nobody is there. ${question}`)
  }
}

/** Listens on loopback. @param port - 0: any free one. */
export async function startApplication(port: number, access: Access): Promise<Server> {
  const ask = async (path: string, parameters: Fields): Promise<void> => {
    const body = new URLSearchParams({ app_id: access.appId, access_token: access.accessToken, ...parameters })
    const answer = (await (await fetch(`${access.base}/${path}`, { method: 'POST', body })).json()) as Fields
    if (answer.status !== 'success_ok') console.log(`${path}: ${answer.status}`)
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      // The answer is only that it was received; what comes next is asked for.
      response.writeHead(200).end()
      const told = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()))
      const notify = (state: string): string => `http://${request.headers.host}/next?app_state=${state}`
      next(told, ask, notify).catch((thrown: unknown) => console.log('a request failed', thrown))
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}

if (import.meta.filename === process.argv[1]) {
  const words = process.argv.slice(2).filter((word) => !word.startsWith('--'))
  const { HOIIO_BASE: base = '', HOIIO_APP_ID: appId = '', HOIIO_ACCESS_TOKEN: accessToken = '' } = process.env
  const server = await startApplication(Number(words[0] ?? 9003), { base, appId, accessToken })
  console.log(`listening on ${(server.address() as AddressInfo).port}`)
  // Started by another program, it ends with it.
  if (process.argv.includes('--until-eof')) process.stdin.on('end', () => process.exit()).resume()
}
