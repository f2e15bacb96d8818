import type { Direction } from './types.ts'

/** The same direction seen from the other side. RFC 3264 §6.1. */
export function reverseDirection(direction: Direction): Direction {
  return directionOf(canReceive(direction), canSend(direction))
}

/** What both allow, seen from the same side. */
export function commonDirection(one: Direction, other: Direction): Direction {
  return directionOf(canSend(one) && canSend(other), canReceive(one) && canReceive(other))
}

export function canSend(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'sendonly'
}

export function canReceive(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'recvonly'
}

export function directionOf(isSending: boolean, isReceiving: boolean): Direction {
  if (isSending) return isReceiving ? 'sendrecv' : 'sendonly'
  return isReceiving ? 'recvonly' : 'inactive'
}

export function isDirection(name: string): name is Direction {
  return name === 'sendrecv' || name === 'sendonly' || name === 'recvonly' || name === 'inactive'
}
