import { type FileHandle, open, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { recordingRateHz } from './recording-messages.ts'
import { bytesPerFrame, maxWavDataBytes, pcmHeaderBytes, type WavShape, wavHeader } from './wav-header.ts'

/** What was found and done. */
export interface WavRepair {
  /** `unfit`: not a recording of ours; left as it was. */
  readonly outcome: 'sound' | 'repaired' | 'unfit'
  /** Of the audio in it now. */
  readonly durationMs: number
  readonly fileBytes: number
}

/**
 * Makes a recording whole whose writer was killed: the lengths in its header follow the file's size, and a sample frame
 * that was half written is cut off. A file that was killed before its header becomes a valid one without audio.
 * Rejects with the system's error when the file cannot be opened or written.
 */
export async function repairWav(path: string): Promise<WavRepair> {
  const file = await open(path, 'r+')
  try {
    return await repairOpen(file)
  } finally {
    await file.close()
  }
}

/**
 * Repairs every `.wav` in a recordings folder and its dated folders. Files that cannot be read are logged and passed
 * over. Reads 44 bytes per file, one file after the other: meant to run beside the start, not before it.
 * @returns how many were looked at, and which were repaired, relative to the folder.
 */
export async function repairFolder(
  folder: string,
  log: Logger,
): Promise<{ seen: number; repaired: readonly string[] }> {
  const repaired: string[] = []
  let seen = 0
  for await (const name of wavsIn(folder, '', 3)) {
    seen++
    try {
      const { outcome } = await repairWav(join(folder, name))
      if (outcome === 'repaired') repaired.push(name)
    } catch (thrown) {
      log.warn({ file: name, err: toError(thrown) }, 'a recording could not be looked at')
    }
  }
  return { seen, repaired }
}

async function* wavsIn(root: string, inside: string, depth: number): AsyncGenerator<string> {
  let folder: Awaited<ReturnType<typeof opendir>>
  try {
    folder = await opendir(join(root, inside))
  } catch (thrown) {
    // Nothing was recorded yet.
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return
    throw thrown
  }
  for await (const entry of folder) {
    const name = join(inside, entry.name)
    if (entry.isFile() && entry.name.endsWith('.wav')) yield name
    else if (entry.isDirectory() && depth > 1) yield* wavsIn(root, name, depth - 1)
  }
}

async function repairOpen(file: FileHandle): Promise<WavRepair> {
  const { size } = await file.stat()
  const header = Buffer.alloc(pcmHeaderBytes)
  const { bytesRead } = await file.read(header, 0, pcmHeaderBytes, 0)
  if (bytesRead < pcmHeaderBytes) return await startOver(file, header.subarray(0, bytesRead))

  const shape = shapeOf(header)
  if (shape === null || size - pcmHeaderBytes > maxWavDataBytes)
    return { outcome: 'unfit', durationMs: 0, fileBytes: size }
  const frames = Math.floor((size - pcmHeaderBytes) / bytesPerFrame(shape))
  const dataBytes = frames * bytesPerFrame(shape)
  const durationMs = Math.floor((frames / shape.rateHz) * 1000)
  const whole = wavHeader(shape, dataBytes)
  const fileBytes = pcmHeaderBytes + dataBytes
  if (size === fileBytes && header.equals(whole)) return { outcome: 'sound', durationMs, fileBytes }
  // The audio first: cut in between, the file is still one that the next start repairs.
  await file.truncate(fileBytes)
  await file.write(whole, 0, pcmHeaderBytes, 0)
  return { outcome: 'repaired', durationMs, fileBytes }
}

/** Nothing but part of a header is there, which may be ours or not. */
async function startOver(file: FileHandle, part: Buffer): Promise<WavRepair> {
  const empty = wavHeader({ encoding: 'pcm16', channels: 1, rateHz: recordingRateHz }, 0)
  const isOurs = part.subarray(0, 4).equals(empty.subarray(0, Math.min(4, part.length)))
  if (!isOurs) return { outcome: 'unfit', durationMs: 0, fileBytes: part.length }
  await file.truncate(0)
  await file.write(empty, 0, pcmHeaderBytes, 0)
  return { outcome: 'repaired', durationMs: 0, fileBytes: pcmHeaderBytes }
}

/** The shape told by a header that only the recorder writes, lengths aside; null for any other. */
function shapeOf(header: Buffer): WavShape | null {
  const channels = header.readUInt16LE(22)
  const rateHz = header.readUInt32LE(24)
  if (channels !== 1 && channels !== 2) return null
  const shape: WavShape = { encoding: 'pcm16', channels, rateHz }
  const expected = wavHeader(shape, 0)
  for (let i = 0; i < pcmHeaderBytes; i++) {
    const isLength = (i >= 4 && i < 8) || i >= 40
    if (!isLength && header[i] !== expected[i]) return null
  }
  return rateHz > 0 ? shape : null
}
