import { isWildcard, printHostPort } from './addresses.ts'
import { numberKey } from './numbers.ts'
import type { ReadSettings } from './schema.ts'
import type { Reading } from './shape.ts'
import type { MapEntry, MapNode, SourceNode } from './source-node.ts'

/**
 * What no single value shows: numbers and domains given twice, a missing domain. Looks at the tree, so that these are
 * found beside other problems.
 */
export function checkTenants(root: SourceNode, reading: Reading): void {
  const tenants = [...entriesAt(root, 'tenants')].filter((entry): entry is [string, MapEntry & { node: MapNode }] => {
    return entry[1].node.kind === 'map'
  })
  const domains = new Map<string, string>()
  const numbers = new Map<string, string>()
  const appIds = new Map<string, string>()
  for (const [name, { node: tenant, keyPlace }] of tenants) {
    checkDomain(tenant, name, { place: keyPlace, path: tenant.path }, tenants.length > 1, domains, reading)
    checkNumbers(tenant, name, numbers, reading)
    checkAppIds(tenant, name, appIds, reading)
    checkNumberFormats(tenant, name, reading)
    checkCircles(tenant, reading)
  }
}

function checkDomain(
  tenant: MapNode,
  name: string,
  spot: Pick<SourceNode, 'place' | 'path'>,
  isNeeded: boolean,
  domains: Map<string, string>,
  reading: Reading,
): void {
  const domain = textAt(tenant, 'domain')?.toLowerCase()
  const node = tenant.entries.get('domain')?.node
  if (domain === undefined) {
    const isWrongType = node !== undefined && !(node.kind === 'scalar' && node.value === null)
    if (!isNeeded || isWrongType) return
    const expected = 'domain: the SIP domain of this tenant, since there are several tenants'
    return reading.report(node ?? spot, `Tenant ${name} has no domain.`, expected)
  }
  const other = domains.get(domain)
  if (other !== undefined)
    reading.report(node ?? spot, `Tenant ${other} has this domain already.`, 'a domain of its own for each tenant')
  domains.set(domain, name)
}

function checkNumbers(tenant: MapNode, name: string, numbers: Map<string, string>, reading: Reading): void {
  const countryCode = textAt(tenant, 'countryCode')?.replace('+', '') ?? null
  const extensions = new Set([...entriesAt(tenant, 'extensions')].map(([extension]) => extension))
  for (const [number, { keyPlace, node }] of entriesAt(tenant, 'numbers')) {
    const spot = { place: keyPlace, path: node.path }
    const key = numberKey(number, countryCode)
    const other = numbers.get(key)
    if (other !== undefined) {
      const meaning = key === number ? '' : ` (it means ${key})`
      reading.report(
        spot,
        `${JSON.stringify(number)} stands in tenant ${other} already${meaning}.`,
        'each number once in all tenants',
      )
    }
    numbers.set(key, name)
    if (extensions.has(number)) {
      reading.report(
        spot,
        `Tenant ${name} has an extension ${JSON.stringify(number)} too.`,
        'numbers that are no extensions of the same tenant',
      )
    }
  }
}

/** A program is known by its id alone before its token is looked at: two apps with one id would be told apart by luck. */
function checkAppIds(tenant: MapNode, name: string, appIds: Map<string, string>, reading: Reading): void {
  for (const [app, { node }] of entriesAt(tenant, 'apps')) {
    if (node.kind !== 'map' || textAt(node, 'dialect') !== 'hoiio') continue
    const appId = textAt(node, 'appId')
    if (appId === undefined) continue
    const place = `tenants.${name}.apps.${app}`
    const other = appIds.get(appId)
    if (other !== undefined) {
      const spot = node.entries.get('appId')?.node ?? node
      reading.report(spot, `${place} and ${other} have one appId.`, 'an appId of its own for each app, in all tenants')
    } else appIds.set(appId, place)
  }
}

/** National numbers cannot be written without knowing the nation. */
function checkNumberFormats(tenant: MapNode, name: string, reading: Reading): void {
  if (textAt(tenant, 'countryCode') !== undefined) return
  for (const { node } of entriesAt(tenant, 'trunks').values()) {
    if (node.kind !== 'map' || textAt(node, 'numberFormat') !== 'national') continue
    const spot = node.entries.get('numberFormat')?.node ?? node
    reading.report(spot, `Tenant ${name} has no countryCode.`, 'a countryCode of the tenant, or e164 or plain')
  }
}

