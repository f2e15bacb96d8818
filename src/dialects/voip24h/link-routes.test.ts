import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../../test/support/databases.ts'
import { type PartnerStage, startPartnerStage } from '../../../test/support/voip24h-stage.ts'
import type { CallRecord } from '../../call/records.ts'
import type { LinkAction } from './links.ts'

const sound = new TextEncoder().encode('RIFF and so on: the sound')

describe.each(databaseKinds)('links to recordings on %s', (kind) => {
  let stage: PartnerStage
  let call: CallRecord

  beforeAll(async () => {
    stage = await startPartnerStage(kind)
    call = await stage.keep(
      { startedAt: Date.UTC(2018, 6, 16, 2, 49, 53), serial: 4472, from: '+84948873483', to: '+84899199799' },
      [{ extension: '137', dialled: '137', answeredAt: Date.UTC(2018, 6, 16, 2, 49, 55) }],
    )
    await stage.record(call, sound)
  })
  afterAll(() => stage?.close())

  async function linkOf(requestType: 'recordingDownload' | 'recordingListen', id = '1531709393.4472'): Promise<string> {
    const { body } = await stage.ask(requestType, { callId: id })
    expect(body).toMatchObject({ respCode: 0, respMsg: 'Success' })
    return (body.data as { link: string }).link
  }
  const pathOf = (link: string): string => link.replace('https://hook.example.com', '')
  const get = (link: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') =>
    stage.server.inject({ method, url: pathOf(link), headers })

  it('have the published paths and parameters, escaped, at the public address', async () => {
    const download = new URL(await linkOf('recordingDownload'))
    expect(`${download.origin}${download.pathname}`).toBe('https://hook.example.com/api/recording/download')
    const file = 'in-0899199799-0948873483-20180716-094953-1531709393.4472.wav'
    expect([...download.searchParams]).toEqual([
      ['host', expect.stringMatching(/^[\w-]+\.[\w-]+$/)],
      ['recordingFile', file],
    ])
    const listen = new URL(await linkOf('recordingListen'))
    expect(listen.pathname).toBe('/recording/listen')
    // The drafts named the file instead of the call; v1.1 calls the id uniqueId.
    expect((await stage.ask('recordingListen', { recordingFile: file })).body.respCode).toBe(0)
    expect((await stage.ask('recordingListen', { uniqueId: '1531709393.4472' })).body.respCode).toBe(0)
  })

  it('that download save the file under its name, whole or from where it broke off', async () => {
    const link = await linkOf('recordingDownload')
    const whole = await get(link)
    expect(whole.statusCode).toBe(200)
    expect(whole.rawPayload).toEqual(Buffer.from(sound))
    expect(whole.headers).toMatchObject({
      'content-type': 'audio/wav',
      'content-disposition': 'attachment; filename="in-0899199799-0948873483-20180716-094953-1531709393.4472.wav"',
      'accept-ranges': 'bytes',
      'content-length': String(sound.length),
    })
    const part = await get(link, { range: 'bytes=5-7' })
    expect([part.statusCode, part.body, part.headers['content-range']]).toEqual([
      206,
      'and',
      `bytes 5-7/${sound.length}`,
    ])
    expect((await get(link, { range: `bytes=${sound.length}-` })).statusCode).toBe(416)
    const head = await get(link, {}, 'HEAD')
    expect([head.statusCode, head.body, head.headers['content-length']]).toEqual([200, '', String(sound.length)])
  })

  it('that listen give a page to people and the sound to players', async () => {
    const link = await linkOf('recordingListen')
    const page = await get(link, { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'sec-fetch-dest': 'document' })
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    for (const headers of [
      { 'sec-fetch-dest': 'audio', accept: '*/*' },
      { accept: 'audio/webm,audio/ogg,audio/wav,audio/*;q=0.9,application/ogg;q=0.7,*/*;q=0.5' },
      { accept: 'text/html;q=0.1, audio/wav', range: 'bytes=0-' },
    ]) {
      const heard = await get(link, headers)
      expect(heard.rawPayload).toEqual(Buffer.from(sound))
      expect(heard.headers['content-type']).toBe('audio/wav')
      expect(heard.headers['content-disposition']).toMatch(/^inline; /)
      // A CRM's own page has the link in its player.
      expect(heard.headers['cross-origin-resource-policy']).toBe('cross-origin')
    }
  })

  it('that listen have a page whose player is reached by keys, with a token of its own for the sound', async () => {
    const page = await get(await linkOf('recordingListen'))
    const attribute = (tag: string, name: string): string =>
      (new RegExp(`<${tag}[^>]* ${name}="([^"]*)"`).exec(page.body)?.[1] ?? '').replaceAll('&#38;', '&')
    const src = attribute('audio', 'src')
    // Relative: a proxy may serve us under a path of its own.
    expect(src).toMatch(/^listen\?host=/)
    const resolved = (relative: string): string => {
      const { pathname, search } = new URL(relative, 'http://x/recording/listen')
      return `${pathname}${search}`
    }
    // Whatever the player says that it wants: this token is for the sound alone.
    const heard = await get(resolved(src), { accept: 'text/html', range: 'bytes=0-3' })
    expect([heard.statusCode, heard.body]).toEqual([206, 'RIFF'])
    expect((await get(resolved(attribute('a', 'href')))).headers['content-disposition']).toMatch(/^attachment; /)

    const policy = String(page.headers['content-security-policy'])
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toContain('unsafe-inline')
    expect(page.headers['x-frame-options']).toBeUndefined()
    expect(page.body).not.toMatch(/<script(?![^>]* src=)|<style| on[a-z]+=| style=/)
    const script = await get(resolved(attribute('script', 'src')))
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8')
    const styles = await get(resolved(attribute('link', 'href')))
    expect(styles.headers['content-type']).toBe('text/css; charset=utf-8')
    // What the script takes hold of is on the page.
    for (const [, id] of script.body.matchAll(/byId\('(\w+)'\)/g)) expect(page.body).toContain(`id="${id}"`)
    expect(page.body.match(/name="channel"/g)).toHaveLength(3)
  })

  it('that listen show no channels for a recording that has one', async () => {
    const one = await stage.keep({ startedAt: Date.UTC(2018, 6, 17), serial: 5, extension: '101', to: '137' })
    await stage.record(one, sound, { channels: 1 })
    const link = await linkOf('recordingListen', `${Date.UTC(2018, 6, 17) / 1000}.5`)
    expect((await get(link)).body).not.toContain('name="channel"')
    expect(link).toContain('recordingFile=out-137-101-20180717-070000-1531785600.5.wav')
  })

  it('are refused when anything in them was changed, and when they are too old', async () => {
    const link = pathOf(await linkOf('recordingDownload'))
    const url = new URL(link, 'http://x')
    const [claims = '', seal = ''] = (url.searchParams.get('host') ?? '').split('.')
    const [tenant, id, expiry] = JSON.parse(Buffer.from(claims, 'base64url').toString()) as [string, string, number]
    const forged = (...parts: unknown[]): string =>
      `${Buffer.from(JSON.stringify(parts)).toString('base64url')}.${seal}`
    const altered = (name: string, value: string): string => {
      const copy = new URL(url)
      copy.searchParams.set(name, value)
      return `${copy.pathname}${copy.search}`
    }
    const wrong = [
      altered('recordingFile', 'in-0899199799-0948873483-20180716-094953-1531709393.4473.wav'),
      altered('recordingFile', '../../switchhook.db'),
      altered('host', forged('other', id, expiry)),
      altered('host', forged(tenant, `${id.slice(0, -1)}0`, expiry)),
      altered('host', forged(tenant, id, expiry + 1)),
      altered('host', `${claims}.${seal.slice(0, -2)}`),
      altered('host', claims),
      altered('host', ''),
      link.replace('/api/recording/download', '/recording/listen'),
      pathOf(await linkOf('recordingListen')).replace('/recording/listen', '/api/recording/download'),
      '/api/recording/download',
      '/recording/listen?host=a.b&recordingFile=c',
    ]
    for (const path of wrong) {
      const answer = await get(path)
      expect([answer.statusCode, answer.json<{ error: { code: string } }>().error.code, path]).toEqual([
        403,
        'recording.link-refused',
        path,
      ])
    }
    // People are told so on a page, which finds its style from where it stands.
    const browser = { accept: 'text/html,*/*;q=0.8' }
    for (const path of ['/api/recording/download', '/recording/listen?host=a.b&recordingFile=c']) {
      const page = await get(path, browser)
      expect([page.statusCode, page.headers['content-type']]).toEqual([403, 'text/html; charset=utf-8'])
      expect(page.body).toContain('This link to a recording is not a valid one.')
      const [, style = ''] = /<link rel="stylesheet" href="([^"]*)"/.exec(page.body) ?? []
      expect((await get(new URL(style, `http://x${path}`).pathname)).statusCode).toBe(200)
    }
    const fresh = await linkOf('recordingDownload')
    stage.clock.advance(24 * 3_600_000 - 1000)
    expect((await get(fresh)).statusCode).toBe(200)
    stage.clock.advance(1000)
    expect((await get(fresh)).statusCode).toBe(403)
  })

  it('lead to 404 when the recording is not there any more, and never to that of another tenant', async () => {
    const gone = await stage.keep({ startedAt: Date.UTC(2018, 6, 18), serial: 7, extension: '101', to: '137' })
    const recording = await stage.record(gone, null)
    const link = await linkOf('recordingDownload', `${Date.UTC(2018, 6, 18) / 1000}.7`)
    expect((await get(link)).statusCode).toBe(404)
    await stage.kept.store.recordings.markDeleted(recording.id)
    expect((await get(link)).statusCode).toBe(404)
    const { body } = await stage.ask('recordingDownload', { callId: `${Date.UTC(2018, 6, 18) / 1000}.7` })
    expect(body.respMsg).toBe('Recording not found')
    // Sealed by us, for a tenant that does not have it.
    const foreign = { tenant: 'other', recordingId: recording.id, file: 'x.wav' }
    const path = stage.links.path('download' satisfies LinkAction, foreign, stage.clock.wallTime() + 1000)
    expect((await get(path)).statusCode).toBe(404)
  })
})

