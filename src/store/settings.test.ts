import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../test/support/databases.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import type { StoredBinding } from '../sip/registrar/types.ts'
import type { DocumentFilter, StoredDocument } from './documents.ts'
import type { Store } from './store.ts'

describe.each(databaseKinds)('settings on %s', (kind) => {
  const clock = new TestClock()
  let test: TestStore
  let store: Store
  beforeAll(async () => {
    test = await openTestStore(kind, { clock })
    store = test.store
  })
  afterAll(() => test?.remove())

  async function keys(filter: DocumentFilter): Promise<readonly string[]> {
    const found: StoredDocument[] = []
    for await (const document of store.documents.list(filter)) found.push(document)
    return found.map((document) => `${document.tenant}/${document.kind}/${document.key}`)
  }

  it('keeps a document as it was, counts its versions and forgets it', async () => {
    const key = { tenant: 'acme', kind: 'extension', key: '137' } as const
    const body = { name: 'Lan', mailbox: { max: 20, pin: null }, tags: ['a', 1, true] }
    expect(await store.documents.get(key)).toBeNull()
    expect(await store.documents.put({ ...key, body })).toBe(1)
    expect(await store.documents.get(key)).toEqual({ ...key, body, version: 1, updatedAt: clock.wallTime() })
    expect(await store.documents.put({ ...key, body: 'other' })).toBe(2)
    expect(await store.documents.get(key)).toMatchObject({ body: 'other', version: 2 })
    expect(await store.documents.remove(key)).toBe(true)
    expect(await store.documents.remove(key)).toBe(false)
    expect(await store.documents.get(key)).toBeNull()
  })

  it('refuses a change to what was changed meanwhile, and a second document of the same key', async () => {
    const document = { tenant: 'acme', kind: 'app', key: 'menu', body: {} } as const
    expect(await store.documents.put(document, 'none')).toBe(1)
    await expect(store.documents.put(document, 'none')).rejects.toMatchObject({
      code: 'store.document-taken',
      httpStatus: 409,
    })
    expect(await store.documents.put(document, 1)).toBe(2)
    await expect(store.documents.put(document, 1)).rejects.toMatchObject({
      code: 'store.document-changed',
      httpStatus: 409,
    })
    await expect(store.documents.put({ ...document, key: 'none' }, 1)).rejects.toMatchObject({
      code: 'store.document-changed',
    })
  })

  it('gives a number to one tenant only, and an extension to as many as want it', async () => {
    await store.documents.put({ tenant: 'acme', kind: 'number', key: '+6560000001', body: {} })
    await expect(
      store.documents.put({ tenant: 'other', kind: 'number', key: '+6560000001', body: {} }),
    ).rejects.toMatchObject({ code: 'store.document-taken' })
    await store.documents.put({ tenant: 'acme', kind: 'extension', key: '101', body: {} })
    await store.documents.put({ tenant: 'other', kind: 'extension', key: '101', body: {} })
  })

  it('lists documents in the same order on every database, however many', async () => {
    const names = ['b', 'A', 'a', 'é', '10', '9', 'Z', '-']
    for (const key of names) await store.documents.put({ tenant: 'order', kind: 'trunk', key, body: null })
    expect(await keys({ tenant: 'order' })).toEqual(
      names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map((key) => `order/trunk/${key}`),
    )
    const many = Array.from({ length: 1001 }, (_, index) => String(index).padStart(4, '0'))
    await Promise.all(many.map((key) => store.documents.put({ tenant: 'many', kind: 'extension', key, body: key })))
    expect(await keys({ tenant: 'many', kind: 'extension' })).toEqual(many.map((key) => `many/extension/${key}`))
    expect(await keys({ tenant: 'many', kind: 'app' })).toEqual([])
  })

  it('remembers single values', async () => {
    expect(await store.meta.get('test.value')).toBeNull()
    await store.meta.set('test.value', 'one')
    await store.meta.set('test.value', 'two')
    expect(await store.meta.get('test.value')).toBe('two')
    await store.meta.remove('test.value')
    expect(await store.meta.get('test.value')).toBeNull()
  })

  it('gives bindings back after a restart, each field the same, those that ran out removed', async () => {
    const binding: StoredBinding = {
      aor: { tenant: 'acme', extension: '101' },
      contactText: 'sip:101@192.0.2.5;transport=tcp',
      sipCallId: 'abc@192.0.2.5',
      cseq: 2_147_483_647,
      expiresAt: clock.wallTime() + 60_000,
      q: 0.7,
      userAgent: null,
      via: { protocol: 'tcp', local: '192.0.2.1:5060', remote: '192.0.2.5:41234' },
      instance: '<urn:uuid:0000>',
    }
    const gone = { ...binding, contactText: 'sip:old@192.0.2.6', expiresAt: clock.wallTime() }
    const removed = { ...binding, contactText: 'sip:removed@192.0.2.7' }
    const other = { ...binding, aor: { tenant: 'other', extension: '101' }, q: 1, instance: null }
    for (const each of [binding, gone, removed, other]) await store.bindings.put(each)
    await store.bindings.put({ ...binding, cseq: 1, userAgent: 'Sample 1.0' })
    await store.bindings.remove(removed.aor, removed.contactText)
    store = await test.reopen()
    expect(await store.bindings.load()).toEqual([{ ...binding, cseq: 1, userAgent: 'Sample 1.0' }, other])
  })
})
