import { createResponse } from '../message/build.ts'
import type { SipRequest, SipResponse } from '../message/types.ts'
import { type DialogContext, newTag } from './context.ts'

/** What is served within a dialog. */
export const dialogMethods = [
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'OPTIONS',
  'INFO',
  'UPDATE',
  'PRACK',
  'REFER',
  'NOTIFY',
] as const

/** Methods that have no meaning without a dialog: 481 there. */
export const onlyInDialog: ReadonlySet<string> = new Set(['BYE', 'INFO', 'UPDATE', 'PRACK'])

/**
 * Methods the standards know (the IANA registry). All others are refused with 405 before anything else is looked at,
 * RFC 3261 §8.2.1.
 */
export const knownMethods: ReadonlySet<string> = new Set([
  ...dialogMethods,
  'REGISTER',
  'MESSAGE',
  'SUBSCRIBE',
  'PUBLISH',
])

export const allow: readonly [string, string] = ['Allow', dialogMethods.join(', ')]

/** The Accept of a 415 or an OPTIONS: what INVITE, UPDATE and PRACK may carry. */
export const acceptBodies: readonly [string, string] = [
  'Accept',
  'application/sdp, multipart/mixed, multipart/alternative',
]

/** The event packages (RFC 6665 §8.2.2): that of REFER (RFC 3515 §3), and those that are served outside of dialogs of ours. */
export function allowEvents({ otherEvents }: Pick<DialogContext, 'otherEvents'>): readonly [string, string] {
  return ['Allow-Events', ['refer', ...otherEvents].join(', ')]
}

/** The extensions we know: Supported, and what Require may ask for. */
export function supportedOptions(context: Pick<DialogContext, 'sessionTimers'>): readonly string[] {
  return ['100rel', ...(context.sessionTimers === null ? [] : ['timer']), 'replaces', 'norefersub']
}

export function supported(context: Pick<DialogContext, 'sessionTimers'>): readonly [string, string] {
  return ['Supported', supportedOptions(context).join(', ')]
}

/** The answer to OPTIONS, RFC 3261 §11.2, within a dialog and without. */
export function optionsResponse(
  request: SipRequest,
  context: Pick<DialogContext, 'sessionTimers' | 'serverName' | 'random' | 'otherEvents'>,
  otherMethods: readonly string[] = [],
): SipResponse {
  return createResponse(request, 200, {
    toTag: newTag(context.random),
    headers: [
      ['Allow', [...dialogMethods, ...otherMethods].join(', ')],
      acceptBodies,
      ['Accept-Encoding', 'identity'],
      ['Accept-Language', 'en'],
      supported(context),
      allowEvents(context),
      ['Server', context.serverName],
    ],
  })
}
