import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfiguration } from '../../config/load.ts'
import { decodeRequest, encodeFailure, encodeSuccess } from './codec.ts'
import { readCallId } from './map.ts'
import { requestTypes } from './wire.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const root = join(import.meta.dirname, '..', '..', '..')

describe('requests of a partner', () => {
  it('keep numbers as they were written, within strings and without', () => {
    const data =
      '{"callId":1531709393.4470,"user":0.50,"phone":"say \\"12.30\\"","extension":-1e5,"toDate":[1],"fromDate":null}'
    const decoded = decodeRequest(bytes(`{"data":${data}}`))
    const value = (name: 'callId' | 'user' | 'phone' | 'extension' | 'toDate' | 'fromDate') => decoded?.data?.get(name)
    expect([value('callId'), value('user'), value('phone'), value('extension')]).toEqual([
      '1531709393.4470',
      '0.50',
      'say "12.30"',
      '-1e5',
    ])
    expect([value('toDate'), value('fromDate')]).toEqual([null, null])
  })

  it('have a secret only where it is text, and members of their own only', () => {
    expect(decodeRequest(bytes('{"partnerSecret":12345678}'))?.partnerSecret).toBeNull()
    expect(decodeRequest(bytes('{"data":{"__proto__":{"user":"137"}}}'))?.data?.get('user')).toBeNull()
    expect(decodeRequest(bytes('{"requestType":"toString"}'))?.requestType).toBeNull()
  })

  it('that nest deeply or are no object are refused and harm nobody', () => {
    for (const text of [
      '1',
      'true',
      '[{}]',
      '['.repeat(30_000),
      `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}`,
      '',
    ]) {
      expect(decodeRequest(bytes(text))).toBeNull()
    }
  })

  it('are answered in the published order of members', () => {
    expect(encodeSuccess([])).toBe('{"respCode":0,"respMsg":"Success","data":[]}')
    expect(encodeFailure('Call not found')).toBe('{"respCode":-1,"respMsg":"Call not found","data":null}')
  })
})

describe('the id of a call', () => {
  it('is read from an id, from a file name, and from our own id', () => {
    expect(readCallId(' 1531709393.4472 ')).toEqual({ kind: 'serial', second: 1_531_709_393, serial: 4472 })
    expect(readCallId('in-0899199799-0948873483-20180716-094953-1531709393.4472.wav')).toEqual(
      readCallId('1531709393.4472'),
    )
    const own = `call_${'0'.repeat(25)}`
    expect(readCallId(own)).toEqual({ kind: 'id', id: own })
    expect(readCallId(`out-1-2-20180716-094953-${own}.wav`)).toEqual({ kind: 'id', id: own })
    for (const text of ['', '1531709393', '1531709393.', '.4472', '1531709393.4472x', '15317093930000.1']) {
      expect(readCallId(text)).toBeNull()
    }
  })
})

describe('the example for a CRM', () => {
  it('has a configuration that is good, and requests that are understood', async () => {
    const example = join(root, 'examples', 'voip24h')
    const { settings } = await loadConfiguration({ file: join(example, 'switchhook.yaml') })
    expect(settings.tenants.get('shop')?.partners.get('crm')).toMatchObject({
      timeZone: 'Asia/Ho_Chi_Minh',
      linkHours: 24,
    })
    const readme = readFileSync(join(example, 'README.md'), 'utf8')
    const sent = [...readme.matchAll(/ -d '(.*)'$/gm)].map(([, body = '']) =>
      decodeRequest(bytes(body.replaceAll("'$SECRET'", 'x').replaceAll("'$CALL'", 'y'))),
    )
    expect(sent.map((request) => request?.requestType).toSorted()).toEqual([...requestTypes].toSorted())
  })
})
