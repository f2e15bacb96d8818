// A handler of the Voicenter External IVR in JSON: a menu that tells the caller's number, connects with extension 101, takes
// a message. It runs by itself: npx tsx examples/voicenter/handler.ts [PORT]
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Question {
  readonly CALLER_ID: string
  readonly MENU: string
  readonly PREVIOUS_MENU: string
  readonly DTMF: string
  readonly IVR_UNIQUE_ID: string
}

const answer = (action: string, data: object): object => ({ STATUS: 0, ACTION: action, LANGUAGE: 'en', DATA: data })

/** The question that every menu here asks: one key, three times, two seconds between. */
const mainMenu = { REC: 'main_menu', LOOP: 3, DELAY: 2, SIZE: 1, VALIDATION: 0 }
const goodbye = answer('HANGUP', { HANGUP_REC: 'goodbye', HANGUP_CAUSE: 16 })

/** What to do next. MENU is where the caller is ("-1" at first), DTMF what it pressed there. */
function next({ CALLER_ID: caller, MENU: menu, DTMF: keys }: Question): object {
  if (menu === '-1') return answer('MENU', { ...mainMenu, MENU: 'main' })
  // Behind a CALL that did not come about: its next menu.
  if (menu === 'not-reached') return keys === '1' ? answer('MENU', { ...mainMenu, MENU: 'main' }) : goodbye
  switch (keys) {
    case '1':
      return answer('SAYDIGITS', { ...mainMenu, MENU: 'main', SAYDIGITSRECORD: 'your_number', DIGITS: caller })
    case '2':
      return answer('CALL', {
        TARGET: '101',
        CALLERID: caller,
        CALLERNAME: 'From the menu',
        CALLER_REC: 'please_wait',
        MOH_CLASS: 'default',
        CALL_MAX_DIAL: 20,
        CALL_MAX: 600,
        REC_STATUS: 1,
        NEXT_MENU: 'not-reached',
        NEXT_MENU_RECORD: 'not_reached',
        NEXT_MENU_LOOP: 2,
        NEXT_MENU_SIZE: 1,
        NEXT_MENU_WAIT: 2,
      })
    case '3':
      return answer('SILENTRECORD', { REC: 'leave_message', MAXDURATION: 60 })
    case '':
    case '9':
      return goodbye
    default:
      return answer('MENU', { ...mainMenu, MENU: 'main' })
  }
}

/** Listens on loopback. @param port - 0: any free one. */
export async function startHandler(port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      response.setHeader('content-type', 'application/json')
      try {
        const { METHOD: method, DATA: data } = JSON.parse(Buffer.concat(chunks).toString()) as {
          METHOD: string
          DATA: Question & { CALL_STATUS?: string; CALL_DURATION?: number }
        }
        if (method === 'HANGUP_CALL') {
          console.log(`call ${data.IVR_UNIQUE_ID} is over: ${data.CALL_STATUS}, ${data.CALL_DURATION} s`)
          response.end(JSON.stringify({ STATUS: 0 }))
        } else response.end(JSON.stringify(next(data)))
      } catch (thrown) {
        response.statusCode = 400
        response.end(JSON.stringify({ STATUS: 1, ERROR: String(thrown) }))
      }
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return server
}

if (process.argv[1] === import.meta.filename) {
  const server = await startHandler(Number(process.argv[2] ?? 9000))
  console.log(`listening on ${(server.address() as AddressInfo).port}`)
  // Started by another program, it ends with it.
  if (process.argv.includes('--until-eof')) process.stdin.on('end', () => process.exit()).resume()
}
