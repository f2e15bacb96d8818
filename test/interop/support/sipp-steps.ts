/** Steps of a sipp scenario, one function each; `runSipp` joins them. */

export interface SdpOptions {
  /** `-` lines of the audio stream behind `m=`; PCMU and telephone-event if absent. */
  readonly formats?: readonly AudioFormat[]
  readonly ptimeMs?: number
  readonly direction?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'
  /** In place of sipp's own address: `0.0.0.0` is a hold of RFC 2543. */
  readonly address?: string
  /** Counts up with each new offer of a call. */
  readonly version?: number
}

export type AudioFormat = 'PCMU' | 'PCMA' | 'G729' | 'telephone-event'

/** 101 is what sipp's own recordings of keys use. */
const formatLines: Readonly<Record<AudioFormat, { readonly number: number; readonly lines: readonly string[] }>> = {
  PCMU: { number: 0, lines: ['a=rtpmap:0 PCMU/8000'] },
  PCMA: { number: 8, lines: ['a=rtpmap:8 PCMA/8000'] },
  G729: { number: 18, lines: ['a=rtpmap:18 G729/8000'] },
  'telephone-event': { number: 101, lines: ['a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15'] },
}

/** An SDP of sipp's side, with its media port for `runSipp` to know. */
export function sdpOf(options: SdpOptions = {}): string {
  const formats = (options.formats ?? ['PCMU', 'telephone-event']).map((name) => formatLines[name])
  return [
    'v=0',
    `o=sipp 1 ${options.version ?? 1} IN IP4 [local_ip]`,
    's=-',
    `c=IN IP4 ${options.address ?? '[media_ip]'}`,
    't=0 0',
    `m=audio [media_port] RTP/AVP ${formats.map(({ number }) => number).join(' ')}`,
    ...formats.flatMap(({ lines }) => lines),
    ...(options.ptimeMs === undefined ? [] : [`a=ptime:${options.ptimeMs}`]),
    ...(options.direction === undefined ? [] : [`a=${options.direction}`]),
  ].join('\n')
}

export interface RequestOptions {
  readonly method: string
  readonly cseq: number
  readonly headers?: readonly string[]
  readonly body?: { readonly type: string; readonly text: string }
  /** Where it goes: the number, or, in a dialog, where the server wants it. */
  readonly place?: 'outside' | 'early' | 'dialog'
  /** Sent again until it is answered, over UDP. */
  readonly isRepeated?: boolean
  /** Lost on purpose, in per cent: `100` is a message that never arrives. */
  readonly lostPercent?: number
  /** Takes this Via in place of a new one: an ACK to a refusal, a CANCEL. */
  readonly via?: string
}

const usualVia = 'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport'

function request(options: RequestOptions): string {
  const { method, cseq, headers = [], body, place = 'dialog', isRepeated = true, via = usualVia } = options
  const target = place === 'dialog' ? '[next_url]' : 'sip:[service]@[remote_ip]:[remote_port]'
  const lines = [
    `${method} ${target} SIP/2.0`,
    via,
    'From: "sipp" <sip:[caller]@[local_ip]:[local_port]>;tag=[pid]s[call_number]',
    `To: <sip:[service]@[remote_ip]:[remote_port]>${place === 'outside' ? '' : '[peer_tag_param]'}`,
    'Call-ID: [call_id]',
    `CSeq: ${cseq} ${method}`,
    'Contact: <sip:[caller]@[local_ip]:[local_port];transport=[transport]>',
    'Max-Forwards: 70',
    ...headers,
    ...(body === undefined ? [] : [`Content-Type: ${body.type}`]),
    'Content-Length: [len]',
    '',
    ...(body === undefined ? [] : [body.text]),
  ]
  const attributes = [
    ...(isRepeated ? ['retrans="500"'] : []),
    ...(options.lostPercent === undefined ? [] : [`lost="${options.lostPercent}"`]),
  ]
  return send(lines.join('\n'), attributes)
}

