import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LegHarness, NotingLegUser } from '../../test/support/leg-harness.ts'
import { ourAddress } from '../../test/support/media-harness.ts'
import { TrunkStage } from '../../test/support/trunk-stage.ts'
import { IdFactory } from '../base/ids.ts'
import { silentLogger } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import { OutboundMinutes } from '../call/outbound-minutes.ts'
import type { Reach, ReachRequest } from '../call/reach.ts'
import { loadSettings } from '../config/load.ts'
import type { Leg, LegParty } from '../leg/leg.ts'
import { Directory } from '../routing/directory.ts'
import { Locator } from '../sip/locate/locator.ts'
import { parseUri } from '../sip/message/uri.ts'
import type { RegisteredContact } from '../sip/registrar/registrar.ts'
import { LoopGuard } from '../sip/trunk/loop-guard.ts'
import { Hops } from './hops.ts'
import { Inside } from './inside.ts'
import { PeerAddresses } from './peer-addresses.ts'
import type { LegShop } from './reach-parts.ts'
import { Reaching } from './reaching.ts'
import { TrunkDesk } from './trunk-desk.ts'

const text = `
tenants:
  acme:
    domain: acme.example
    countryCode: "84"
    extensions: { "137": { password: "long-enough-137", name: "Lan" }, "138": { password: "long-enough-138" } }
    apps: { menu: { builtin: menu } }
    numbers: { "+84283000001": { app: menu } }
    trunks:
      main:  { uri: "sip:192.0.2.80", username: u, password: "password-of-u", numberFormat: national, maxCalls: 1, health: 0 }
      spare: { uri: "sip:192.0.2.81", priority: 2, health: 0 }
    outbound: [ { prefix: "+", trunk: [main, spare] } ]
    limits: { minutesPerDay: 10 }
`

const usual: ReachRequest = {
  tenant: 'acme',
  destination: '137',
  callerId: null,
  callerName: null,
  onBehalfOf: null,
  divertedFrom: null,
}

let harness: LegHarness
let stage: TrunkStage
let contacts: RegisteredContact[]
let minutes: OutboundMinutes
let hops: Hops
let reaching: Reaching

function contact(address: string): RegisteredContact {
  const uri = parseUri(`sip:137@${address}:5060`)
  return {
    binding: {
      aor: { tenant: 'acme', extension: '137' },
      contact: uri as RegisteredContact['binding']['contact'],
      contactText: `sip:137@${address}:5060`,
      sipCallId: 'x',
      cseq: 1,
      expiresAt: 1,
      q: 1,
      userAgent: 'phone',
      via: { protocol: 'udp', local: `${ourAddress}:5060`, remote: `${address}:5060` },
      instance: null,
    },
    flow: null,
    target: { destination: { protocol: 'udp', remote: { address, port: 5060 } } },
  }
}

function callerLeg(party: Partial<LegParty>): Leg {
  const { leg } = harness.inbound()
  Object.defineProperty(leg, 'party', {
    value: {
      user: '0900',
      displayName: null,
      extension: null,
      address: 'udp:192.0.2.9:5060',
      userAgent: null,
      ...party,
    },
  })
  return leg
}

beforeEach(async () => {
  harness = await LegHarness.start()
  stage = new TrunkStage()
  contacts = []
  hops = new Hops()
  const { sip, plane, directory: legs } = harness
  const random = new SeededRandom(1)
  const { tenants } = await loadSettings({ text, name: 'test.yaml', baseDir: '/', environment: {} })
  const directory = new Directory(tenants)
  stage.trunks.update(tenants)
  minutes = new OutboundMinutes(sip.clock, { get: async () => null, set: async () => {} }, () => {})
  const shop: LegShop = {
    clock: sip.clock,
    log: silentLogger,
    ids: new IdFactory(sip.clock, random),
    plane,
    directory: legs,
    addresses: new PeerAddresses(
      {
        nat: { signalling: null, media: null, localNetworks: [] },
        rtp: { portRange: { first: 1, last: 2 }, address: null },
      },
      {
        localAddress: () => ({ address: ourAddress, port: 5060 }),
        interfaceAddress: () => ourAddress,
        isLocalPeer: () => true,
      },
    ),
    userAgent: sip.agent,
  }
  const locator = new Locator({ resolver: { resolve: async () => [] }, random })
  const loops = new LoopGuard({ clock: sip.clock })
  reaching = new Reaching({
    shop,
    random,
    directory,
    registrar: { lookup: () => contacts },
    trunks: new TrunkDesk({ shop, trunks: stage.trunks, locator, loops, minutes }),
    inside: new Inside(random, () => [{ protocol: 'udp', address: '0.0.0.0', port: 5060 }]),
    hops,
    isOwnHost: () => false,
  })
})

