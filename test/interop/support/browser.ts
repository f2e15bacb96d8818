import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'

/** What is heard in one ear. */
export interface Ear {
  /** The frequency that stands out; 0 where nothing is heard. */
  readonly hz: number
  /** Below full scale. */
  readonly db: number
}

export interface OpenedPage {
  readonly page: Page
  /** What its console complained of, its policy among it, and what it could not load. */
  readonly problems: readonly string[]
}

/** Debian's Chromium without a window. Without a sound card it plays into nothing, at the speed of the clock. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = spawnSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).stdout.trim()
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'] })
}

/** Opens a page that tells what goes to the loudspeakers: see `listen`. */
export async function openPage(browser: Browser, url: string, options: { width?: number } = {}): Promise<OpenedPage> {
  const viewport = { width: options.width ?? 900, height: 800 }
  const page = await browser.newPage({ viewport, locale: 'en-GB', timezoneId: 'Asia/Ho_Chi_Minh' })
  const problems: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('requestfailed', (request) => {
    // A player gives up a range when it wants another; a download is no page.
    const why = request.failure()?.errorText
    if (why !== 'net::ERR_ABORTED') problems.push(`${request.url()}: ${why}`)
  })
  await page.addInitScript({ content: tap })
  await page.goto(url)
  return { page, problems }
}

/** What is heard in the left ear and in the right one, over the half second up to now. */
export async function listen(page: Page): Promise<readonly [Ear, Ear]> {
  await page.waitForTimeout(700)
  return await page.evaluate<[Ear, Ear]>('window.earsOfTheTest()')
}

/** Kept where `INTEROP_PICTURES` names a folder: for people to look at. */
export async function takePicture(page: Page, name: string): Promise<void> {
  const folder = process.env.INTEROP_PICTURES
  if (!folder) return
  await mkdir(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

/**
 * Runs in the page before its own script: whatever is connected with the loudspeakers by Web Audio is measured for each ear on the
 * way there; as long as nothing is, the sound of the player itself.
 */
const tap = `{
  const analysersOf = (context, node) => {
    const splitter = context.createChannelSplitter(2)
    plug.call(node, splitter)
    return [0, 1].map((side) => {
      const analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 })
      plug.call(splitter, analyser, side)
      return analyser
    })
  }
  const plug = AudioNode.prototype.connect
  let ears = null
  let isParted = false
  AudioNode.prototype.connect = function (to, ...rest) {
    const result = plug.call(this, to, ...rest)
    if (to === this.context.destination) {
      ears = analysersOf(this.context, this)
      isParted = true
    }
    return result
  }
  document.addEventListener('play', (event) => {
    if (isParted || ears) return
    const context = new AudioContext()
    ears = analysersOf(context, context.createMediaStreamSource(event.target.captureStream()))
  }, true)
  window.earsOfTheTest = () =>
    ears.map((analyser) => {
      const levels = new Float32Array(analyser.frequencyBinCount)
      analyser.getFloatFrequencyData(levels)
      const best = levels.reduce((at, level, index) => (level > levels[at] ? index : at), 0)
      const samples = new Float32Array(analyser.fftSize)
      analyser.getFloatTimeDomainData(samples)
      const rms = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length)
      const db = Math.max(-100, 20 * Math.log10(rms))
      return { hz: db < -60 ? 0 : (best * analyser.context.sampleRate) / analyser.fftSize, db }
    })
}`