describe('the script of the player', () => {
  it('plays, seeks, changes speed and channel by keys', async () => {
    const { playerScript } = await import('./player-assets.ts')
    const page = fakePage()
    runInNewContext(playerScript, page.globals)
    expect(page.sound).toMatchObject({ controls: false, currentTime: 0 })
    page.key(' ')
    expect(page.sound.paused).toBe(false)
    page.key('ArrowRight')
    page.key('ArrowRight')
    page.key('ArrowLeft')
    expect(page.sound.currentTime).toBe(5)
    page.key('End')
    expect(page.sound.currentTime).toBe(60)
    page.key('Home')
    page.key('ArrowUp')
    expect([page.sound.currentTime, page.sound.playbackRate]).toEqual([0, 1.25])
    // Of the left channel: to its own ear, to the other; then those of the right.
    page.key('2')
    expect(page.gains.map((gain) => gain.gain.value)).toEqual([1, 1, 0, 0])
    page.key('3')
    expect(page.gains.map((gain) => gain.gain.value)).toEqual([0, 0, 1, 1])
    page.key('1')
    expect(page.gains.map((gain) => gain.gain.value)).toEqual([1, 0, 1, 0])
    page.key(' ')
    expect(page.sound.paused).toBe(true)
  })
})

/** As much of a browser's page as the script takes hold of. */
function fakePage() {
  type Listener = (event: unknown) => void
  class Element {
    listeners = new Map<string, Listener>()
    textContent = ''
    value = ''
    max = ''
    hidden = true
    dateTime = '2018-07-16T02:49:53.000Z'
    setAttribute(): void {}
    addEventListener(name: string, listener: Listener): void {
      this.listeners.set(name, listener)
    }
    closest(): null {
      return null
    }
  }
  const speeds = ['0.5', '0.75', '1', '1.25', '1.5', '2']
  const speed = Object.assign(new Element(), { options: speeds, selectedIndex: 2 })
  Object.defineProperty(speed, 'value', { get: () => speeds[speed.selectedIndex] })
  class Sound extends Element {
    paused = true
    controls = true
    duration = 60
    currentTime = 0
    playbackRate = 1
    async play(): Promise<void> {
      this.paused = false
    }
    pause(): void {
      this.paused = true
    }
  }
  const gains: { gain: { value: number } }[] = []
  const node = () => ({ connect: () => {} })
  class AudioContext {
    destination = node()
    createMediaElementSource = node
    createChannelSplitter = node
    createChannelMerger = node
    createGain() {
      const made = { ...node(), gain: { value: 1 } }
      gains.push(made)
      return made
    }
    resume(): void {}
  }
  const sound = new Sound()
  const elements = new Map<string, Element>([
    ['sound', sound],
    ['speed', speed],
  ])
  const channels = ['both', 'left', 'right'].map((value) => Object.assign(new Element(), { value, checked: false }))
  let pressed: Listener = () => {}
  const document = {
    getElementById: (id: string) => {
      const found = elements.get(id) ?? new Element()
      elements.set(id, found)
      return found
    },
    querySelectorAll: () => channels,
    addEventListener: (_name: string, listener: Listener) => {
      pressed = listener
    },
  }
  const target = new Element()
  return {
    globals: { document, Element, AudioContext },
    sound,
    gains,
    key: (key: string) => pressed({ key, target, preventDefault: () => {} }),
  }
}
