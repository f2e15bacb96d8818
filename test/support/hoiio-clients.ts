import { once } from 'node:events'
import { connect } from 'node:net'

/*
 * The published client libraries of the Hoiio API as far as a server can see them: the bytes that each was seen to send, and the
 * fields that each reads of an answer, by its own rules. Written from what their sources do (src/dialects/hoiio/README.md); no
 * library has been run.
 */

export type Parameters = Readonly<Record<string, string>>
export type Answer = Readonly<Record<string, unknown>>

export interface HoiioClient {
  readonly name: string
  /** A whole request, but for what `send` adds: `Host`, `Content-Length`, `Connection: close`. */
  request(path: string, parameters: Parameters): { readonly head: readonly string[]; readonly body: string | null }
  /** What the library gives its caller. Throws where the library would. */
  read(answer: HttpAnswer): Answer
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Sends a request over a socket of its own; waits for `100 Continue` where the client would. */
export async function send(
  port: number,
  client: HoiioClient,
  path: string,
  parameters: Parameters,
): Promise<HttpAnswer> {
  const { head, body } = client.request(path, parameters)
  const length = body === null ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  const [first = '', ...fields] = head
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.setEncoding('latin1').on('data', (text: string) => (received += text))
  socket.write([first, `Host: 127.0.0.1:${port}`, ...fields, ...length, 'Connection: close', '', ''].join('\r\n'))
  if (fields.includes('Expect: 100-continue')) {
    while (!received.includes('\r\n\r\n')) await once(socket, 'data')
    if (!received.startsWith('HTTP/1.1 100 ')) throw new Error(`no 100 but ${received}`)
    received = ''
  }
  if (body !== null) socket.write(body)
  await once(socket, 'close')
  return parse(received)
}

function parse(text: string): HttpAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  if (headers.has('transfer-encoding')) throw new Error('a length was expected')
  return { status: Number(first.split(' ')[1]), headers, body: Buffer.from(text.slice(end + 4), 'latin1').toString() }
}

const post = (path: string): string => `POST /open/${path} HTTP/1.1`
const formType = 'Content-Type: application/x-www-form-urlencoded'
const form = (parameters: Parameters): string => new URLSearchParams(parameters).toString()

/** As `hoiiopie` turns them: what does not convert raises. */
function typed(answer: Answer): Answer {
  return Object.fromEntries(Object.entries(answer).map(([key, value]) => [key, typedValue(key, value)]))
}

function typedValue(key: string, value: unknown): unknown {
  if (key === 'entries') return (value as Answer[]).map((entry) => typed(entry))
  if (key === 'txn_refs') return text(key, value).split(',')
  if (key === 'date') return matching(key, value, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$/)
  if (['duration', 'talktime', 'entries_count', 'total_entries_count'].includes(key)) return whole(key, value)
  if (['rate', 'debit', 'balance', 'points', 'bonus'].includes(key)) return decimal(key, value)
  return value
}

function text(key: string, value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`${key} is ${JSON.stringify(value)}, no string`)
  return value
}

function matching(key: string, value: unknown, form: RegExp): string {
  if (!form.test(text(key, value))) throw new TypeError(`${key} is ${JSON.stringify(value)}`)
  return text(key, value)
}

const whole = (key: string, value: unknown): number => Number(matching(key, value, /^\d+$/))
const decimal = (key: string, value: unknown): number => Number(matching(key, value, /^-?\d+(\.\d+)?$/))

/** Anything but 200 with JSON is no answer to any of them. */
function json({ status, headers, body }: HttpAnswer): Answer {
  if (status !== 200) throw new Error(`HTTP ${status}`)
  if (!headers.get('content-type')?.startsWith('application/json')) throw new Error('no JSON')
  return JSON.parse(body) as Answer
}

function succeeded(answer: Answer): Answer {
  if (answer['status'] !== 'success_ok') throw new Error(String(answer['status']))
  return answer
}

/** By `getString` and the like, which throw for what is not there. */
function javaOf(answer: Answer): Answer {
  const required = (key: string): string => text(key, answer[key])
  required('status')
  if ('call_status_dest_1' in answer || 'call_status_dest1' in answer) {
    for (const key of ['txn_ref', 'tag', 'dest1', 'dest2', 'call_status_dest_2', 'currency']) required(key)
    typedValue('date', answer['date'])
    decimal('rate', answer['rate'])
    // Of a call that is over there is a charge; it is over when its first number is not ongoing.
    if (required('call_status_dest_1') !== 'ongoing') {
      whole('duration', answer['duration'])
      decimal('debit', answer['debit'])
    }
  }
  if ('entries' in answer) {
    whole('entries_count', answer['entries_count'])
    whole('total_entries_count', answer['total_entries_count'])
    for (const entry of answer['entries'] as Answer[]) javaOf({ ...entry, status: 'success_ok' })
  }
  return succeeded(answer)
}

/** `(string)` casts of a dictionary, `Convert.ToInt32`, and exact dates. */
function dotNetOf(answer: Answer): Answer {
  for (const [key, value] of Object.entries(answer)) if (!Array.isArray(value)) text(key, value)
  if (answer['status'] !== 'success_ok') return answer
  if ('call_status_dest1' in answer) {
    for (const key of ['call_status_dest1', 'call_status_dest2', 'dest1', 'dest2', 'currency']) text(key, answer[key])
    matching('date', answer['date'], /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d)?$/)
    decimal('rate', answer['rate'])
    if ('duration' in answer) whole('duration', answer['duration'])
  }
  if ('mobile_number' in answer) {
    for (const key of ['currency', 'prefix', 'uid', 'name', 'email', 'country']) text(key, answer[key])
  }
  for (const entry of (answer['entries'] ?? []) as Answer[]) dotNetOf({ ...entry, status: 'success_ok' })
  return answer
}

