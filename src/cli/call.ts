import { writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { SystemRandom } from '../base/random.ts'
import { parseHostPort } from '../config/addresses.ts'
import { demoPasswordName, openGeneratedSecrets } from '../config/generated-secrets.ts'
import { wavHeader } from '../media/wav-header.ts'
import { parsePressScript } from '../phone/press-script.ts'
import { startPhone } from '../phone/start-phone.ts'
import type { PhoneNews, PhoneResult } from '../phone/test-phone.ts'
import { type Command, type CommandIo, type GivenArguments, UsageError, wholeNumber } from './command.ts'

const usualPort = 5060

export const callCommand: Command = {
  name: 'call',
  positionals: ['NUMBER'],
  summary: 'Places a real SIP call with the built-in test phone and prints what happened.',
  options: {
    server: { type: 'string', value: 'HOST:PORT', help: `whom to call by; 127.0.0.1:${usualPort} if absent` },
    tcp: { type: 'boolean', help: 'by TCP; UDP if absent' },
    as: {
      type: 'string',
      value: 'EXTENSION',
      help: 'calls as this extension, with its password; anonymously if absent',
    },
    password: {
      type: 'string',
      value: 'TEXT',
      help: 'of the extension; $SWITCHHOOK_PASSWORD, or the demo’s own if absent',
    },
    domain: { type: 'string', value: 'NAME', help: 'the SIP domain of the tenant; the server’s address if absent' },
    press: {
      type: 'string',
      value: '1,2#',
      help: 'keys; a comma, and the start, waits for the prompt to end or 2 s of quiet; ! in front does not wait',
    },
    info: { type: 'boolean', help: 'presses by SIP INFO; by RFC 4733 if absent' },
    say: { type: 'string', value: 'TEXT', help: 'says this once a prompt has ended' },
    language: { type: 'string', value: 'en', help: 'of --say: en, id, he or vi' },
    play: { type: 'string', value: 'FILE', help: 'plays this WAV or mp3 instead of --say' },
    save: { type: 'string', value: 'FILE', help: 'writes what was heard as WAV' },
    'max-seconds': { type: 'string', value: 'N', help: 'hangs up after so long; 60 if absent' },
    data: { type: 'string', value: 'FOLDER', help: 'where the demo keeps its passwords; ./data if absent' },
    json: { type: 'boolean', help: 'the outcome as JSON' },
  },
  async run(given, io) {
    const [number = ''] = given.positionals
    const server = serverOf(given)
    const maxSeconds = wholeNumber(given, 'max-seconds', 1, 3600, 60)
    const press = parsePressScript(given.string('press') ?? '')
    const identity = await identityOf(given, io)
    const isJson = given.flag('json')
    const phone = await startPhone({ server, maxSeconds })
    try {
      const speak = await phone.speech({
        text: given.string('say'),
        language: languageOf(given),
        file: given.string('play') === null ? null : resolve(io.cwd, given.string('play') ?? ''),
      })
      const domain = given.string('domain')
      const result = await phone.call(
        {
          server,
          number,
          press,
          speak,
          maxSeconds,
          pressCarrier: given.flag('info') ? 'info' : 'rfc4733',
          signal: io.signal,
          ...(identity ? { identity } : {}),
          ...(domain === null ? {} : { domain }),
        },
        (news) => {
          if (!isJson) io.out(lineOf(news))
        },
      )
      const file = given.string('save')
      if (file !== null) await save(resolve(io.cwd, file), phone.ear.heard())
      if (isJson) io.out(JSON.stringify({ ...result, heardSeconds: phone.ear.heardMs / 1000 }))
      else if (file !== null) io.out(`saved     ${file}, ${(phone.ear.heardMs / 1000).toFixed(1)} s`)
      return result.outcome === 'completed' ? 0 : 1
    } finally {
      await phone.close()
    }
  },
}

function serverOf(given: GivenArguments) {
  const text = given.string('server') ?? `127.0.0.1:${usualPort}`
  const parsed = parseHostPort(text.includes(':') ? text : `${text}:${usualPort}`)
  const address = parsed?.address === 'localhost' ? '127.0.0.1' : parsed?.address
  if (!parsed || !address || isIP(address) === 0) {
    throw new UsageError(`--server takes an IP address and a port, such as 127.0.0.1:5060, not '${text}'`)
  }
  return { address, port: parsed.port, protocol: given.flag('tcp') ? ('tcp' as const) : ('udp' as const) }
}

function languageOf(given: GivenArguments): 'en' | 'id' | 'he' | 'vi' {
  const language = given.string('language') ?? 'en'
  if (language === 'en' || language === 'id' || language === 'he' || language === 'vi') return language
  throw new UsageError(`--language takes en, id, he or vi, not '${language}'`)
}

async function identityOf(
  given: GivenArguments,
  io: CommandIo,
): Promise<{ extension: string; password: string } | null> {
  const extension = given.string('as')
  if (extension === null) return null
  const known = given.string('password') ?? io.env.SWITCHHOOK_PASSWORD
  if (known) return { extension, password: known }
  const folder = resolve(io.cwd, given.string('data') ?? './data')
  const password = (await openGeneratedSecrets(folder, new SystemRandom())).get(demoPasswordName(extension))
  if (password === null) throw new UsageError(`the password of ${extension} is not known; give it with --password`)
  return { extension, password }
}

function lineOf(news: PhoneNews): string {
  switch (news.kind) {
    case 'ringing':
      return `ringing   ${news.status}`
    case 'answered':
      return `answered  after ${Math.round(news.afterMs)} ms`
    case 'pressed':
      // Not which: they may be a PIN, and terminals are recorded.
      return `pressed   ${news.count} ${news.count === 1 ? 'key' : 'keys'}`
    case 'ended':
      return summary(news.result)
  }
}

function summary(result: PhoneResult): string {
  const lines = [`ended     ${result.sentence}`]
  if (result.outcome === 'completed') {
    lines.push(
      `talked    ${(result.talkMs / 1000).toFixed(1)} s, ${result.packetsReceived} packets heard, ${result.packetsLost} lost`,
    )
  }
  return lines.join('\n')
}

async function save(file: string, pcm: Int16Array): Promise<void> {
  const bytes = new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength)
  const header = wavHeader({ encoding: 'pcm16', channels: 1, rateHz: 8000 }, bytes.length)
  await writeFile(file, Buffer.concat([header, bytes]))
}