afterEach(async () => {
  await stage.end()
  await harness.plane.close()
})

/** Rings by the only device, and gives the INVITE that went out. */
async function ring(reach: Reach): Promise<{
  readonly text: readonly string[]
  readonly uri: string
  readonly user: NotingLegUser
  readonly leg: ReturnType<Extract<Reach, { kind: 'reachable' }>['devices'][number]['makeLeg']>
}> {
  if (reach.kind !== 'reachable') throw new Error(reach.sentence)
  const [device] = reach.devices
  if (!device) throw new Error('no device')
  const leg = device.makeLeg('callee')
  const user = new NotingLegUser()
  leg.attach(user)
  leg.start()
  await harness.sip.clock.advanceAsync(0)
  const sent = harness.sip.transactions.sent.findLast(({ request }) => request.method === 'INVITE')
  if (!sent) throw new Error(`no INVITE was sent: ${user.lines.join(', ')} ${user.end?.sentence ?? ''}`)
  const { headers, uri } = sent.request
  const text = headers.print('').split('\r\n')
  return { text, uri: 'user' in uri ? `${uri.user}@${uri.host}` : '', user, leg }
}

describe('who rings', () => {
  it('an extension that has no telephone is not registered', async () => {
    expect(await reaching.reach(usual)).toMatchObject({ kind: 'unreachable', cause: 'not-registered' })
  })

  it('all telephones of an extension ring, and show who calls', async () => {
    contacts = [contact('192.0.2.10'), contact('192.0.2.11')]
    const reach = await reaching.reach({
      ...usual,
      onBehalfOf: callerLeg({ user: 'x', extension: '137' }),
      destination: '138',
    })
    expect(reach).toMatchObject({ kind: 'reachable', devices: [{ label: '138 (udp:192.0.2.10:5060)' }, {}] })
    const { text } = await ring(reach)
    expect(text.find((line) => line.startsWith('From:'))).toMatch(/^From: "?Lan"? <sip:137@acme\.example>/)
  })

  it('who calls its own extension rings its other telephones, or is busy with itself', async () => {
    contacts = [contact('192.0.2.9')]
    const onBehalfOf = callerLeg({ extension: '137', address: 'udp:192.0.2.9:5060' })
    expect(await reaching.reach({ ...usual, onBehalfOf })).toMatchObject({ kind: 'unreachable', cause: 'busy' })
    contacts.push(contact('192.0.2.10'))
    expect(await reaching.reach({ ...usual, onBehalfOf })).toMatchObject({
      devices: [{ label: '137 (udp:192.0.2.10:5060)' }],
    })
  })

  it('a number of this server is called at our own socket', async () => {
    const { uri, text } = await ring(await reaching.reach({ ...usual, destination: '028 300 0001' }))
    expect(uri).toBe('+84283000001@127.0.0.1')
    expect(text.some((line) => line.startsWith('Max-Forwards: 70'))).toBe(true)
  })

  it('the outside is called by the first trunk, in its number format, with a number that the tenant may show', async () => {
    const reach = await reaching.reach({ ...usual, destination: '+84912345678' })
    expect(reach).toMatchObject({ devices: [{ label: '+84912345678 by main or spare' }] })
    const { uri, text } = await ring(reach)
    expect(uri).toBe('0912345678@192.0.2.80')
    expect(text.find((line) => line.startsWith('From:'))).toContain('sip:0283000001@192.0.2.80')
    expect(text.find((line) => line.startsWith('P-Asserted-Identity:'))).toContain('sip:0283000001@')
  })

  it('a number that the tenant may not show is refused to a program, and replaced for a caller who is passed on', async () => {
    const request = { ...usual, destination: '+84912345678' }
    expect(await reaching.reach({ ...request, callerId: '+15551234567' })).toMatchObject({
      kind: 'unreachable',
      cause: 'forbidden',
      sentence: expect.stringContaining('+15551234567'),
    })
    const { text } = await ring(await reaching.reach({ ...request, onBehalfOf: callerLeg({ user: '+15551234567' }) }))
    expect(text.find((line) => line.startsWith('From:'))).toContain('sip:0283000001@')
  })

  it('a program may show the caller it passes on where the trunk that brought it vouches for the number; else it is replaced', async () => {
    const request = { ...usual, destination: '+84912345678', callerId: '+15551234567' }
    const from = async (party: Partial<LegParty>): Promise<string | undefined> => {
      const { text, leg } = await ring(await reaching.reach({ ...request, onBehalfOf: callerLeg(party) }))
      leg.end('cancelled')
      return text.find((line) => line.startsWith('From:'))
    }
    expect(await from({ user: '0015551234567', isTrusted: true })).toMatch(/sip:0?01?5551234567@|sip:\+15551234567@/)
    expect(await from({ user: '+15551234567' })).toContain('sip:0283000001@')
    for (const party of [
      { user: '+15550000000', isTrusted: true },
      { user: '+15551234567', isTrusted: true, isPrivate: true },
    ]) {
      const reach = await reaching.reach({ ...request, onBehalfOf: callerLeg(party) })
      expect(reach, JSON.stringify(party)).toMatchObject({ kind: 'unreachable', cause: 'forbidden' })
    }
  })

  it('a trunk that takes no more calls is passed over for the next one', async () => {
    const request = { ...usual, destination: '+84912345678' }
    await ring(await reaching.reach(request))
    expect((await ring(await reaching.reach(request))).uri).toBe('+84912345678@192.0.2.81')
    expect(stage.trunks.status().map(({ calls }) => calls)).toEqual([1, 1])
  })

  it('what a call has taken is given back when it ends', async () => {
    const { leg } = await ring(await reaching.reach({ ...usual, destination: '+84912345678' }))
    leg.end('no-answer')
    expect(stage.trunks.status().map(({ calls }) => calls)).toEqual([0, 0])
  })

  it('a caller that hides its number is hidden outside too', async () => {
    const onBehalfOf = callerLeg({ isPrivate: true })
    const { text } = await ring(await reaching.reach({ ...usual, destination: '+84912345678', onBehalfOf }))
    expect(text.find((line) => line.startsWith('From:'))).toContain('anonymous@anonymous.invalid')
    expect(text).toContain('Privacy: id')
  })

  it('the hops of the caller go on, and end', async () => {
    const onBehalfOf = callerLeg({})
    hops.note(onBehalfOf, 1)
    const { text } = await ring(await reaching.reach({ ...usual, destination: '+84912345678', onBehalfOf }))
    expect(text).toContain('Max-Forwards: 0')
    hops.note(onBehalfOf, 0)
    expect(await reaching.reach({ ...usual, destination: '+84912345678', onBehalfOf })).toMatchObject({
      kind: 'unreachable',
      cause: 'too-many-hops',
    })
  })

  it('a stranger may not transfer itself to the outside, an extension may', async () => {
    const request = { ...usual, destination: '+84912345678', isByTelephone: true }
    const stranger = await reaching.reach({ ...request, onBehalfOf: callerLeg({}) })
    expect(stranger).toMatchObject({ kind: 'unreachable', cause: 'forbidden' })
    const own = await reaching.reach({ ...request, onBehalfOf: callerLeg({ extension: '137' }) })
    expect(own.kind).toBe('reachable')
  })

  it('nobody is rung when the minutes of the day are used up', async () => {
    const end = minutes.begin('acme', 'UTC')
    harness.sip.clock.advance(10 * 60_000)
    end()
    expect(await reaching.reach({ ...usual, destination: '+84912345678' })).toMatchObject({
      kind: 'unreachable',
      cause: 'limit-exceeded',
      sentence: expect.stringContaining('10 minutes'),
    })
  })
})
