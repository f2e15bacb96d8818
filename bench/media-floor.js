// The floor of sending media from Node: N sockets, each sending one RTP packet of 160 bytes of payload every 20 ms, paced
// by deadline from one timer, and nothing else. What a media server costs above this is its own doing.
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { parseArgs } from 'node:util'

const usage = `usage: node bench/media-floor.js [--calls 400] [--seconds 10] [--warm-up 3] [--json]

Prints the CPU time (user and system) that one second of one sending call costs, in microseconds, and how late the
packets left. The packets go over loopback to a socket of another process that is never read.`

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '400' },
    seconds: { type: 'string', default: '10' },
    'warm-up': { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const calls = Number(values.calls)
const seconds = Number(values.seconds)
const warmUpSeconds = Number(values['warm-up'])
if (
  ![calls, seconds, warmUpSeconds].every((value) => Number.isFinite(value) && value >= 0) ||
  calls < 1 ||
  seconds < 1
) {
  console.error(usage)
  process.exit(2)
}

/** A process that binds a port, says which, and sleeps: the kernel fills the socket's buffer and then drops. */
const sinkSource = `
const socket = require('node:dgram').createSocket('udp4')
socket.bind(0, '127.0.0.1', () => process.stdout.write(String(socket.address().port) + '\\n', () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}))`

const frameMs = 20
const packetBytes = 172

/** Answers in place: the usual way through dns.lookup costs a tick and a closure per packet. */
const lookup = (host, _options, callback) => callback(null, host, 4)

async function main() {
  const sink = spawn(process.execPath, ['-e', sinkSource], { stdio: ['ignore', 'pipe', 'inherit'] })
  const sinkPort = await new Promise((resolve) => sink.stdout.once('data', (data) => resolve(Number(data))))
  const sockets = await Promise.all(
    Array.from({ length: calls }, async () => {
      const socket = createSocket({ type: 'udp4', lookup })
      await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve))
      return socket
    }),
  )
  const result = await run(sockets, sinkPort)
  for (const socket of sockets) socket.close()
  sink.kill()
  if (values.json) console.log(JSON.stringify(result))
  else {
    const { cpuMicrosecondsPerCallSecond, latenessP99Ms, latenessMaxMs } = result
    console.log(
      `${calls} calls: ${cpuMicrosecondsPerCallSecond.toFixed(1)} µs/call-s, late p99 ${latenessP99Ms.toFixed(2)} ms, max ${latenessMaxMs.toFixed(2)} ms`,
    )
  }
}

function run(sockets, sinkPort) {
  // One packet each: the number and the timestamp are counted up in it.
  const packets = sockets.map(() => new DataView(new ArrayBuffer(packetBytes)))
  const bytes = packets.map((packet) => new Uint8Array(packet.buffer))
  const startMs = performance.now()
  const measureFromMs = startMs + warmUpSeconds * 1000
  const endMs = measureFromMs + seconds * 1000
  const lateness = new Float64Array(Math.ceil(((seconds + 1) * 1000 * calls) / frameMs))
  let sent = 0
  let cpu = null
  let measureStartMs = 0
  // Call i of n is due at start + i × 20 / n, and every 20 ms from then: the n-th packet of all at n × 20 / calls.
  let next = 0
  return new Promise((resolve) => {
    function wake() {
      const nowMs = performance.now()
      if (cpu === null && nowMs >= measureFromMs) {
        cpu = process.cpuUsage()
        measureStartMs = nowMs
        sent = 0
      }
      while (startMs + (next * frameMs) / calls <= nowMs) send(next++)
      if (nowMs < endMs) return setTimeout(wake, Math.max(0, startMs + (next * frameMs) / calls - performance.now()))
      resolve(report(process.cpuUsage(cpu), performance.now() - measureStartMs, lateness.subarray(0, sent)))
    }
    function send(n) {
      const i = n % calls
      const packet = packets[i]
      const frame = Math.floor(n / calls)
      packet.setUint16(0, 0x8000)
      packet.setUint16(2, frame & 0xffff)
      packet.setUint32(4, frame * 160)
      packet.setUint32(8, i)
      sockets[i].send(bytes[i], sinkPort, '127.0.0.1')
      lateness[sent++] = performance.now() - startMs - (n * frameMs) / calls
    }
    wake()
  })
}

function report(cpu, wallMs, lateness) {
  const sorted = lateness.slice().sort()
  return {
    calls,
    packets: sorted.length,
    cpuMicrosecondsPerCallSecond: (cpu.user + cpu.system) / ((wallMs / 1000) * calls),
    latenessP50Ms: sorted[Math.floor(sorted.length * 0.5)] ?? 0,
    latenessP99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    latenessMaxMs: sorted.at(-1) ?? 0,
  }
}

await main()
