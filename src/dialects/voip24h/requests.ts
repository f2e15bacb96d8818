import type { CallId } from '../../base/ids.ts'
import { extensionCalls } from '../../call/extension-calls.ts'
import type { RecordingRecord } from '../../call/records.ts'
import type { TenantSettings } from '../../config/settings.ts'
import type { CallOutline, CallQueries } from '../../store/call-queries.ts'
import type { ExtensionCalls } from '../../store/extension-calls.ts'
import type { DecodedData } from './codec.ts'
import type { LinkAction, RecordingLinks } from './links.ts'
import { isReadablePhone, publishedId, readCallId, readDate, recordingName, toEntry, toOwnerlessEntry } from './map.ts'
import type { KnownPartner } from './partners.ts'
import { type CallEntry, type DataField, type DialData, failures, type LinkData, type RequestType } from './wire.ts'

/** Entries of one answer. */
const mostEntries = 1000
/** Days of one range, both ends counted. */
const mostDays = 366

/** What a click came to; as `action/click-to-dial.ts` tells it. */
export type DialVerdict =
  | {
      readonly outcome: 'accepted'
      readonly call: { readonly id: CallId; readonly serial: number | null; readonly startedAt: number }
    }
  | {
      readonly outcome: 'refused'
      readonly why: 'extension-unknown' | 'extension-away' | 'phone-invalid' | 'limit' | 'no-route'
    }

export interface RequestParts {
  readonly calls: Pick<CallQueries, 'outline'>
  readonly extensionCalls: Pick<ExtensionCalls, 'list' | 'findBySerial'>
  readonly links: RecordingLinks
  /** A call that is up as it stands: its rows say who has answered only when it is over. Null for any other. */
  live(id: CallId): Pick<CallOutline, 'call' | 'legs'> | null
  dial(click: {
    readonly tenant: TenantSettings
    readonly extension: string
    readonly phone: string
  }): Promise<DialVerdict>
}

/** A request that cannot be answered as asked; the message is what the client is told. */
export class RequestFailure extends Error {}

/** Answers one request of a partner that is known by now. Rejects with RequestFailure, StoreError. */
export async function answerRequest(
  type: RequestType,
  data: DecodedData,
  partner: KnownPartner,
  parts: RequestParts,
): Promise<unknown> {
  switch (type) {
    case 'getUser':
      return await listCalls(partner, parts, needed(data, 'user').trim(), {})
    case 'getDate':
      return await listCalls(partner, parts, data.get('user')?.trim() ?? null, readRange(data, partner))
    case 'getUserDate': {
      const user = needed(data, 'user').trim()
      return await listCalls(partner, parts, user, readRange(data, partner))
    }
    case 'getCallData':
      return await callData(needed(data, 'uniqueId', ['callId']), partner, parts)
    case 'recordingDownload':
      return await recordingLink('download', data, partner, parts)
    case 'recordingListen':
      return await recordingLink('listen', data, partner, parts)
    case 'makeDial':
      return await makeDial(data, partner, parts)
  }
}

async function listCalls(
  { tenant, view }: KnownPartner,
  { extensionCalls: calls }: RequestParts,
  user: string | null,
  range: { readonly startedFrom?: number; readonly startedBefore?: number },
): Promise<readonly CallEntry[]> {
  const filter = { tenant: tenant.name, ...(user === null ? {} : { extension: user }), ...range }
  return (await calls.list(filter, mostEntries)).map((call) => toEntry(call, view))
}

async function callData(id: string, partner: KnownPartner, parts: RequestParts): Promise<CallEntry> {
  const found = await findCall(id, partner, parts)
  const { call, legs } = parts.live(found.call.id) ?? found
  const [whose] = extensionCalls(call, legs)
  return whose ? toEntry(whose, partner.view) : toOwnerlessEntry(call, partner.view)
}

async function recordingLink(
  action: LinkAction,
  data: DecodedData,
  partner: KnownPartner,
  parts: RequestParts,
): Promise<LinkData> {
  const id = needed(data, 'callId', ['uniqueId', 'recordingFile'])
  const { call, legs, recordings } = await findCall(id, partner, parts)
  const recording = bestRecording(recordings)
  if (!recording) throw new RequestFailure(failures.recordingNotFound)
  const [whose = null] = extensionCalls(call, legs)
  const file = recordingName(call, whose, partner.view)
  const target = { tenant: partner.tenant.name, recordingId: recording.id, file }
  return { link: parts.links.link(action, target, partner.settings.linkHours) }
}

async function makeDial(data: DecodedData, { tenant }: KnownPartner, parts: RequestParts): Promise<DialData> {
  const extension = needed(data, 'extension')
  const phone = needed(data, 'phone')
  if (!tenant.extensions.has(extension.trim())) throw new RequestFailure(failures.extensionNotFound)
  if (!isReadablePhone(phone)) throw new RequestFailure(failures.invalidPhone)
  const verdict = await parts.dial({ tenant, extension: extension.trim(), phone: phone.trim() })
  if (verdict.outcome === 'refused') throw new RequestFailure(refusals[verdict.why])
  const { id, serial, startedAt } = verdict.call
  return { extension, phone, callId: publishedId(startedAt, serial, id) }
}

const refusals: Readonly<Record<Extract<DialVerdict, { outcome: 'refused' }>['why'], string>> = {
  'extension-unknown': failures.extensionNotFound,
  'extension-away': failures.extensionNotAvailable,
  'phone-invalid': failures.invalidPhone,
  limit: failures.callLimit,
  'no-route': failures.noRoute,
}

async function findCall(text: string, { tenant }: KnownPartner, parts: RequestParts): Promise<CallOutline> {
  const named = readCallId(text)
  const id =
    named?.kind === 'serial'
      ? await parts.extensionCalls.findBySerial(tenant.name, named.second, named.serial)
      : (named?.id ?? null)
  const outline = id === null ? null : await parts.calls.outline(id, tenant.name)
  if (!outline) throw new RequestFailure(failures.callNotFound)
  return outline
}

/** Of several the whole call on two channels; else the longest. */
function bestRecording(recordings: readonly RecordingRecord[]): RecordingRecord | null {
  const playable = recordings.filter(({ state }) => state === 'saved' || state === 'interrupted')
  const weight = ({ channels, durationMs }: RecordingRecord): number => (channels === 2 ? 1e12 : 0) + (durationMs ?? 0)
  return playable.toSorted((a, b) => weight(b) - weight(a))[0] ?? null
}

/** @param aliases - members that stand for it where it is not there. */
function needed(data: DecodedData, name: DataField, aliases: readonly DataField[] = []): string {
  for (const one of [name, ...aliases]) {
    const value = data.get(one)
    if (value !== null) return value
  }
  throw new RequestFailure(failures.missingField(name))
}

/** Both days included, by the partner's calendar. */
function readRange(
  data: DecodedData,
  { view }: KnownPartner,
): { readonly startedFrom: number; readonly startedBefore: number } {
  const [fromText, toText] = [needed(data, 'fromDate'), needed(data, 'toDate')]
  const from = readDate(fromText)
  if (from === null) throw new RequestFailure(failures.invalidDate('fromDate'))
  const to = readDate(toText)
  if (to === null) throw new RequestFailure(failures.invalidDate('toDate'))
  if (from > to || to - from >= mostDays) throw new RequestFailure(failures.invalidRange)
  return { startedFrom: view.time.dayStart(from), startedBefore: view.time.dayStart(to + 1) }
}