/** Ring groups that hand an unanswered call round in a circle would ring for ever. */
function checkCircles(tenant: MapNode, reading: Reading): void {
  const apps = entriesAt(tenant, 'apps')
  const otherwiseOf = (app: string): string | undefined => {
    const node = apps.get(app)?.node
    return node?.kind === 'map' ? textAt(node, 'otherwise') : undefined
  }
  const told = new Set<string>()
  for (const start of apps.keys()) {
    const way: string[] = []
    for (let app: string | undefined = start; app !== undefined && !told.has(app); app = otherwiseOf(app)) {
      if (way.includes(app)) {
        const node = apps.get(app)?.node
        const circle = [...way.slice(way.indexOf(app)), app].join(', ')
        if (node)
          reading.report(
            node,
            `Unanswered calls go round in a circle: ${circle}.`,
            'an app at the end that is no ring group',
          )
        break
      }
      way.push(app)
    }
    for (const app of way) told.add(app)
  }
}

/** Sockets that would be in each other's way. */
export function checkSockets(read: ReadSettings, root: SourceNode, reading: Reading): void {
  const taken: { what: string; protocol: 'udp' | 'tcp'; address: string; port: number }[] = []
  const claim = (
    what: string,
    protocol: 'udp' | 'tcp',
    socket: { address: string; port: number },
    node: SourceNode,
  ): void => {
    if (socket.port === 0) return
    const other = taken.find((one) => {
      const isSameAddress = one.address === socket.address || isWildcard(one.address) || isWildcard(socket.address)
      return (
        one.protocol === protocol &&
        one.port === socket.port &&
        isSameAddress &&
        isSameFamily(one.address, socket.address)
      )
    })
    if (other) {
      reading.report(
        node,
        `${what} would listen on ${protocol} ${printHostPort(socket)}, where ${other.what} listens.`,
        'a socket of its own',
      )
    }
    taken.push({ what, protocol, ...socket })
  }
  const listen = nodeAt(root, 'sip', 'listen')
  read.sip.listen.forEach((socket, i) => {
    claim('SIP', socket.protocol, socket, listen.kind === 'list' ? (listen.items[i] ?? listen) : listen)
  })
  claim('HTTP', 'tcp', read.http.listen, nodeAt(root, 'http', 'listen'))
  const voicemail = nodeAt(root, 'voicemail', 'listen')
  read.voicemail.listen?.forEach((socket, i) => {
    const node = voicemail.kind === 'list' ? (voicemail.items[i] ?? voicemail) : voicemail
    claim('the voicemail service', 'tcp', socket, node)
    if (socket.protocol === 'tls' && read.voicemail.tls === null) {
      reading.report(node, 'A socket of TLS needs a certificate.', '`voicemail.tls` with certificate and key')
    }
  })
  const { first, last } = read.rtp.portRange
  const inRange = read.sip.listen.find(({ protocol, port }) => protocol === 'udp' && port >= first && port <= last)
  if (inRange) {
    const sentence = `The range holds the UDP port ${inRange.port} on which SIP listens.`
    reading.report(nodeAt(root, 'rtp', 'portRange'), sentence, 'a range without the SIP port')
  }
}

function isSameFamily(a: string, b: string): boolean {
  return a.includes(':') === b.includes(':')
}

/** The node at the path, or the nearest above it that is there. */
function nodeAt(root: SourceNode, ...path: readonly string[]): SourceNode {
  let node = root
  for (const key of path) {
    const inner = node.kind === 'map' ? node.entries.get(key)?.node : undefined
    if (!inner) return { ...node, path }
    node = inner
  }
  return node
}

function entriesAt(node: SourceNode, key: string): ReadonlyMap<string, MapEntry> {
  const inner = node.kind === 'map' ? node.entries.get(key)?.node : undefined
  return inner?.kind === 'map' ? inner.entries : new Map()
}

function textAt(node: MapNode, key: string): string | undefined {
  const inner = node.entries.get(key)?.node
  return inner?.kind === 'scalar' && typeof inner.value === 'string' ? inner.value : undefined
}
