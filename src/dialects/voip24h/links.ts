import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { ErrorActor } from '../../base/error-catalogue.ts'
import { SwitchhookError } from '../../base/errors.ts'
import type { RecordingId } from '../../base/ids.ts'
import { downloadPath, listenPath } from './wire.ts'

/** What a link lets its holder do: save the file, see the page, hear the sound that the page plays. */
export type LinkAction = 'download' | 'listen' | 'play'

export interface LinkTarget {
  readonly tenant: string
  readonly recordingId: RecordingId
  /** The published name of its file. */
  readonly file: string
}

/** A link that is not ours, was changed, or has run out. */
class LinkError extends SwitchhookError {
  readonly sipStatus = 403
  readonly httpStatus = 403
  readonly actor: ErrorActor = 'caller'
}

/**
 * Links to recordings that need no secret to be followed: `host` is a token that holds tenant, recording and expiry, sealed
 * together with the action and the file name (HMAC-SHA256, RFC 2104).
 */
export class RecordingLinks {
  readonly #key: string
  readonly #publicUrl: () => string
  readonly #clock: Clock

  /** @param parts.key - secret; who has it can make links. @param parts.publicUrl - without a slash at its end. */
  constructor(parts: { readonly key: string; readonly publicUrl: () => string; readonly clock: Clock }) {
    this.#key = parts.key
    this.#publicUrl = parts.publicUrl
    this.#clock = parts.clock
  }

  /** @returns an absolute link. @param hours - how long it is good. */
  link(action: LinkAction, target: LinkTarget, hours: number): string {
    return `${this.#publicUrl().replace(/\/+$/, '')}${this.path(action, target, this.#clock.wallTime() + hours * 3_600_000)}`
  }

  /** The same without the host. @param expiresAt - wall-clock ms. */
  path(action: LinkAction, target: LinkTarget, expiresAt: number): string {
    const { tenant, recordingId, file } = target
    const claims = Buffer.from(JSON.stringify([tenant, recordingId, Math.floor(expiresAt / 1000)])).toString(
      'base64url',
    )
    const query = new URLSearchParams({ host: `${claims}.${this.#seal(action, claims, file)}`, recordingFile: file })
    return `${action === 'download' ? downloadPath : listenPath}?${query.toString()}`
  }

  /**
   * Which of these actions the link is for, and of what.
   * Throws LinkError `recording.link-refused`, the same for every fault but that of age.
   */
  open(
    actions: readonly LinkAction[],
    query: { readonly host?: string | undefined; readonly recordingFile?: string | undefined },
  ): LinkTarget & { readonly action: LinkAction; readonly expiresAt: number } {
    const { host = '', recordingFile: file = '' } = query
    const [claims = '', seal = ''] = host.split('.')
    const action = actions.find((one) => isSame(this.#seal(one, claims, file), seal))
    if (!action) throw new LinkError('recording.link-refused', 'This link to a recording is not a valid one.')
    const [tenant, recordingId, seconds] = JSON.parse(Buffer.from(claims, 'base64url').toString()) as [
      string,
      RecordingId,
      number,
    ]
    const expiresAt = seconds * 1000
    if (expiresAt <= this.#clock.wallTime()) {
      throw new LinkError('recording.link-refused', 'This link to a recording has expired; ask for a new one.')
    }
    return { action, tenant, recordingId, file, expiresAt }
  }

  #seal(action: LinkAction, claims: string, file: string): string {
    // Lengths keep the parts apart: no two targets have one text.
    const text = [action, claims, file].map((part) => `${part.length}:${part}`).join('')
    return createHmac('sha256', this.#key).update(text).digest('base64url')
  }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
