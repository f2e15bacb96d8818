/** Steps of a sipp scenario that is called by the server, one function each; `sdpOf` and `step.pause` are those of a caller. */
import { createHash } from 'node:crypto'

export interface Login {
  readonly username: string
  readonly password: string
}

export interface CalleeResponse {
  /** To tag: each branch of a fork has its own. Null: that of the INVITE, which was one within the dialog. */
  readonly tag?: string | null
  readonly sdp?: string | null
  readonly headers?: readonly string[]
  /** Sent again until something comes, over UDP: a 200. */
  readonly isRepeated?: boolean
}

export interface CalleeRequest {
  readonly method: string
  readonly cseq: number
  /** Its From tag; that of `respond` if absent. */
  readonly tag?: string
  /** In place of the caller's own. */
  readonly remoteTag?: string
  readonly headers?: readonly string[]
  readonly body?: { readonly type: string; readonly text: string }
  readonly isRepeated?: boolean
}

export interface Expected {
  readonly limitMs?: number
  readonly isOptional?: boolean
  /** Further XML within the element: actions. */
  readonly actions?: string
}

const usualTag = 'callee'
/** A transfer tells 100, 180 some times, and how it ended. */
const mostNotifications = 8
const contact = 'Contact: <sip:callee@[local_ip]:[local_port];transport=[transport]>'

/** What later messages are made of: responses to the INVITE may come after other messages have. */
const remembered = [
  ['via', 'Via'],
  ['from', 'From'],
  ['to', 'To'],
  ['cseq', 'CSeq'],
] as const

const aside = remembered.map(([name, header]) => [`${name}Aside`, header] as const)

function remember(names: readonly (readonly [name: string, header: string])[]): string {
  return names
    .map(([name, header]) => `<ereg regexp=".*" search_in="hdr" header="${header}:" assign_to="${name}"/>`)
    .join('\n')
}

function send(
  lines: readonly string[],
  body: { readonly type: string; readonly text: string } | null,
  attributes = '',
) {
  const rest =
    body === null ? ['Content-Length: 0', ''] : [`Content-Type: ${body.type}`, 'Content-Length: [len]', '', body.text]
  return `<send ${attributes}><![CDATA[\n\n${[...lines, ...rest].join('\n')}\n\n]]></send>`
}

function sdpBody(sdp: string | null): { readonly type: string; readonly text: string } | null {
  return sdp === null ? null : { type: 'application/sdp', text: sdp }
}

const repeated = 'retrans="500"'

