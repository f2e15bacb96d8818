// The floor of bridging in Node: pairs of sockets of dgram, what one receives the other sends on, and nothing else. What a
// bridge costs above this is its own doing. Run by the media rows of the bench; prints its ports as a line of JSON, and ends
// with its standard input.
import { createSocket } from 'node:dgram'

const [calls, sinkPort] = process.argv.slice(2).map(Number)
if (!(calls > 0 && sinkPort > 0)) {
  console.error('usage: node bench/relay-floor.js CALLS SINK_PORT')
  process.exit(2)
}

/** Answers in place: the usual way through dns.lookup costs a tick and a closure per packet. */
const lookup = (host, _options, callback) => callback(null, host, 4)

const sockets = await Promise.all(
  Array.from({ length: calls * 2 }, async () => {
    const socket = createSocket({ type: 'udp4', lookup, recvBufferSize: 65_536 })
    await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve))
    return socket
  }),
)
for (const [i, socket] of sockets.entries()) {
  const other = sockets[i ^ 1]
  // The sink tells streams apart by their SSRC: it comes as that of the other side.
  socket.on('message', (bytes) => other.send(bytes, sinkPort, '127.0.0.1'))
}
console.log(JSON.stringify({ ports: sockets.map((socket) => socket.address().port) }))
process.stdin.resume().on('end', () => process.exit(0))
