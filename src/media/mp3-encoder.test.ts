import { describe, expect, it } from 'vitest'
import { mp3Bytes, RecordingEncoder } from './mp3-encoder.ts'

describe('the encoder of recordings', () => {
  it.each([1, 2] as const)('knows the length of its file beforehand, with %i channels', async (channels) => {
    for (const samples of [0, 1, 575, 576, 577, 1151, 1152, 1153, 7999, 8000, 8001, 19_990, 20_160, 20_161]) {
      for (const atOnce of [160, 576, 8000]) {
        const encoder = await RecordingEncoder.make(channels)
        let bytes = 0
        for (let done = 0; done < samples; done += atOnce) {
          bytes += encoder.push(Buffer.alloc(Math.min(atOnce, samples - done) * 2 * channels, 0x31)).length
        }
        bytes += encoder.end().length
        expect([samples, atOnce, bytes]).toEqual([samples, atOnce, mp3Bytes(samples, channels)])
      }
    }
  })
})
