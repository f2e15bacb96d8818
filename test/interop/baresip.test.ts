import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { levelDb, shareWith, sine } from '../support/hear.ts'
import { removeFolder } from '../support/server-process.ts'
import { joined, keyHz, melodyHz, promptHz, type Stage, setStage, writeWav } from '../support/stage.ts'
import { Baresip, type BaresipOptions } from './support/baresip.ts'
import { audioOf, Capture } from './support/capture.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { PeerPorts, portsOfPeer } from './support/ports.ts'
import { until } from './support/program.ts'
import { melodyTones, recordOf, tonesIn } from './support/stage-calls.ts'

const ports = new PeerPorts(31_600)
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

interface RegistrationView {
  readonly extension: string
  readonly contact: string
  readonly address: string
}

/** Those of one telephone, told by its port. */
async function registrationsOf(stage: Stage, port: number): Promise<readonly RegistrationView[]> {
  const { items } = (await stage.server.get('/api/v1/registrations')) as { items: readonly RegistrationView[] }
  return items.filter(({ contact, address }) => contact.includes(`:${port}`) || address.endsWith(`:${port}`))
}

describeAtOnceWith(['baresip', 'tshark'], 'baresip', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await setStage({ sipPort: await ports.take(), limits: 'callsPerSecond: 1000' })
  })

  afterAll(async () => {
    await stage.server.stop()
    await removeFolder(stage.server)
  })

  /** A registered telephone, for as long as `use` takes. */
  async function withPhone(
    options: Pick<BaresipOptions, 'name'> & Partial<BaresipOptions>,
    use: (phone: Baresip) => Promise<void>,
  ): Promise<void> {
    const login = { extension: '101', password: 'secret-of-101', speaks: stage.speech, ...options }
    const place = { folder: stage.folder, serverPort: stage.server.sipPort, port: await ports.take() }
    const phone = await Baresip.start({ ...place, ...login })
    try {
      await phone.saw('200 OK (Switchhook')
      await use(phone)
    } finally {
      await phone.stop()
    }
  }

  for (const transport of ['udp', 'tcp'] as const) {
    it(`registers over ${transport}, calls, hears the prompt and the answers to its keys, hangs up, and unregisters`, async () => {
      const extension = transport === 'udp' ? '101' : '102'
      let port = 0
      await withPhone(
        { name: `keys-${transport}`, transport, extension, password: `secret-of-${extension}` },
        async (phone) => {
          port = phone.port
          const [registration] = await registrationsOf(stage, port)
          expect(registration).toMatchObject({ extension })
          expect(registration?.address).toMatch(new RegExp(`^${transport}:127\\.0\\.0\\.1:`))
          phone.dial('1')
          await phone.saw('CALL_ESTABLISHED')
          await pause(1900)
          await phone.press('3')
          await pause(1300)
          await phone.press('7')
          await pause(1300)
          phone.command('hangup')
          await phone.saw('CALL_CLOSED')
          expect(tonesIn(await phone.heard()), phone.log).toEqual([promptHz, keyHz(3), keyHz(7)])
        },
      )
      await until(
        async () => ((await registrationsOf(stage, port)).length === 0 ? true : null),
        () => 'the registration is still there',
      )
    })
  }

  it('presses a key by the tones in its audio', async () => {
    const file = join(stage.folder, 'nine-after-two-seconds.wav')
    const [low, high] = [sine(852, 200, { levelDb: -12 }), sine(1477, 200, { levelDb: -12 })]
    const key = low.map((sample, i) => sample + (high[i] ?? 0))
    await writeWav(file, joined([new Int16Array(16_000), key, new Int16Array(64_000)]))
    await withPhone({ name: 'inband', speaks: file }, async (phone) => {
      phone.dial('1')
      await phone.saw('CALL_ESTABLISHED')
      await pause(3800)
      phone.command('hangup')
      await phone.saw('CALL_CLOSED')
      expect(tonesIn(await phone.heard()), phone.log).toEqual([promptHz, keyHz(9)])
    })
  })

  it('calls 1000, hears it speak, presses a key, and is told another thing until the server hangs up', async () => {
    await withPhone({ name: 'menu' }, async (phone) => {
      phone.dial('1000')
      await phone.saw('CALL_ESTABLISHED')
      await pause(4000)
      await phone.press('1')
      await phone.saw('CALL_CLOSED')
      const heard = await phone.heard()
      const spoken = Array.from({ length: Math.floor(heard.length / 800) }, (_, i) =>
        levelDb(heard.subarray(i * 800, (i + 1) * 800)),
      ).filter((level) => level > -40)
      // Some three seconds of the welcome, some seven of what this is, and a farewell.
      expect(spoken.length / 10, phone.log).toBeGreaterThan(7)
    })
  })

  it('calls 1200 and hears its own tone', async () => {
    const tone = join(stage.folder, 'tone.wav')
    await writeWav(tone, sine(1150, 20_000))
    await withPhone({ name: 'echo', speaks: tone }, async (phone) => {
      phone.dial('1200')
      await phone.saw('CALL_ESTABLISHED')
      await pause(9000)
      phone.command('hangup')
      await phone.saw('CALL_CLOSED')
      const heard = await phone.heard()
      expect(shareWith(heard.subarray(-8000), 1150), phone.log).toBeGreaterThan(0.95)
      expect(shareWith(heard.subarray(0, 8000), 1150)).toBeLessThan(0.1)
    })
  })

  it('holds and resumes: nothing is sent to it meanwhile, and the melody goes on afterwards', async () => {
    await withPhone({ name: 'hold' }, async (phone) => {
      // Its own file ends with the hold.
      const capture = await Capture.start(
        stage.folder,
        'hold',
        `udp portrange ${phone.port}-${phone.port + portsOfPeer}`,
      )
      try {
        phone.dial('4')
        await phone.saw('CALL_ESTABLISHED')
        await pause(1300)
        phone.command('hold')
        await phone.saw('a=recvonly')
        await pause(1500)
        phone.command('resume')
        await phone.saw('CALL_CLOSED')
      } finally {
        await capture.stop()
      }
      const mediaPort = Number(/m=audio (\d+)/.exec(phone.log)?.[1])
      const packets = await capture.rtpTo(mediaPort)
      const silences = packets.slice(1).filter((packet, i) => packet.at - (packets[i]?.at ?? 0) > 0.5)
      expect(silences, phone.log).toHaveLength(1)
      const tones = tonesIn(audioOf(packets), melodyTones)
      expect(tones, phone.log).toEqual([...tones].sort((one, other) => one - other))
      expect(tones.slice(0, 2)).toEqual(melodyHz.slice(0, 2))
      expect(tones.slice(-3)).toEqual(melodyHz.slice(-3))
      expect(tonesIn(await phone.heard(), melodyTones).slice(0, 2)).toEqual(melodyHz.slice(0, 2))
    })
  })

  it('hears early media, gives up before the answer, and the record says so', async () => {
    await withPhone({ name: 'cancel', extension: '102', password: 'secret-of-102' }, async (phone) => {
      phone.dial('3')
      await phone.saw('CALL_PROGRESS')
      await pause(700)
      phone.command('hangup')
      await phone.saw('487 ')
      expect(tonesIn(await phone.heard()), phone.log).toEqual([promptHz])
    })
    const path = '/api/v1/calls?from=102&to=3&state=ended'
    const { items } = (await stage.server.get(path)) as { items: readonly { cause: string; extension: string }[] }
    expect(items).toMatchObject([{ cause: 'cancelled', extension: '102' }])
  })
})

