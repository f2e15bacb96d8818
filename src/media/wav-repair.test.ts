import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readWav, sine } from '../../test/support/hear.ts'
import { silentLogger } from '../base/log.ts'
import { wavHeader } from './wav-header.ts'
import { repairFolder, repairWav } from './wav-repair.ts'

const mono = { encoding: 'pcm16', channels: 1, rateHz: 8000 } as const
const stereo = { ...mono, channels: 2 } as const
const tone = new Uint8Array(sine(440, 1000).buffer)

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchhook-repair-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function put(name: string, ...parts: readonly Uint8Array[]): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, Buffer.concat(parts))
  return path
}

describe('the repair of recordings', () => {
  it('lets the lengths follow the audio that came after the last header', async () => {
    const path = await put('a.wav', wavHeader(mono, 8000), tone)
    expect(await repairWav(path)).toEqual({ outcome: 'repaired', durationMs: 1000, fileBytes: 16_044 })
    const { channels } = readWav(await readFile(path))
    expect(channels[0]).toEqual(sine(440, 1000))
  })

  it('cuts off a sample frame that was half written', async () => {
    for (const [name, shape, extra] of [
      ['one.wav', mono, 1],
      ['two.wav', stereo, 3],
    ] as const) {
      const path = await put(name, wavHeader(shape, 0), tone, new Uint8Array(extra))
      expect(await repairWav(path)).toMatchObject({ outcome: 'repaired', fileBytes: 16_044 })
      expect(readWav(await readFile(path)).channels[0]?.length).toBe(8000 / shape.channels)
    }
  })

  it('shortens the lengths when the disk lost the end', async () => {
    const path = await put('short.wav', wavHeader(mono, 16_000), tone.subarray(0, 4000))
    expect(await repairWav(path)).toEqual({ outcome: 'repaired', durationMs: 250, fileBytes: 4044 })
    expect(readWav(await readFile(path)).channels[0]?.length).toBe(2000)
  })

  it('makes a valid file without audio of one that was killed before its header', async () => {
    for (const [name, bytes] of [
      ['none.wav', 0],
      ['part.wav', 20],
    ] as const) {
      const path = await put(name, wavHeader(mono, 0).subarray(0, bytes))
      expect(await repairWav(path)).toEqual({ outcome: 'repaired', durationMs: 0, fileBytes: 44 })
      expect(readWav(await readFile(path)).channels[0]?.length).toBe(0)
    }
  })

  it('leaves a whole one as it is, and repairs nothing twice', async () => {
    const path = await put('whole.wav', wavHeader(mono, 16_000), tone)
    const before = await readFile(path)
    expect(await repairWav(path)).toEqual({ outcome: 'sound', durationMs: 1000, fileBytes: 16_044 })
    expect(await readFile(path)).toEqual(before)
    const broken = await put('broken.wav', wavHeader(mono, 0), tone)
    await repairWav(broken)
    expect((await repairWav(broken)).outcome).toBe('sound')
  })

  it('does not touch files that are not recordings of ours', async () => {
    const texts = [
      Buffer.from('hello'),
      Buffer.alloc(100, 'RIFF'),
      Buffer.concat([wavHeader({ ...mono, encoding: 'mulaw' }, 9), tone]),
    ]
    for (const [index, bytes] of texts.entries()) {
      const path = await put(`${index}.wav`, bytes)
      expect((await repairWav(path)).outcome).toBe('unfit')
      expect(await readFile(path)).toEqual(Buffer.from(bytes))
    }
  })

  it('goes through the dated folders and says which were repaired', async () => {
    await mkdir(join(folder, '2026-01-01'))
    await put('2026-01-01/a.wav', wavHeader(mono, 16_000), tone)
    await put('2026-01-01/b.wav', wavHeader(mono, 800), tone)
    await put('2026-01-01/b.txt', tone)
    expect(await repairFolder(folder, silentLogger)).toEqual({ seen: 2, repaired: [join('2026-01-01', 'b.wav')] })
    expect(await repairFolder(join(folder, 'none'), silentLogger)).toEqual({ seen: 0, repaired: [] })
  })
})
