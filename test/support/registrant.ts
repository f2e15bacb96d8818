import { createHash } from 'node:crypto'
import { isFinalFor, requestText, token } from './sip-text.ts'
import type { Wire, WireMessage } from './sip-wire.ts'

/** A telephone that registers, with a digest of its own making: MD5, RFC 3261 §22.4 with qop=auth. */
export class Registrant {
  readonly #wire: Wire
  readonly #extension: string
  readonly #password: string
  readonly #sipCallId = token()
  readonly #fromTag = token()
  #cseq = 0

  constructor(wire: Wire, extension: string, password: string) {
    this.#wire = wire
    this.#extension = extension
    this.#password = password
  }

  /**
   * One round: REGISTER, the challenge, REGISTER with credentials; each sent again every half second until it is answered.
   * @returns the last status; 0 where no answer came.
   */
  async register(): Promise<number> {
    const challenge = await this.#exchange([])
    if (challenge?.status !== 401) return challenge?.status ?? 0
    const authorization = answerChallenge(challenge, 'REGISTER', this.#uri, this.#extension, this.#password)
    return (await this.#exchange([`Authorization: ${authorization}`]))?.status ?? 0
  }

  get #uri(): string {
    const { address } = this.#wire.local
    return `sip:${address}`
  }

  async #exchange(headers: readonly string[]): Promise<WireMessage | undefined> {
    const cseq = ++this.#cseq
    const request = requestText(this.#wire, {
      method: 'REGISTER',
      user: null,
      from: this.#extension,
      fromTag: this.#fromTag,
      sipCallId: this.#sipCallId,
      cseq,
      headers: ['Expires: 600', ...headers],
    })
    // To is the address of record, not the server.
    const text = request.toString().replace(/^To: .*$/m, `To: <sip:${this.#extension}@${this.#wire.local.address}>`)
    const isMine = isFinalFor(this.#sipCallId)
    for (let attempt = 0; attempt < 20; attempt++) {
      this.#wire.send(text)
      const answer = await this.#wire.message((one) => isMine(one) && one.get('cseq') === `${cseq} REGISTER`, 500)
      if (answer !== undefined) return answer
    }
    return undefined
  }
}

/** Credentials for the MD5 challenge of a 401. */
export function answerChallenge(
  challenge: WireMessage,
  method: string,
  uri: string,
  username: string,
  password: string,
): string {
  const value = challenge.all('WWW-Authenticate').find((one) => /algorithm=MD5/.test(one)) ?? ''
  const realm = /realm="([^"]*)"/.exec(value)?.[1] ?? ''
  const nonce = /nonce="([^"]*)"/.exec(value)?.[1] ?? ''
  const [nc, cnonce] = ['00000001', token()]
  const ha1 = md5(`${username}:${realm}:${password}`)
  const response = md5(`${ha1}:${nonce}:${nc}:${cnonce}:auth:${md5(`${method}:${uri}`)}`)
  return (
    `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", ` +
    `algorithm=MD5, qop=auth, nc=${nc}, cnonce="${cnonce}"`
  )
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