export const hoiioClients: readonly HoiioClient[] = [
  {
    // samwize/hoiiopie and its fork: `requests.get`, every parameter in the query.
    name: 'hoiiopie (Python)',
    request: (path, parameters) => {
      const prefixed = Object.entries(parameters).map(([key, value]): [string, string] => {
        const isNumber = key === 'dest' || key === 'dest1' || key === 'dest2'
        return [key, isNumber && !value.startsWith('+') ? `+1${value}` : value]
      })
      const query = new URLSearchParams(prefixed).toString()
      const head = ['User-Agent: python-requests/1.2.3', 'Accept-Encoding: gzip, deflate, compress', 'Accept: */*']
      return { head: [`GET /open/${path}?${query} HTTP/1.1`, ...head], body: null }
    },
    read: (answer) => typed(json(answer)),
  },
  {
    // mickeyckm/python-hoiio: by GET too; what is empty is left out; the caller gets the text.
    name: 'python-hoiio (Python)',
    request: (path, parameters) => {
      const query = form(Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== '')))
      return { head: [`GET /open/${path}?${query} HTTP/1.1`, 'Accept: */*'], body: null }
    },
    read: json,
  },
  {
    // Hoiio/hoiio-php: cURL, which asks before it sends more than 1,024 bytes.
    name: 'hoiio-php (PHP)',
    request: (path, parameters) => {
      const body = form(parameters)
      const expect = body.length > 1024 ? ['Expect: 100-continue'] : []
      return { head: [post(path), 'Accept: */*', formType, ...expect], body }
    },
    read: (answer) => succeeded(json(answer)),
  },
  {
    // Hoiio/hoiio-java: HttpURLConnection; parameters in the order of a hash map.
    name: 'hoiio-java (Java)',
    request: (path, parameters) => {
      const accept = 'Accept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2'
      const head = [
        post(path),
        formType,
        'Cache-Control: no-cache',
        'Pragma: no-cache',
        'User-Agent: Java/1.6.0_33',
        accept,
      ]
      return { head, body: form(Object.fromEntries(Object.entries(parameters).reverse())) }
    },
    read: (answer) => javaOf(json(answer)),
  },
  {
    // duyvhh/hoiio-ruby: HTTParty, a hash as the body.
    name: 'hoiio-ruby (Ruby)',
    request: (path, parameters) => {
      const encode = (value: string): string =>
        encodeURIComponent(value).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`)
      const body = Object.entries(parameters)
        .map(([key, value]) => `${key}=${encode(value)}`)
        .join('&')
      return {
        head: [
          post(path),
          'Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3',
          'Accept: */*',
          'User-Agent: Ruby',
          formType,
        ],
        body,
      }
    },
    read: (answer) => succeeded(json(answer)),
  },
  {
    // mdanh2002/HoiioSDK.NET: WebRequest asks before it sends; optional parameters empty; escapes in small letters.
    name: 'HoiioSDK.NET (.NET)',
    request: (path, parameters) => {
      const optional = { msg: '', caller_id: '', tag: '', notify_url: '' }
      const body = form({ ...optional, ...parameters }).replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())
      return { head: [post(path), formType, 'Expect: 100-continue'], body }
    },
    read: (answer) => dotNetOf(json(answer)),
  },
  {
    // hunterbmt/hoiio-js: XMLHttpRequest, form text as it stands under a label that is not true.
    name: 'hoiio-js (JavaScript)',
    request: (path, parameters) => {
      const body = Object.entries(parameters)
        .map(([key, value]) => `${key}=${value}`)
        .join('&')
      const head = [post(path), 'Content-type: application/json', 'Origin: http://app.example', 'Accept: */*']
      return { head, body }
    },
    read: json,
  },
  {
    // shiawuen/hoiio: superagent with a form.
    name: 'hoiio of shiawuen (Node)',
    request: (path, parameters) => ({
      head: [post(path), 'User-Agent: node-superagent/0.9.4', formType, 'Accept-Encoding: gzip, deflate'],
      body: form(parameters),
    }),
    read: json,
  },
  {
    // Dao007forever/go-hoiio: `http.Get`, the credentials first.
    name: 'go-hoiio (Go)',
    request: (path, { app_id = '', access_token = '', ...rest }) => {
      const sorted = new URLSearchParams(Object.entries(rest).sort())
      const query = `${form({ access_token, app_id })}&${sorted.toString()}`
      return {
        head: [`GET /open/${path}?${query} HTTP/1.1`, 'User-Agent: Go 1.1 package http', 'Accept-Encoding: gzip'],
        body: null,
      }
    },
    read: json,
  },
  {
    // kokchoong/hoiiogo: sorted, optional parameters empty; an earlier version also sent its credentials by Basic.
    name: 'hoiiogo (Go)',
    request: (path, parameters) => {
      const optional = {
        msg: '',
        caller_id: '',
        tag: '',
        notify_url: '',
        on_failure: '',
        max_digits: '',
        timeout: '',
        attempts: '',
      }
      const sorted = Object.entries({ ...optional, ...parameters }).sort()
      const basic = Buffer.from(`${parameters['app_id']}:${parameters['access_token']}`).toString('base64')
      return {
        head: [post(path), formType, `Authorization: Basic ${basic}`],
        body: new URLSearchParams(sorted).toString(),
      }
    },
    read: json,
  },
]
