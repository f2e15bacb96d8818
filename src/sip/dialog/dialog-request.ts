import type { TimeoutError, TransportError } from '../../base/errors.ts'
import type { SipRequest, SipResponse } from '../message/types.ts'
import type { ClientTransaction } from '../transaction/types.ts'
import type { Dialog } from './dialog.ts'
import type { ExtraHeaders } from './types.ts'
import type { Usage } from './usage.ts'

export interface InDialogOptions {
  readonly headers?: ExtraHeaders
  readonly body?: Uint8Array
  readonly contentType?: string
}

export interface InDialogHandlers {
  /** The final response, and for INVITE each further 2xx. `request` is the one it answers. */
  final(response: SipResponse, request: SipRequest): void
  failed(error: TimeoutError | TransportError): void
}

/** Sends a request within a dialog, and once more with credentials when it is challenged (RFC 3261 §22.2). */
export function sendInDialog(
  usage: Usage,
  dialog: Dialog,
  method: string,
  options: InDialogOptions,
  handlers: InDialogHandlers,
): void {
  const { context, digest } = usage
  const headers: ExtraHeaders = [...(options.headers ?? []), ['User-Agent', context.serverName]]

  const send = (attempt: number): void => {
    const { request, target } = dialog.createRequest(method, { ...options, headers })
    for (const [name, value] of digest?.credentials(request) ?? []) request.headers.append(name, value)
    let transaction: ClientTransaction | null = null
    const responseReceived = (response: SipResponse): void => {
      dialog.heardFrom(transaction?.flow ?? null)
      if (response.status < 200) return
      usage.seen('incoming', response)
      if (digest?.takeChallenge(request, response, attempt)) return send(attempt + 1)
      handlers.final(response, request)
    }
    usage.seen('outgoing', request)
    transaction = context.transactions.request(request, target, {
      responseReceived: (response) => usage.guard(() => responseReceived(response)),
      failed: (error) => usage.guard(() => handlers.failed(error)),
    })
  }
  send(0)
}
