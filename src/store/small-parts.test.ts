import { describe, expect, it } from 'vitest'
import { parseDatabaseUrl } from './database-url.ts'
import { foldText, likePattern } from './fold-text.ts'
import { isConnectionLost, postgresError } from './postgres/errors.ts'
import { Queries } from './queries.ts'
import { sqliteError } from './sqlite/errors.ts'
import { offsetSpans } from './time-zone.ts'

describe('the setting "database"', () => {
  it('names a file or a server', () => {
    expect(parseDatabaseUrl('sqlite:./data/switchhook.db')).toEqual({ dialect: 'sqlite', file: './data/switchhook.db' })
    expect(parseDatabaseUrl('sqlite:///var/lib/switchhook.db')).toEqual({
      dialect: 'sqlite',
      file: '/var/lib/switchhook.db',
    })
    const url = 'postgres://hook:secret@db.example/calls?sslmode=require'
    expect(parseDatabaseUrl(url)).toEqual({
      dialect: 'postgres',
      url,
      name: 'the PostgreSQL database calls at db.example:5432',
    })
    expect(parseDatabaseUrl('postgresql://db.example:6000/calls')).toMatchObject({
      name: expect.stringContaining(':6000') as string,
    })
  })

  it('is refused with what was expected, and its password is not repeated', () => {
    const wrong = [
      '',
      'sqlite:',
      'sqlite::memory:',
      'sqlite:./data/',
      'mysql://u:secret@h/d',
      'postgres://u:secret@host',
      'postgres://u:secret@:x/d',
    ]
    for (const text of wrong) {
      const parse = (): unknown => parseDatabaseUrl(text)
      expect(parse).toThrow(
        expect.objectContaining({
          code: 'store.database-setting',
          message: expect.not.stringContaining('secret') as string,
        }),
      )
    }
  })
})

describe('folding text', () => {
  it('drops case and marks and leaves the rest', () => {
    expect(foldText('ĐẶNG Thị Ánh')).toBe('dang thi anh')
    expect(foldText('+6591234567')).toBe('+6591234567')
    expect(foldText('שָׁלוֹם')).toBe('שלום')
    expect(likePattern('50%_\\')).toBe('%50\\%\\_\\\\%')
  })
})

describe('errors of the databases', () => {
  it('are told in our own words by their codes', () => {
    const sqlite = (code: string): string => sqliteError('the database x', { code, message: 'm' }).code
    expect(
      [
        'SQLITE_FULL',
        'SQLITE_IOERR_WRITE',
        'SQLITE_BUSY_SNAPSHOT',
        'SQLITE_CORRUPT_VTAB',
        'SQLITE_READONLY_DBMOVED',
      ].map(sqlite),
    ).toEqual(['store.disk-full', 'store.disk-failed', 'store.locked', 'store.corrupted', 'store.not-writable'])
    expect(['SQLITE_CONSTRAINT_FOREIGNKEY', 'SQLITE_ERROR', 'ENOSPC', 'EROFS'].map(sqlite)).toEqual([
      'store.conflict',
      'store.failed',
      'store.disk-full',
      'store.not-writable',
    ])
    const postgres = (code: string): string => postgresError('x', Object.assign(new Error('m'), { code })).code
    expect(
      ['53100', '23505', '28P01', '3D000', '57P01', '25006', '42P01', 'ECONNREFUSED', 'XX001'].map(postgres),
    ).toEqual([
      'store.disk-full',
      'store.conflict',
      'store.refused',
      'store.refused',
      'store.unreachable',
      'store.not-writable',
      'store.failed',
      'store.unreachable',
      'store.corrupted',
    ])
    expect(postgresError('x', new Error('timeout expired'), 'unreachable').code).toBe('store.unreachable')
  })

  it('tell a lost connection from a refused statement and from a mistake of ours', () => {
    const lost = ['57P01', '08006', 'ECONNRESET', 'EPIPE', '23505', '42601'].map((code) =>
      isConnectionLost(Object.assign(new Error('m'), { code })),
    )
    expect(lost).toEqual([true, true, true, true, false, false])
    expect(isConnectionLost(new TypeError('oops'))).toBe(false)
  })
})

describe('time zones', () => {
  const hour = 3_600_000

  it('are one span where clocks are never changed', () => {
    const from = Date.UTC(2026, 0, 1)
    const before = Date.UTC(2026, 11, 31)
    expect(offsetSpans('Asia/Ho_Chi_Minh', from, before)).toEqual([{ from, before, offsetMs: 7 * hour }])
  })

  it('are cut at the minute where clocks are changed', () => {
    const from = Date.UTC(2026, 0, 1)
    const before = Date.UTC(2026, 11, 31)
    const spring = Date.UTC(2026, 2, 29, 1)
    const autumn = Date.UTC(2026, 9, 25, 1)
    expect(offsetSpans('Europe/Berlin', from, before)).toEqual([
      { from, before: spring, offsetMs: hour },
      { from: spring, before: autumn, offsetMs: 2 * hour },
      { from: autumn, before, offsetMs: hour },
    ])
    expect(offsetSpans('Europe/Berlin', from + 123, from + 123)).toEqual([])
  })
})

describe('prepared statements', () => {
  it('are compiled once for their database, and bind values by name in the right order', () => {
    for (const dialect of ['sqlite', 'postgres'] as const) {
      const prepared = new Queries(dialect).prepare<{ key: string; value: string }>((db, slots) =>
        db
          .updateTable('meta')
          .set(slots.row(['value']))
          .where('key', '=', slots.one('key'))
          .where('value', '!=', 'fixed'),
      )
      const { text, parameters, size } = prepared({ key: 'k', value: 'v' })
      expect(text.sql).toContain(
        dialect === 'sqlite' ? 'set "value" = ? where "key" = ?' : 'set "value" = $1 where "key" = $2',
      )
      expect(parameters).toEqual(['v', 'k', 'fixed'])
      expect(size).toBe(7)
      expect(prepared({ key: 'a', value: 'b' }).text).toBe(text)
    }
  })

  it('bind nothing but text, numbers and null', () => {
    const prepared = new Queries('sqlite').prepare<{ key: unknown }>((db, slots) =>
      db.deleteFrom('meta').where('key', '=', slots.one('key') as string),
    )
    expect(prepared({ key: undefined }).parameters).toEqual([null])
    expect(() => prepared({ key: true })).toThrow(TypeError)
    expect(() => prepared({ key: new Date(0) })).toThrow(TypeError)
  })
})
