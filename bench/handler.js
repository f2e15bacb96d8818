// A handler of the Voicenter External IVR that takes its time: every question is answered after so many milliseconds with a
// menu of one key, whose two recordings take turns. Usage: node bench/handler.js DELAY_MS; prints its port.
import { createServer } from 'node:http'

const delayMs = Number(process.argv[2])

function answerTo({ METHOD: method, DATA: data }) {
  if (method === 'HANGUP_CALL') return { STATUS: 0 }
  const recording = data.MENU === 'a' ? 'b' : 'a'
  const menu = { MENU: recording, REC: recording, LOOP: 1, DELAY: 30, SIZE: 1, VALIDATION: 0 }
  return { STATUS: 0, ACTION: 'MENU', LANGUAGE: 'en', DATA: menu }
}

const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const answer = JSON.stringify(answerTo(JSON.parse(Buffer.concat(chunks).toString())))
    setTimeout(() => {
      response.setHeader('content-type', 'application/json')
      response.end(answer)
    }, delayMs)
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
