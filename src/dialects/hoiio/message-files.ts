import { createHash } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LimitError, ParseError, TimeoutError } from '../../base/errors.ts'
import type { OutgoingHttp } from '../../http/outgoing/outgoing-http.ts'
import type { OutgoingAnswer } from '../../http/outgoing/types.ts'
import type { Application } from './applications.ts'
import { Refusal } from './codec.ts'

const mostBytes = 10 * 1024 * 1024
/** How long the program waits for its answer at most because of a file. */
const timeoutMs = 10_000
const mostRedirects = 3
/** Of all files together; the one that was not used for the longest time goes first. */
const mostKeptBytes = 256 * 1024 * 1024

/** Fetched at once: each takes as much memory as it is long. */
const mostFetching = 16

interface Kept {
  readonly path: string
  readonly bytes: number
  /** As its server gave it; null: it is fetched anew each time. */
  readonly lastModified: string | null
}

export interface MessageFilesParts {
  readonly http: Pick<OutgoingHttp, 'request'>
  /** Where files are kept. What lies there from an earlier run is removed. */
  readonly folder: string
  /** Decodes a file; rejects with ParseError or LimitError for what is no sound. What it has decoded is played from memory. */
  load(path: string): Promise<unknown>
  isOwn(application: Application, url: string): boolean
}

/** Files that messages name by `<url>`: fetched when they are named, and again only when they have changed. */
export class MessageFiles {
  readonly #parts: MessageFilesParts
  /** In the order of their last use. */
  readonly #kept = new Map<string, Kept>()
  readonly #fetching = new Map<string, Promise<string>>()
  #bytes = 0
  #ready: Promise<unknown> | null = null
  #serial = 0

  constructor(parts: MessageFilesParts) {
    this.#parts = parts
  }

  /**
   * The file of an address, as a path.
   * Rejects with Refusal `error_msg_invalid_url`, `error_msg_download_failed`, `error_msg_invalid_file_size`,
   * `error_msg_invalid_file_format`, `error_rate_limit_exceeded`.
   */
  fetch(application: Application, url: string): Promise<string> {
    const key = `${application.key}\n${url}`
    const running = this.#fetching.get(key)
    if (running) return running
    if (this.#fetching.size >= mostFetching) return Promise.reject(new Refusal('error_rate_limit_exceeded'))
    const fetching = this.#fetch(application, url, key).finally(() => this.#fetching.delete(key))
    this.#fetching.set(key, fetching)
    return fetching
  }

  async #fetch(application: Application, url: string, key: string): Promise<string> {
    const kept = this.#kept.get(key)
    const since = kept?.lastModified ?? null
    const outcome = await this.#parts.http.request({
      url,
      method: 'GET',
      headers: { accept: 'audio/*, */*;q=0.5', ...(since !== null && { 'if-modified-since': since }) },
      timeoutMs,
      // One more, so that a file of exactly the size is told from a longer one.
      maxResponseBytes: mostBytes + 1,
      maxRedirects: mostRedirects,
      isTrusted: this.#parts.isOwn(application, url),
    })
    if (outcome.kind === 'failure') {
      const isBadAddress = outcome.code === 'outgoing.address-refused' || outcome.code === 'outgoing.url-invalid'
      throw new Refusal(isBadAddress ? 'error_msg_invalid_url' : 'error_msg_download_failed')
    }
    // Meanwhile it may have had to go for another.
    if (outcome.status === 304 && kept && this.#kept.get(key) === kept) {
      this.#use(key, kept)
      return kept.path
    }
    if (outcome.status !== 200) throw new Refusal('error_msg_download_failed')
    return await this.#keep(key, outcome)
  }

  async #keep(key: string, { body, headers, isTruncated }: OutgoingAnswer): Promise<string> {
    if (isTruncated || body.length > mostBytes) throw new Refusal('error_msg_invalid_file_size')
    const { folder } = this.#parts
    // Once, and before anybody's first file: two may be the first.
    this.#ready ??= rm(folder, { recursive: true, force: true })
    await this.#ready
    await mkdir(folder, { recursive: true })
    const name = createHash('sha256').update(key).digest('hex').slice(0, 32)
    const path = join(folder, `${name}-${this.#serial++}`)
    await writeFile(path, body, { mode: 0o600 })
    try {
      await this.#parts.load(path)
    } catch (thrown) {
      await rm(path, { force: true })
      throw refusalOf(thrown)
    }
    // A message that is still to be played may name the older one: it goes when its turn comes.
    const older = this.#kept.get(key)
    if (older) {
      this.#kept.delete(key)
      this.#kept.set(`${key}\n${older.path}`, older)
    }
    const kept: Kept = { path, bytes: body.length, lastModified: headers.get('last-modified') ?? null }
    this.#bytes += kept.bytes
    this.#use(key, kept)
    for (const oldest of [...this.#kept.keys()]) {
      if (this.#bytes <= mostKeptBytes || oldest === key) break
      await this.#forget(oldest)
    }
    return path
  }

  #use(key: string, kept: Kept): void {
    this.#kept.delete(key)
    this.#kept.set(key, kept)
  }

  async #forget(key: string): Promise<void> {
    const kept = this.#kept.get(key)
    if (!kept) return
    this.#kept.delete(key)
    this.#bytes -= kept.bytes
    await rm(kept.path, { force: true })
  }
}

/** What is wrong with a file, or with how much there is to do. */
function refusalOf(thrown: unknown): unknown {
  if (thrown instanceof ParseError) return new Refusal('error_msg_invalid_file_format')
  if (thrown instanceof LimitError) {
    const isBusy = thrown.code === 'media.prompts-busy'
    return new Refusal(isBusy ? 'error_rate_limit_exceeded' : 'error_msg_invalid_file_size')
  }
  // Nothing that is ten megabytes long takes two minutes to read.
  if (thrown instanceof TimeoutError) return new Refusal('error_msg_invalid_file_format')
  return thrown
}