export const callee = {
  /** An INVITE comes. Further ones that stand for the same (sent again, challenged) are taken with it too. */
  invite(expected: Expected = {}): string {
    return received('INVITE', {
      limitMs: 30_000,
      ...expected,
      actions: `${remember(remembered)}\n${expected.actions ?? ''}`,
    })
  },

  /** A response to the INVITE, whatever has come since. `status`: `180 Ringing`. */
  respond(status: string, options: CalleeResponse = {}): string {
    const { tag = usualTag, sdp = null, headers = [], isRepeated = status.startsWith('2') } = options
    const lines = [
      `SIP/2.0 ${status}`,
      'Via:[$via]',
      'From:[$from]',
      `To:[$to]${tag === null ? '' : `;tag=${tag}`}`,
      'Call-ID: [call_id]',
    ]
    // In a redirection Contact is another: the case names it.
    const own = Number.parseInt(status, 10) < 300 ? [contact] : []
    return send([...lines, 'CSeq:[$cseq]', ...own, ...headers], sdpBody(sdp), isRepeated ? repeated : '')
  },

  /** A refusal with its ACK. */
  refuse(status: string, headers: readonly string[] = []): string {
    return [callee.respond(status, { headers, isRepeated: true }), received('ACK')].join('\n')
  },

  /** The same for an INVITE within the dialog. */
  refuseAgain(status: string): string {
    return [callee.respond(status, { tag: null, isRepeated: true }), received('ACK')].join('\n')
  },

  received,

  /** A response to whatever came last. */
  answer(
    status = '200 OK',
    options: Pick<CalleeResponse, 'sdp' | 'headers' | 'isRepeated'> & { readonly attributes?: string } = {},
  ): string {
    const echoed = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `[last_${name}:]`)
    const { headers = [] } = options
    // A registrar names the Contact that it has taken, which is not its own.
    const own = headers.some((one) => one.includes('Contact:')) ? [] : [contact]
    const lines = [`SIP/2.0 ${status}`, ...echoed, ...own, ...headers]
    return send(lines, sdpBody(options.sdp ?? null), options.attributes ?? (options.isRepeated ? repeated : ''))
  },

  /** A request that is answered only later, when others have come: sipp must not be surprised between two messages of its own. */
  receivedAside(method: string): string {
    return received(method, { actions: remember(aside) })
  },

  answerAside(status = '200 OK'): string {
    return send(
      [`SIP/2.0 ${status}`, ...aside.map(([name, header]) => `${header}:[$${name}]`), 'Call-ID: [call_id]'],
      null,
    )
  },

  /** Within the dialog. */
  request(options: CalleeRequest): string {
    const { method, cseq, tag = usualTag, remoteTag, headers = [], body, isRepeated = method !== 'ACK' } = options
    const to = remoteTag === undefined ? 'To:[$from]' : `To: <sip:forged@[remote_ip]>;tag=${remoteTag}`
    const lines = [
      `${method} [next_url] SIP/2.0`,
      'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
      `From:[$to];tag=${tag}`,
      to,
      'Call-ID: [call_id]',
      `CSeq: ${cseq} ${method}`,
      contact,
      'Max-Forwards: 70',
      ...headers,
    ]
    return send(lines, body ?? null, isRepeated ? repeated : '')
  },

  /** A new offer of the callee's (null: it asks for ours), with its ACK. The 200 is expected in between. */
  reInvite(cseq: number, sdp: string | null, answer: string | null = null): string {
    const body = sdp === null ? {} : { body: { type: 'application/sdp', text: sdp } }
    return [
      callee.request({ method: 'INVITE', cseq, ...body }),
      response(200),
      callee.request({
        method: 'ACK',
        cseq,
        ...(answer === null ? {} : { body: { type: 'application/sdp', text: answer } }),
      }),
    ].join('\n')
  },

  response,

  /**
   * Takes the NOTIFYs of a REFER up to the one that has the last word. In a test their texts are told by `sipfrags`.
   * @param label - of the scenario, once.
   */
  notified(label: string): string {
    const last = '<ereg regexp="SIP/2.0 [2-6][0-9][0-9]" search_in="body" assign_to="lastWord"/>'
    // One behind the other and not in a loop: the next one may come while sipp jumps back, and would surprise it.
    const one = [
      received('NOTIFY', { limitMs: 30_000, actions: last }),
      callee.answer('200 OK', { attributes: `next="${label}" test="lastWord"` }),
    ]
    return [...Array.from({ length: mostNotifications }, () => one).flat(), `<label id="${label}"/>`].join('\n')
  },

  /** Either of two: which one depends on what was first, and both are right. */
  eitherResponse(one: number, other: number, label: string): string {
    return [
      `<recv response="${one}" optional="true" next="${label}"/>`,
      `<recv response="${other}" timeout="15000" next="${label}"/>`,
      `<label id="${label}"/>`,
    ].join('\n')
  },

  /** The callee hangs up. */
  bye(cseq = 50): string {
    return [callee.request({ method: 'BYE', cseq }), response(200)].join('\n')
  },

  /** The server hangs up. */
  byeReceived(limitMs = 30_000): string {
    return [received('BYE', { limitMs }), callee.answer()].join('\n')
  },

  /** The server gives the call up. */
  cancelReceived(limitMs = 30_000): string {
    return [
      received('CANCEL', { limitMs }),
      callee.answer(),
      callee.respond('487 Request Terminated', { isRepeated: true }),
      received('ACK'),
    ].join('\n')
  },

  /**
   * Asks for credentials by 401 (MD5, qop=auth) and takes only the right ones: others are answered 403, which no test expects.
   * Comes in place of `invite`.
   */
  inviteWithDigest(login: Login): string {
    return [
      callee.invite(),
      callee.refuse('401 Unauthorized', [`WWW-Authenticate: ${digestChallenge}`]),
      callee.invite({ actions: verifying(login) }),
      '<nop next="proven" test="proven"/>',
      callee.refuse('403 Forbidden'),
      '<nop><action><exec int_cmd="stop_now"/></action></nop>',
      '<label id="proven"/>',
    ].join('\n')
  },

  /** The same by 407. sipp cannot judge Proxy-Authorization: see `provesLogin`. */
  inviteWithProxyDigest(): string {
    const challenge = [`Proxy-Authenticate: ${digestChallenge}`]
    return [callee.invite(), callee.refuse('407 Proxy Authentication Required', challenge), callee.invite()].join('\n')
  },

  /** Asks for credentials of a request in the dialog, and checks those that come with its next attempt. */
  challengeRequest(method: string, login: Login, headers: readonly string[] = []): string {
    return [
      received(method),
      callee.answer('401 Unauthorized', { headers: [`WWW-Authenticate: ${digestChallenge}`] }),
      received(method, { actions: verifying(login) }),
      '<nop next="again" test="proven"/>',
      callee.answer('403 Forbidden'),
      '<nop><action><exec int_cmd="stop_now"/></action></nop>',
      '<label id="again"/>',
      callee.answer('200 OK', { headers }),
    ].join('\n')
  },

  /** sipp refuses scenarios with a variable that nothing uses. Goes to the end of every callee's. */
  end: `<Reference variables="${remembered.map(([name]) => name).join(',')}"/>`,
}

const digestChallenge =
  'Digest realm="trunk.example", nonce="3c9f1d0be1b04f0a", algorithm=MD5, qop="auth", opaque="interop"'

function verifying({ username, password }: Login): string {
  return `<verifyauth assign_to="proven" username="${username}" password="${password}"/>`
}

/** Whether the Proxy-Authorization (or Authorization) of a request is the one that the challenge and the password make. */
export function provesLogin(text: string, { username, password }: Login): boolean {
  const line = /^(?:Proxy-)?Authorization: *Digest (.*)$/im.exec(text)?.[1] ?? ''
  const value = (name: string): string => new RegExp(`\\b${name}="?([^",]*)"?`).exec(line)?.[1] ?? ''
  const ha1 = md5(`${username}:${value('realm')}:${password}`)
  const ha2 = md5(`${text.slice(0, text.indexOf(' '))}:${value('uri')}`)
  const expected = md5([ha1, value('nonce'), value('nc'), value('cnonce'), value('qop'), ha2].join(':'))
  return value('username') === username && value('qop') === 'auth' && value('response') === expected
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

function received(method: string, expected: Expected = {}): string {
  const { limitMs = 15_000, isOptional = false, actions } = expected
  const wait = isOptional ? 'optional="true"' : `timeout="${limitMs}"`
  const inner = actions === undefined ? '' : `<action>${actions}</action>`
  // Of every INVITE the Contact is wanted: where requests in the dialog go.
  return `<recv request="${method}" ${method === 'INVITE' ? 'rrs="true"' : ''} ${wait}>${inner}</recv>`
}

function response(status: number, attributes = ''): string {
  return `<recv response="${status}" timeout="15000" ${attributes}/>`
}
