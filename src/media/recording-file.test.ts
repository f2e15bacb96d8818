import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readWav } from '../../test/support/hear.ts'
import { settle } from '../../test/support/test-clock.ts'
import { makeFile, RecordingFile, type RecordingFileOptions, type WritableFile } from './recording-file.ts'

/** A disk in memory that holds so many bytes and may be told to stand still. */
class Disk {
  bytes = Buffer.alloc(0)
  closed = false
  synced = 0
  #gate: Promise<void> = Promise.resolve()
  #open: () => void = () => {}
  readonly #room: number

  constructor(room = Number.POSITIVE_INFINITY) {
    this.#room = room
  }

  standStill(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  goOn(): void {
    this.#open()
  }

  readonly make = async (): Promise<WritableFile> => this

  async write(bytes: Uint8Array, from: number, count: number, at: number): Promise<{ bytesWritten: number }> {
    await this.#gate
    const fits = Math.min(count, this.#room - at)
    if (fits <= 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    if (this.bytes.length < at + fits)
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc(at + fits - this.bytes.length)])
    this.bytes.set(bytes.subarray(from, from + fits), at)
    return { bytesWritten: fits }
  }

  async writev(parts: readonly Uint8Array[], at: number): Promise<{ bytesWritten: number }> {
    const all = Buffer.concat(parts)
    return await this.write(all, 0, all.length, at)
  }

  async stat(): Promise<{ size: number }> {
    return { size: this.bytes.length }
  }

  async truncate(size: number): Promise<void> {
    this.bytes = this.bytes.subarray(0, size)
  }

  async datasync(): Promise<void> {
    this.synced++
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

function record(
  disk: Disk,
  more: Partial<RecordingFileOptions> = {},
): { file: RecordingFile; problems: string[]; held: () => number } {
  const problems: string[] = []
  let held = 0
  const file = new RecordingFile({
    path: '/nowhere/a.wav',
    channels: 1,
    make: disk.make,
    isSynced: false,
    reserve: (bytes) => {
      held += bytes
      return true
    },
    release: (bytes) => {
      held -= bytes
    },
    failed: (problem) => problems.push(problem),
    ...more,
  })
  return { file, problems, held: () => held }
}

/** 250 ms of a rising ramp, so that every byte tells where it belongs. */
function slice(number: number): Uint8Array {
  return new Uint8Array(Int16Array.from({ length: 2000 }, (_, i) => number * 2000 + i).buffer)
}

describe('a recording on its way to disk', () => {
  it('is on disk slice by slice, in order', async () => {
    const disk = new Disk()
    const { file, held } = record(disk)
    for (let i = 0; i < 8; i++) file.write(slice(i))
    expect(await file.close()).toEqual({ durationMs: 2000, fileBytes: 32_044, problem: null })
    expect(readWav(disk.bytes).channels[0]).toEqual(Int16Array.from({ length: 16_000 }, (_, i) => i))
    expect(held()).toBe(0)
    expect(disk.closed).toBe(true)
    expect(disk.synced).toBe(0)
  })

  it('plays in mid-call: a copy is never more than a second behind', async () => {
    const disk = new Disk()
    const { file } = record(disk)
    for (let i = 0; i < 9; i++) {
      file.write(slice(i))
      await settle()
      const { channels } = readWav(disk.bytes)
      expect((channels[0] as Int16Array).length).toBeGreaterThan((i + 1) * 2000 - 8000)
      expect(disk.bytes.length).toBe(44 + (i + 1) * 4000)
    }
    await file.close()
  })

  it('waits for the disk itself when asked to', async () => {
    const disk = new Disk()
    const { file } = record(disk, { isSynced: true })
    await file.close()
    expect(disk.synced).toBe(1)
  })

  it('keeps what fitted when the disk is full, and says so once', async () => {
    const disk = new Disk(44 + 10_001)
    const { file, problems, held } = record(disk)
    for (let i = 0; i < 6; i++) {
      file.write(slice(i))
      await settle()
    }
    expect(problems).toEqual(['The disk of the recordings folder is full.'])
    expect(file.write(slice(9))).toBe(false)
    expect(await file.close()).toEqual({ durationMs: 625, fileBytes: 10_044, problem: problems[0] })
    expect(readWav(disk.bytes).channels[0]?.length).toBe(5000)
    expect(held()).toBe(0)
  })

  it('gives up when the disk stands still, instead of filling the memory', async () => {
    const disk = new Disk()
    const { file, problems, held } = record(disk)
    await settle()
    disk.standStill()
    let taken = 0
    for (let i = 0; i < 1000; i++) if (file.write(slice(i % 16))) taken++
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('did not keep up')
    expect(taken * 4000).toBeLessThanOrEqual(1024 * 1024 + 4000)
    disk.goOn()
    const result = await file.close()
    expect(result.problem).toBe(problems[0])
    expect(held()).toBe(0)
  })

  it('gives up when the memory of all recordings is spent', async () => {
    const disk = new Disk()
    const { file, problems } = record(disk, { reserve: () => false })
    expect(file.write(slice(0))).toBe(false)
    expect(problems[0]).toContain('did not keep up')
    expect((await file.close()).durationMs).toBe(0)
  })

  it('notices a file that does not hold what was written', async () => {
    const disk = new Disk()
    const { file } = record(disk)
    file.write(slice(0))
    await settle()
    disk.bytes = Buffer.concat([disk.bytes, Buffer.alloc(7)])
    const result = await file.close()
    expect(result.problem).toBe('The file holds 4051 bytes where 4044 were written.')
  })

  it('refuses audio cut inside a sample', async () => {
    const { file, problems } = record(new Disk(), { channels: 2 })
    expect(file.write(new Uint8Array(6))).toBe(false)
    expect(problems[0]).toContain('cut inside a sample')
    await file.close()
  })
})

describe('the file of a recording', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchhook-file-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const disk = new Disk()

  it('is made with its folder, for its user only', async () => {
    const path = join(folder, '2026-01-01', 'a.wav')
    const { file } = record(disk, { path, make: makeFile })
    file.write(slice(0))
    expect(await file.close()).toEqual({ durationMs: 250, fileBytes: 4044, problem: null })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, '2026-01-01'))).mode & 0o777).toBe(0o700)
  })

  it('never writes over one that is there', async () => {
    const path = join(folder, 'a.wav')
    await writeFile(path, 'precious')
    const { file, problems } = record(disk, { path, make: makeFile })
    file.write(slice(0))
    expect(await file.close()).toEqual({
      durationMs: 0,
      fileBytes: 0,
      problem: 'A recording of that name is there already.',
    })
    expect(problems).toHaveLength(1)
    expect(await readFile(path, 'utf8')).toBe('precious')
  })

  it('says so when the folder is none', async () => {
    await writeFile(join(folder, 'taken'), '')
    const { file } = record(disk, { path: join(folder, 'taken', 'a.wav'), make: makeFile })
    expect((await file.close()).problem).toContain('file')
  })

  it('says so when a folder of its name is in the way', async () => {
    await mkdir(join(folder, 'a.wav'))
    const { file } = record(disk, { path: join(folder, 'a.wav'), make: makeFile })
    expect((await file.close()).problem).toBe('A recording of that name is there already.')
  })
})