function send(text: string, attributes: readonly string[] = []): string {
  return `<send ${attributes.join(' ')}><![CDATA[\n\n${text}\n\n]]></send>`
}

function answer(status: string, headers: readonly string[] = [], sdp: string | null = null): string {
  const echoed = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `[last_${name}:]`)
  const body =
    sdp === null ? ['Content-Length: 0', ''] : [`Content-Type: application/sdp`, 'Content-Length: [len]', '', sdp]
  return send([`SIP/2.0 ${status}`, ...echoed, ...headers, ...body].join('\n'))
}

const mayComeFirst = ['100', '180', '183'].map((status) => `<recv response="${status}" optional="true"/>`)

export interface InviteOptions {
  readonly cseq?: number
  readonly sdp?: string | null
  readonly headers?: readonly string[]
  readonly body?: { readonly type: string; readonly text: string }
  /** Within the dialog: a new offer. */
  readonly isAgain?: boolean
}

export const step = {
  request,
  answer,

  invite(options: InviteOptions = {}): string {
    const { cseq = 1, sdp = sdpOf(), headers = [], isAgain = false } = options
    const body = options.body ?? (sdp === null ? undefined : { type: 'application/sdp', text: sdp })
    return request({
      method: 'INVITE',
      cseq,
      headers,
      place: isAgain ? 'dialog' : 'outside',
      ...(body === undefined ? {} : { body }),
    })
  },

  /** Provisional responses may come, the given one must. */
  response(status: number, attributes = ''): string {
    const others = mayComeFirst.filter((line) => !line.includes(`"${status}"`))
    return [...others, step.only(status, attributes)].join('\n')
  },

  /** The response must be there, and nothing else. */
  only(status: number, attributes = ''): string {
    // A refusal makes no dialog: sipp would look in vain for its Contact.
    return `<recv response="${status}" ${status < 300 ? 'rrs="true"' : ''} ${attributes}/>`
  },

  /** For a 200. */
  ack(cseq = 1, sdp: string | null = null, lostPercent?: number): string {
    const body = sdp === null ? {} : { body: { type: 'application/sdp', text: sdp } }
    const loss = lostPercent === undefined ? {} : { lostPercent }
    return request({ method: 'ACK', cseq, isRepeated: false, ...body, ...loss })
  },

  /** For a refusal: in the transaction of the INVITE, RFC 3261 §17.1.1.3. */
  ackRefusal(cseq = 1): string {
    return request({ method: 'ACK', cseq, place: 'early', isRepeated: false, via: '[last_Via:]' })
  },

  info(key: string, cseq: number): string {
    const body = { type: 'application/dtmf-relay', text: `Signal=${key}\nDuration=160` }
    return `${request({ method: 'INFO', cseq, body })}\n<recv response="200"/>`
  },

  bye(cseq: number): string {
    return `${request({ method: 'BYE', cseq })}\n<recv response="200"/>`
  },

  /** The server hangs up. */
  byeReceived(limitMs = 40_000): string {
    return `<recv request="BYE" timeout="${limitMs}"/>\n${answer('200 OK')}`
  },

  pause(ms: number): string {
    return `<pause milliseconds="${ms}"/>`
  },

  /** Sends a raw G.711 file, over and over for `rounds` (-1: until the call ends). Payload type 0 or 8. */
  stream(file: string, rounds = 1, payloadType = 0): string {
    return `<nop><action><exec rtp_stream="${file},${rounds},${payloadType}"/></action></nop>`
  },

  /** Sends the packets of a capture. */
  pcap(file: string): string {
    return `<nop><action><exec play_pcap_audio="${file}"/></action></nop>`
  },
}

/** sipp's own recording of one key by RFC 4733, payload type 101. */
export function keyPcap(key: string): string {
  const name = key === '#' ? 'pound' : key === '*' ? 'star' : key
  return `/usr/share/sip-tester/dtmf_2833_${name}.pcap`
}
