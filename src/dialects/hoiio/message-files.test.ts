import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Receiver, startReceiver } from '../../../test/support/receiver.ts'
import { SystemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/log.ts'
import { OutgoingHttp } from '../../http/outgoing/outgoing-http.ts'
import { PromptLibrary } from '../../media/prompt-library.ts'
import { wavHeader } from '../../media/wav-header.ts'
import type { Application } from './applications.ts'
import { Refusal } from './codec.ts'
import { MessageFiles } from './message-files.ts'

const megabyte = 1024 * 1024
const lastModified = 'Thu, 01 Jan 2026 00:00:00 GMT'
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../test/fixtures/media/${name}`, import.meta.url))

describe('files that messages name, over HTTP', () => {
  const clock = new SystemClock()
  const application = { key: 'acme/desk' } as Application
  let folder: string
  let receiver: Receiver
  let http: OutgoingHttp
  let prompts: PromptLibrary
  let files: MessageFiles
  /** By path. */
  let served: Map<string, (response: ServerResponse) => void>
  /** Whether the receiver's host is the one that the operator chose. */
  let isOwn: boolean

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchhook-messages-'))
    served = new Map()
    isOwn = true
    receiver = await startReceiver({
      answer: ({ path }, response) => {
        const serve = served.get(path)
        if (serve) serve(response)
        else response.writeHead(404).end()
      },
    })
    http = new OutgoingHttp({ clock, allowPrivateAddresses: false })
    prompts = new PromptLibrary({ clock, log: silentLogger })
    files = new MessageFiles({
      http,
      folder: join(folder, 'cache'),
      load: (path) => prompts.load(path),
      isOwn: () => isOwn,
    })
  })

  afterEach(async () => {
    await receiver.close()
    http.close()
    await prompts.close()
    await rm(folder, { recursive: true, force: true })
  })

  const serve = (path: string, body: Buffer, headers: Readonly<Record<string, string>> = {}): void =>
    void served.set(path, (response) => void response.writeHead(200, headers).end(body))

  /** How long what was fetched lasts, or the status that its request would be refused with. */
  async function fetched(path: string): Promise<number | string> {
    try {
      const kept = await files.fetch(application, `${receiver.url}${path}`)
      return (await prompts.load(kept)).durationMs
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown.status
      throw thrown
    }
  }

  it.each(['mono-22050.mp3', 'stereo-44100-id3.mp3', 'mono-8000-mulaw.wav', 'stereo-44100-s24.wav', 'mono-8000.gsm'])(
    'takes %s, whatever its label says',
    async (name) => {
      serve('/file', await readFile(fixture(name)), { 'content-type': 'application/octet-stream' })
      expect(await fetched('/file')).toBeGreaterThan(150)
    },
  )

  it.each<[string, Buffer, string]>([
    ['a page', Buffer.from('<html>Not found</html>'), 'error_msg_invalid_file_format'],
    ['nothing', Buffer.alloc(0), 'error_msg_invalid_file_format'],
    ['half a header', Buffer.from('RIFF'), 'error_msg_invalid_file_format'],
  ])('refuses %s', async (_, body, status) => {
    serve('/file', body)
    expect(await fetched('/file')).toBe(status)
    expect(await readdir(join(folder, 'cache'))).toEqual([])
  })

  it('takes ten megabytes and no byte more', async () => {
    const shape = { encoding: 'pcm16', channels: 1, rateHz: 8000 } as const
    const whole = (bytes: number): Buffer => Buffer.concat([wavHeader(shape, bytes - 44), Buffer.alloc(bytes - 44)])
    serve('/most', whole(10 * megabyte))
    expect(await fetched('/most')).toBeGreaterThan(600_000)
    serve('/more', whole(10 * megabyte + 2))
    expect(await fetched('/more')).toBe('error_msg_invalid_file_size')
  })

  it('asks whether it has changed, and fetches it only then', async () => {
    const wav = await readFile(fixture('mono-8000-mulaw.wav'))
    serve('/file', wav, { 'last-modified': lastModified })
    const url = `${receiver.url}/file`
    const first = await files.fetch(application, url)
    served.set('/file', (response) => void response.writeHead(304).end())
    expect(await files.fetch(application, url)).toBe(first)
    expect(receiver.received.map(({ headers }) => headers['if-modified-since'])).toEqual([undefined, lastModified])
    serve('/file', wav, { 'last-modified': 'Fri, 02 Jan 2026 00:00:00 GMT' })
    const second = await files.fetch(application, url)
    expect(second).not.toBe(first)
    // What still plays the older one finds it there.
    expect((await prompts.load(first)).durationMs).toBeGreaterThan(0)
  })

  it('fetches once for all who ask at once, and anew what has no date', async () => {
    serve('/file', await readFile(fixture('mono-8000.gsm')))
    const url = `${receiver.url}/file`
    const [first, second] = await Promise.all([files.fetch(application, url), files.fetch(application, url)])
    expect(second).toBe(first)
    expect(receiver.received).toHaveLength(1)
    await files.fetch(application, url)
    expect(receiver.received[1]?.headers['if-modified-since']).toBeUndefined()
  })

  it('keeps the first files of two that come at once', async () => {
    const wav = await readFile(fixture('mono-8000-mulaw.wav'))
    const names = ['/a', '/b', '/c', '/d']
    for (const name of names) serve(name, wav)
    expect(await Promise.all(names.map((name) => fetched(name)))).toEqual(names.map(() => expect.any(Number)))
    expect(await readdir(join(folder, 'cache'))).toHaveLength(4)
  })

  it('follows redirects within the host that was chosen, and nowhere private else', async () => {
    serve('/file', await readFile(fixture('mono-8000.gsm')))
    served.set('/moved', (response) => void response.writeHead(302, { location: '/file' }).end())
    expect(await fetched('/moved')).toBeGreaterThan(150)
    const inner = await startReceiver()
    served.set('/inside', (response) => void response.writeHead(302, { location: `${inner.url}/secret` }).end())
    expect(await fetched('/inside')).toBe('error_msg_invalid_url')
    served.set('/metadata', (response) => void response.writeHead(302, { location: 'http://169.254.169.254/' }).end())
    expect(await fetched('/metadata')).toBe('error_msg_invalid_url')
    served.set('/file-url', (response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end())
    expect(await fetched('/file-url')).toMatch(/^error_msg_(download_failed|invalid_url)$/)
    served.set('/round', (response) => void response.writeHead(302, { location: '/round' }).end())
    expect(await fetched('/round')).toBe('error_msg_download_failed')
    expect(inner.received).toEqual([])
    await inner.close()
  })

  it('fetches nothing from a private network, by number or by name', async () => {
    isOwn = false
    expect(await fetched('/file')).toBe('error_msg_invalid_url')
    const named = receiver.url.replace('127.0.0.1', 'localhost')
    await expect(files.fetch(application, `${named}/file`)).rejects.toThrow('error_msg_invalid_url')
    expect(receiver.received).toEqual([])
  })

  it.each([404, 403, 500, 204])('takes %i for a failure', async (status) => {
    served.set('/file', (response) => void response.writeHead(status).end())
    expect(await fetched('/file')).toBe('error_msg_download_failed')
  })
})