describeAtOnceWith(['baresip'], 'a registration of baresip', () => {
  it('is there after kill -9 and a new start, though the telephone has not registered again', async () => {
    const sipPort = await ports.take()
    const port = await ports.take()
    let stage = await setStage({ sipPort })
    const login = { extension: '101', password: 'secret-of-101', speaks: stage.speech }
    const phone = await Baresip.start({ folder: stage.folder, name: 'phone', port, serverPort: sipPort, ...login })
    try {
      await phone.saw('200 OK (Switchhook')
      // Written behind the answer: how long behind is not promised, a second is generous.
      await pause(1000)
      const before = await registrationsOf(stage, port)
      expect(before).toHaveLength(1)
      await stage.server.kill()
      stage = await setStage({ sipPort, folder: stage.folder })
      expect(await registrationsOf(stage, port)).toEqual(before)
      expect(phone.log.split('200 OK (Switchhook')).toHaveLength(2)
      phone.dial('1')
      await phone.saw('CALL_ESTABLISHED')
      await pause(500)
      await phone.press('0')
      await phone.saw('CALL_CLOSED')
      expect(tonesIn(await phone.heard()), phone.log).toEqual([promptHz, keyHz(0)])
      expect(await recordOf(stage, '101')).toMatchObject({ extension: '101', endedBy: 'program' })
    } finally {
      await phone.stop()
      await stage.server.stop()
      await removeFolder(stage.server)
    }
  })
})
