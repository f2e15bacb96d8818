// Writes the music on hold to a WAV, to be listened to while composing it. The server makes it for itself when it is
// first needed (src/media/music.ts); this file is not needed to run it. Needs a build: npm run build.
import { writeFileSync } from 'node:fs'
import { musicOnHold } from '../dist/media/music.js'
import { wavHeader } from '../dist/media/wav-header.js'

if (process.argv.includes('--help') || process.argv[2] === undefined) {
  console.log('usage: node scripts/make-music.js FILE.wav')
  process.exit(process.argv.includes('--help') ? 0 : 2)
}
const samples = musicOnHold()
const header = wavHeader({ encoding: 'pcm16', channels: 1, rateHz: 8000 }, samples.byteLength)
writeFileSync(process.argv[2], Buffer.concat([header, Buffer.from(samples.buffer)]))
console.log(`${process.argv[2]}: ${samples.length / 8000} s`)
