import { createHash } from 'node:crypto'
import type { Random } from '../../base/random.ts'
import type { Application } from './applications.ts'

/** Of the application's mark in a room's name: fixed, so that no two applications' names can be equal. */
const markLength = 16
const newIdLength = 12

/** The name under which a room of this application is known to the server: one name space per application. */
export function roomName({ key }: Application, id: string): string {
  const mark = createHash('sha256').update(key).digest('hex').slice(0, markLength)
  return `h${mark}-${id}`
}

/** An id that nobody can guess, for a room that the program leaves to us. */
export function newRoomId(random: Random): string {
  return `R${random.token(newIdLength)}`
}
