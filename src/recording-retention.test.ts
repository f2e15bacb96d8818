import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { endedCall, sampleCall, sampleLeg, sampleRecording } from '../test/support/call-samples.ts'
import { databaseKinds } from '../test/support/databases.ts'
import { TestClock } from '../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../test/support/test-store.ts'
import { silentLogger } from './base/log.ts'
import { loadSettings } from './config/load.ts'
import { RecordingRetention } from './recording-retention.ts'
import { Directory } from './routing/directory.ts'

const dayMs = 86_400_000
const config = `
tenants:
  acme: { domain: acme.example, callRecording: { retentionDays: 30 } }
  keeper: { domain: keeper.example }
  zoo: { domain: zoo.example, callRecording: { retentionDays: 30 } }
`

describe.each(databaseKinds)('the retention of recordings on %s', (kind) => {
  let kept: TestStore
  let clock: TestClock
  let retention: RecordingRetention

  beforeEach(async () => {
    clock = new TestClock()
    kept = await openTestStore(kind, { clock })
    const { tenants } = await loadSettings({ text: config, name: 'test.yaml', baseDir: '/', environment: {} })
    retention = new RecordingRetention({
      retention: kept.store.retention,
      directory: new Directory(tenants),
      dataFolder: kept.database.dataFolder,
      clock,
      log: silentLogger,
    })
  })
  afterEach(async () => {
    await retention.close()
    await kept.remove()
  })

  /** A recording of so many days ago, with its file. */
  async function keep(
    tenant: string,
    days: number,
    file?: string,
  ): Promise<{ readonly path: string; state(): Promise<unknown> }> {
    const { records, recordings } = kept.store
    const call = sampleCall({ tenant, startedAt: clock.wallTime() - days * dayMs })
    await records.open(call, sampleLeg(call))
    const recording = sampleRecording(call, file === undefined ? {} : { file })
    await records.openRecording(recording)
    await records.closeRecording(recording.id, { state: 'saved', durationMs: 1000, fileBytes: 4, problem: null })
    await records.close(endedCall(call), [])
    const path = join(kept.database.dataFolder, recording.file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, 'RIFF')
    return { path, state: async () => (await recordings.get(recording.id))?.state }
  }
  const isThere = (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    )

  it('goes on with the next tenant where a file cannot be deleted, and says so', async () => {
    const stuck = await keep('acme', 40)
    const other = await keep('zoo', 40)
    // A folder in its place: no rm without `recursive` takes it.
    await rm(stuck.path)
    await mkdir(stuck.path)
    await expect(retention.run({ isDryRun: false })).rejects.toThrow(/directory/)
    expect([await stuck.state(), await other.state(), await isThere(other.path)]).toEqual(['saved', 'deleted', false])
  })

  it('deletes what is older than its tenant keeps it, after a dry run that deletes nothing', async () => {
    const old = await keep('acme', 31)
    const young = await keep('acme', 29)
    const forever = await keep('keeper', 400)
    const outside = await keep('acme', 40, '../escaped.wav')
    const before = clock.wallTime() - 30 * dayMs
    const result = { tenant: 'acme', days: 30, before, recordings: 2, bytes: 8 }
    const none = { ...result, recordings: 0, bytes: 0 }
    const ofZoo = { ...none, tenant: 'zoo' }
    expect(await retention.run({ isDryRun: true })).toEqual([result, ofZoo])
    expect([await isThere(old.path), await old.state()]).toEqual([true, 'saved'])
    expect(await retention.run({ isDryRun: false })).toEqual([result, ofZoo])
    expect([await isThere(old.path), await old.state()]).toEqual([false, 'deleted'])
    for (const one of [young, forever]) expect([await isThere(one.path), await one.state()]).toEqual([true, 'saved'])
    // A file that is none of ours is left alone.
    expect(await isThere(outside.path)).toBe(true)
    await rm(outside.path)
    expect(await retention.run({ isDryRun: false })).toEqual([none, ofZoo])
  })

  it('runs by itself, soon after the start and then every six hours', async () => {
    const old = await keep('acme', 29.9)
    // The store's own heartbeat.
    const others = clock.pending
    retention.start()
    await clock.advanceAsync(60_000)
    await retention.run({ isDryRun: true })
    expect(await old.state()).toBe('saved')
    await clock.advanceAsync(6 * 3_600_000)
    await retention.run({ isDryRun: true })
    expect(await old.state()).toBe('deleted')
    await retention.close()
    expect(clock.pending).toBe(others)
  })
})
