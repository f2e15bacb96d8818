import type { TimeoutError, TransportError } from '../../base/errors.ts'
import type { SipRequest, SipResponse } from '../message/types.ts'
import type { ClientTransaction } from '../transaction/types.ts'
import type { Dialog } from './dialog.ts'
import type { ExtraHeaders } from './types.ts'
import type { Usage } from './usage.ts'

export interface InDialogOptions {
  readonly headers?: ExtraHeaders
  readonly body?: Uint8Array | string
  readonly contentType?: string
}

export interface InDialogHandlers {
  /** Each request that goes out: the first, and its repetition with credentials. */
  sent?(request: SipRequest): void
  /** The final response, and for INVITE each further 2xx. `request` is the one it answers. */
  final(response: SipResponse, request: SipRequest): void
  failed(error: TimeoutError | TransportError): void
}

/** A request that is under way. */
export interface InDialogRequest {
  /** Sends CANCEL, as far as it is an INVITE without final response. */
  cancel(): void
}

/** Sends a request within a dialog, and again with credentials when it is challenged (RFC 3261 §22.2), as often as `DigestClient` allows. */
export function sendInDialog(
  usage: Usage,
  dialog: Dialog,
  method: string,
  options: InDialogOptions,
  handlers: InDialogHandlers,
): InDialogRequest {
  const { context, digest } = usage
  const headers: ExtraHeaders = [...(options.headers ?? []), ['User-Agent', context.serverName]]

  let current: ClientTransaction | null = null
  // A request that its call has not outlived is not sent anew; but for BYE, which comes after the end.
  const mayRepeat = (): boolean => method === 'BYE' || usage.state !== 'ended'

  const send = (attempt: number): void => {
    const { request, target } = dialog.createRequest(method, { ...options, headers })
    for (const [name, value] of digest?.credentials(request) ?? []) request.headers.append(name, value)
    let transaction: ClientTransaction | null = null
    const responseReceived = (response: SipResponse): void => {
      dialog.heardFrom(transaction?.flow ?? null)
      if (response.status < 200) return
      usage.seen('incoming', response)
      if (mayRepeat() && digest?.takeChallenge(request, response, attempt)) return send(attempt + 1)
      handlers.final(response, request)
    }
    usage.seen('outgoing', request)
    handlers.sent?.(request)
    transaction = context.transactions.request(request, target, {
      responseReceived: (response) => usage.guard(() => responseReceived(response)),
      failed: (error) => usage.guard(() => handlers.failed(error)),
    })
    current = transaction
  }
  send(0)
  return { cancel: () => current?.cancel() }
}
