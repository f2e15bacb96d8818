// A handler of the Voicenter External IVR that takes its time: every question is answered after so many milliseconds with a
// menu of one key, whose two recordings take turns. Usage: node bench/handler.js DELAY_MS; prints its port, and,
// when asked by a line, all answers as JSON: the caller, and when it left (ms since 1970, with fractions).
import { createServer } from 'node:http'

const delayMs = Number(process.argv[2])
const answers = []
process.stdin.on('data', () => console.log(JSON.stringify(answers.splice(0))))

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
    const question = JSON.parse(Buffer.concat(chunks).toString())
    const answer = JSON.stringify(answerTo(question))
    setTimeout(() => {
      response.setHeader('content-type', 'application/json')
      const atMs = performance.timeOrigin + performance.now()
      response.end(answer)
      if (question.METHOD !== 'HANGUP_CALL') answers.push([question.DATA.CALLER_ID, atMs])
    }, delayMs)
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
