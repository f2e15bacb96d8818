/** What the parser does with a header field. `other`: kept as it is. */
export const HeaderRole = {
  other: 0,
  via: 1,
  from: 2,
  to: 3,
  callId: 4,
  cseq: 5,
  maxForwards: 6,
  contentLength: 7,
  contact: 8,
  route: 9,
  expires: 10,
  date: 11,
  contentType: 12,
  /** Kept as it is, but may stand only once: two of them would mean two things. */
  single: 13,
} as const

export interface HeaderName {
  /** As we write it. */
  readonly name: string
  /** In lower case: what is compared. */
  readonly key: string
  readonly role: number
}

const known = new Map<string, HeaderName>()

function define(role: number, ...names: readonly string[]): void {
  for (const spec of names) {
    const [name = '', compact] = spec.split(' ')
    const entry: HeaderName = { name, key: name.toLowerCase(), role }
    // The usual spellings hit at the first look-up; any other is lower-cased first.
    for (const spelling of [name, entry.key, name.toUpperCase()]) known.set(spelling, entry)
    if (compact !== undefined) for (const c of [compact, compact.toUpperCase()]) known.set(c, entry)
  }
}

// Compact forms: RFC 3261 §7.3.3 and the registry of RFC 3968.
define(HeaderRole.via, 'Via v')
define(HeaderRole.from, 'From f')
define(HeaderRole.to, 'To t')
define(HeaderRole.callId, 'Call-ID i')
define(HeaderRole.cseq, 'CSeq')
define(HeaderRole.maxForwards, 'Max-Forwards')
define(HeaderRole.contentLength, 'Content-Length l')
define(HeaderRole.contact, 'Contact m')
define(HeaderRole.route, 'Route', 'Record-Route')
define(HeaderRole.expires, 'Expires', 'Min-Expires')
define(HeaderRole.date, 'Date')
define(HeaderRole.contentType, 'Content-Type c')
define(HeaderRole.single, 'Event o', 'Min-SE', 'RAck', 'Refer-To r', 'Replaces', 'RSeq', 'Session-Expires x')
define(
  HeaderRole.other,
  'Accept',
  'Accept-Contact a',
  'Accept-Encoding',
  'Accept-Language',
  'Alert-Info',
  'Allow',
  'Allow-Events u',
  'Authentication-Info',
  'Authorization',
  'Call-Info',
  'Content-Disposition',
  'Content-Encoding e',
  'Content-Language',
  'Content-Transfer-Encoding',
  'Diversion',
  'Error-Info',
  'Flow-Timer',
  'History-Info',
  'Identity y',
  'In-Reply-To',
  'MIME-Version',
  'Organization',
  'P-Access-Network-Info',
  'P-Asserted-Identity',
  'P-Called-Party-ID',
  'P-Charging-Vector',
  'P-Preferred-Identity',
  'Path',
  'Priority',
  'Privacy',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Require',
  'Reason',
  'Referred-By b',
  'Reject-Contact j',
  'Remote-Party-ID',
  'Reply-To',
  'Request-Disposition d',
  'Require',
  'Retry-After',
  'Server',
  'Service-Route',
  'SIP-ETag',
  'SIP-If-Match',
  'Subject s',
  'Subscription-State',
  'Supported k',
  'Timestamp',
  'Unsupported',
  'User-Agent',
  'Warning',
  'WWW-Authenticate',
)

/** A name we know in any spelling, compact forms included; undefined for any other. */
export function knownHeader(spelling: string): HeaderName | undefined {
  return known.get(spelling) ?? known.get(spelling.toLowerCase())
}

/** The key under which a header field is compared: lower case, compact forms expanded. */
export function headerKey(spelling: string): string {
  const entry = known.get(spelling)
  if (entry !== undefined) return entry.key
  const lower = spelling.toLowerCase()
  return known.get(lower)?.key ?? lower
}
