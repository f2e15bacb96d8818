import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { CallEntry, LinkData } from '../../src/dialects/voip24h/wire.ts'
import { readWav, shareWith } from '../support/hear.ts'
import { type Ear, listen, openPage, startBrowser, takePicture } from './support/browser.ts'
import { describeWith } from './support/peers.ts'
import { once, PartnerStage, partnerHz, pause, talk } from './support/stage-partner.ts'

/** A tone lies between two bins, and the clock of the sound card is nobody's. */
const near = (hz: number) => expect.closeTo(hz, -1.2)
const heard = ([left, right]: readonly [Ear, Ear]): readonly [number, number] => [left.hz, right.hz]

describeWith(['baresip', 'chromium', 'python3'], 'the page of a link to a recording, in Chromium', () => {
  let stage: PartnerStage
  let browser: Browser
  let entry: CallEntry
  let link: string

  beforeAll(async () => {
    ;[stage, browser] = await Promise.all([PartnerStage.set(28_000), startBrowser()])
    // 137 is recorded always: 101 is the left channel, 137 the right one.
    await stage.withPhones(['101', '137'], async ([first, second]) => {
      await talk(first, second, '137')
      await pause(12_000)
      const closed = once(second, 'CALL_CLOSED')
      first.command('hangup')
      await closed()
    })
    entry = (await stage.crm.callsOf('101', []))[0] as CallEntry
    link = stage.here((await stage.crm.ask<LinkData>('recordingListen', { callId: entry.callId })).data.link)
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await stage?.close()
  })

  async function withPage(
    use: (page: Page) => Promise<void>,
    options: { readonly width?: number } = {},
  ): Promise<void> {
    const { page, problems } = await openPage(browser, link, options)
    try {
      await page.waitForFunction('sound.readyState > 0')
      await use(page)
      expect(problems).toEqual([])
    } finally {
      await page.close()
    }
  }

  const at = async (page: Page): Promise<number> => Number(await page.evaluate('sound.currentTime'))

  it('plays: its time goes on, its length is that of the recording, both are heard as they were recorded', async () => {
    const { items } = (await stage.server.get('/api/v1/recordings')) as { items: { durationSeconds: number }[] }
    const seconds = items[0]?.durationSeconds ?? 0
    expect(seconds).toBeGreaterThan(11)
    await withPage(async (page) => {
      expect(await page.evaluate('sound.duration')).toBeCloseTo(seconds, 1)
      const play = page.getByRole('button', { name: 'Play' })
      await play.click()
      await page.getByRole('button', { name: 'Pause' }).waitFor()
      const [left, right] = await listen(page)
      expect(heard([left, right])).toEqual([near(partnerHz[101]), near(partnerHz[137])])
      expect(Math.min(left.db, right.db)).toBeGreaterThan(-30)
      const before = await at(page)
      await page.waitForTimeout(1000)
      expect(await at(page)).toBeGreaterThan(before + 0.8)
      await takePicture(page, 'listen')
      await page.getByRole('button', { name: 'Pause' }).click()
      await play.waitFor()
      const paused = await at(page)
      await page.waitForTimeout(300)
      expect(await at(page)).toBe(paused)
    })
  })

  it('lets one of the two be heard alone, in both ears, and both again', async () => {
    await withPage(async (page) => {
      await page.keyboard.press('Space')
      await page.getByLabel('the caller').check()
      expect(heard(await listen(page))).toEqual([near(partnerHz[101]), near(partnerHz[101])])
      await page.getByLabel('the other').check()
      expect(heard(await listen(page))).toEqual([near(partnerHz[137]), near(partnerHz[137])])
      await page.keyboard.press('1')
      expect(await page.getByLabel('both').isChecked()).toBe(true)
      expect(heard(await listen(page))).toEqual([near(partnerHz[101]), near(partnerHz[137])])
      await page.keyboard.press('2')
      expect(heard(await listen(page))).toEqual([near(partnerHz[101]), near(partnerHz[101])])
      await page.keyboard.press('3')
      expect(heard(await listen(page))).toEqual([near(partnerHz[137]), near(partnerHz[137])])
    })
  })

  it('does by keys all that it says, wherever the focus is, but takes no control its own', async () => {
    await withPage(async (page) => {
      await page.getByText('Keys', { exact: true }).click()
      expect(await page.locator('kbd').allTextContents()).toEqual([
        'Space',
        'K',
        '←',
        '→',
        '↑',
        '↓',
        'Home',
        'End',
        '1',
        '2',
        '3',
      ])
      await takePicture(page, 'listen-keys')
      const isPaused = () => page.evaluate('sound.paused')
      await page.locator('h1').click()
      await page.keyboard.press('Space')
      expect(await isPaused()).toBe(false)
      await page.keyboard.press('K')
      expect(await isPaused()).toBe(true)
      await page.keyboard.press('Home')
      expect(await at(page)).toBe(0)
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('ArrowLeft')
      expect(await at(page)).toBeCloseTo(5, 1)
      await page.keyboard.press('End')
      expect(await at(page)).toBeCloseTo(Number(await page.evaluate('sound.duration')), 1)
      await page.keyboard.press('ArrowUp')
      await page.keyboard.press('ArrowUp')
      await page.keyboard.press('ArrowDown')
      expect(await page.evaluate('sound.playbackRate')).toBe(1.25)
      // The slider goes as the page does; a button is pressed by its own key, once.
      const position = page.getByRole('slider', { name: 'Position' })
      await page.keyboard.press('Home')
      await position.focus()
      await page.keyboard.press('ArrowRight')
      expect(await at(page)).toBeCloseTo(5, 1)
      expect(await position.getAttribute('aria-valuetext')).toMatch(/^0:05 \/ 0:1\d$/)
      await page.getByRole('button', { name: 'Play' }).focus()
      await page.keyboard.press('Space')
      expect(await isPaused()).toBe(false)
      await page.keyboard.press('Enter')
      expect(await isPaused()).toBe(true)
      // Radio buttons go by arrows; it is the chosen one that is heard.
      await page.getByLabel('both').focus()
      await page.keyboard.press('ArrowDown')
      expect(await page.getByLabel('the caller').isChecked()).toBe(true)
      expect(await page.evaluate('sound.playbackRate')).toBe(1.25)
    })
  })

  it('plays twice as fast when told to', async () => {
    await withPage(async (page) => {
      await page.getByRole('combobox', { name: 'Speed' }).selectOption('2')
      await page.getByRole('button', { name: 'Play' }).click()
      await page.waitForTimeout(500)
      const [from, fromMs] = [await at(page), performance.now()]
      await page.waitForTimeout(2000)
      const [to, toMs] = [await at(page), performance.now()]
      expect((to - from) / ((toMs - fromMs) / 1000)).toBeCloseTo(2, 0)
    })
  })

  it('has a name for every control, and room for a thumb on a telephone', async () => {
    for (const width of [360, 900]) {
      await withPage(
        async (page) => {
          const controls = [
            page.getByRole('button', { name: 'Play', exact: true }),
            page.getByRole('button', { name: 'Back 5 seconds' }),
            page.getByRole('button', { name: 'On 5 seconds' }),
            page.getByRole('slider', { name: 'Position' }),
            page.getByRole('combobox', { name: 'Speed' }),
            page.getByRole('group', { name: 'Hear' }).getByRole('radio', { name: 'both' }).locator('..'),
            page.getByRole('radio', { name: 'the caller' }).locator('..'),
            page.getByRole('radio', { name: 'the other' }).locator('..'),
          ]
          for (const control of controls) {
            const box = await control.boundingBox()
            expect(box?.x).toBeGreaterThanOrEqual(0)
            expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width)
            expect(box?.height).toBeGreaterThanOrEqual(32)
          }
          await page.getByRole('heading', { name: 'Recording of a call' }).waitFor()
          await page.getByRole('link', { name: 'Save the file' }).waitFor()
          expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
          expect(await page.title()).toBe(new URL(link).searchParams.get('recordingFile'))
          await takePicture(page, `listen-${width}`)
        },
        { width },
      )
    }
  })

  it('saves the file under its name, which is that of the record; so does a CRM', async () => {
    const name = new RegExp(`^out-137-101-\\d{8}-\\d{6}-${entry.callId.replace('.', '\\.')}\\.wav$`)
    await withPage(async (page) => {
      const downloading = page.waitForEvent('download')
      await page.getByRole('link', { name: 'Save the file' }).click()
      const download = await downloading
      expect(download.suggestedFilename()).toMatch(name)
      const file = join(stage.folder, download.suggestedFilename())
      await download.saveAs(file)
      const { channels } = readWav(await readFile(file))
      expect(channels).toHaveLength(2)
      expect(shareWith(channels[0] as Int16Array, partnerHz[101])).toBeGreaterThan(0.7)
      expect(shareWith(channels[1] as Int16Array, partnerHz[137])).toBeGreaterThan(0.7)
    })
    const asked = await stage.crm.ask<LinkData>('recordingDownload', { callId: entry.callId })
    const saved = await stage.crm.save(stage.folder, stage.here(asked.data.link))
    expect(saved.name).toBe(basename(saved.name))
    expect(saved.name).toMatch(name)
    expect(saved.bytes).toBeGreaterThan(11 * 32_000)
  })

  it('is a page that says why, where the link was changed, is too old, or is sealed for another tenant', async () => {
    const changed = new URL(link)
    changed.searchParams.set('recordingFile', 'in-1-2-20180716-094953-1531709393.4472.wav')
    const refused = [
      [changed.href, 403, 'This link to a recording is not a valid one.'],
      [link.replace('/recording/listen', '/api/recording/download'), 403, 'is not a valid one'],
      [await stage.linkOfOurs(link, { hoursAgo: 25 }), 403, 'has expired; ask for a new one'],
      [await stage.linkOfOurs(link, { tenant: 'other' }), 404, 'This recording is not there any more.'],
    ] as const
    for (const [index, [url, status, sentence]] of refused.entries()) {
      const page = await browser.newPage()
      try {
        const response = await page.goto(url)
        expect([response?.status(), response?.headers()['content-type']]).toEqual([status, 'text/html; charset=utf-8'])
        await page.getByRole('heading', { name: 'No recording here' }).waitFor()
        expect(await page.locator('main').textContent()).toContain(sentence)
        expect(await page.locator('audio').count()).toBe(0)
        // Its style has been found from there, too.
        expect(await page.evaluate('getComputedStyle(document.querySelector("main")).borderRadius')).toBe('12px')
        if (index === 0) await takePicture(page, 'refused')
      } finally {
        await page.close()
      }
    }
    // A right one is right, whoever opens it; to another tenant the call is not there.
    expect((await fetch(await stage.linkOfOurs(link, {}))).status).toBe(200)
    for (const request of ['recordingListen', 'recordingDownload', 'getCallData']) {
      expect(await stage.otherCrm.ask(request, { callId: entry.callId })).toMatchObject({
        status: 200,
        respCode: -1,
        respMsg: 'Call not found',
        data: null,
      })
    }
  })
})
