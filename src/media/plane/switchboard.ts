import type { Clock } from '../../base/clock.ts'
import { newRtpHeader, rtpHeaderBytes } from '../../rtp/packet.ts'
import {
  Crossing,
  CrossingOutlet,
  type CrossingPort,
  crossingHeaderWords,
  crossingKind,
  kindMask,
  markerBit,
  toSeatBit,
} from './crossing.ts'
import type { Endpoint } from './endpoint.ts'
import type { JointCommand, RoomCommand } from './join-messages.ts'
import { EndpointListener, EndpointOutlet, RemoteListener } from './joint-ends.ts'
import { nowhere, type Outlet } from './outlet.ts'
import { Room, type RoomShop } from './room.ts'
import { Seat } from './seat.ts'

export interface SwitchboardOptions {
  /** The worker's own number. */
  readonly worker: number
  readonly shop: RoomShop & { readonly clock: Clock }
  readonly endpointOf: (id: number) => Endpoint | undefined
}

/** Filled frame by frame. */
const header = newRtpHeader()

/**
 * Who is joined with whom in one worker: bridges, the rooms that have their home here, and the ways to the other workers.
 * What names an endpoint, a room or a joint that is not there (any more) is passed over: the threads cannot always know
 * of each other in time.
 */
export class Switchboard {
  readonly #options: SwitchboardOptions
  readonly #rooms = new Map<number, Room>()
  /** By the member's number. */
  readonly #seats = new Map<
    number,
    { readonly room: number; readonly seat: Seat; readonly listener: RemoteListener | null }
  >()
  readonly #crossings = new Map<number, { readonly port: CrossingPort; readonly crossing: Crossing }>()
  #droppedPast = 0

  constructor(options: SwitchboardOptions) {
    this.#options = options
  }

  /** Frames for other workers that were left out since the start. */
  get dropped(): number {
    let dropped = this.#droppedPast
    for (const { crossing } of this.#crossings.values()) dropped += crossing.dropped
    return dropped
  }

  /** Opens the way to another worker, in place of the one there was. */
  connect(worker: number, port: CrossingPort): void {
    this.#removeCrossing(worker)
    this.#crossings.set(worker, { port, crossing: new Crossing(port, this.#options.shop.pacer) })
  }

  /** That way is closed: the worker is gone. */
  disconnect(worker: number, port: CrossingPort): void {
    if (this.#crossings.get(worker)?.port === port) this.#removeCrossing(worker)
  }

  handleJoint(command: JointCommand): void {
    const endpoint = this.#options.endpointOf(command.endpoint)
    if (!endpoint) return
    switch (command.kind) {
      case 'bridge': {
        const { joint: number, passDigits } = command
        return endpoint.join({ number, outlet: this.#outletTo(command), passDigits, isMuted: false })
      }
      case 'enterRoom': {
        const { joint: number, home } = command
        return endpoint.join({ number, outlet: this.#outletIn(home, number), passDigits: true, isMuted: false })
      }
      case 'mute':
        return endpoint.mute(command.joint, command.isMuted)
      case 'part':
        return endpoint.part(command.joint)
    }
  }

  handleRoom(command: RoomCommand): void {
    if (command.kind === 'openRoom') {
      this.#rooms.set(command.room, new Room(this.#options.shop, command.room))
      return
    }
    const room = this.#rooms.get(command.room)
    if (!room) return
    switch (command.kind) {
      case 'joinRoom':
        return this.#seat(room, command)
      case 'leaveRoom': {
        const seated = this.#seats.get(command.member)
        this.#seats.delete(command.member)
        if (seated) room.leave(seated.seat)
        return
      }
      case 'memberCodec': {
        const listener = this.#seats.get(command.member)?.listener
        if (listener) listener.codec = command.codec
        return
      }
      case 'heardBy': {
        const seat = this.#seats.get(command.member)?.seat
        if (seat) seat.heardBy = command.who === null ? null : new Set(command.who)
        return
      }
      case 'hears': {
        const seat = this.#seats.get(command.member)?.seat
        if (seat) seat.isHearing = command.isHearing
        return
      }
      case 'playRoom':
        return room.play(command.run, command.prompts, command.isLoop)
      case 'stopRoomPlay':
        return room.stopPlay(command.run)
      case 'recordRoom':
        return room.record(command.run, command.options)
      case 'pauseRoomRecord':
        return room.pauseRecord(command.run, command.isPaused)
      case 'stopRoomRecord':
        return room.stopRecord(command.run)
      case 'closeRoom':
        return this.#closeRoom(command.room, room)
    }
  }

  /** Takes a buffer from another worker. */
  crossed(worker: number, buffer: ArrayBuffer): void {
    const nowMs = this.#options.shop.clock.now()
    const words = new Uint32Array(buffer)
    const bytes = new Uint8Array(buffer)
    const end = words[0] as number
    let at = 1
    while (at + crossingHeaderWords <= end) at = this.#crossedFrame(words, bytes, at, nowMs)
    this.#crossings.get(worker)?.crossing.reuse(buffer)
  }

  close(): void {
    for (const [id, room] of this.#rooms) this.#closeRoom(id, room)
    for (const worker of [...this.#crossings.keys()]) this.#removeCrossing(worker)
  }

  /** @returns where the next one begins. */
  #crossedFrame(words: Uint32Array, bytes: Uint8Array, at: number, nowMs: number): number {
    const bits = words[at + 2] as number
    const length = bits >>> 16
    const target = words[at] as number
    const joint = words[at + 1] as number
    header.isMarked = (bits & markerBit) !== 0
    header.sequence = words[at + 3] as number
    header.timestamp = words[at + 4] as number
    header.ssrc = words[at + 5] as number
    header.payloadOffset = (at + crossingHeaderWords) * 4
    header.payloadBytes = length
    const isForSeat = (bits & toSeatBit) !== 0
    const outlet = isForSeat ? this.#seats.get(joint)?.seat : this.#options.endpointOf(target)?.relayOf(joint)
    if (outlet) this.#deliver(outlet, bits & kindMask, words, bytes, isForSeat, nowMs)
    return at + crossingHeaderWords + ((length + 3) >> 2)
  }

  #deliver(
    outlet: Outlet,
    kind: number,
    words: Uint32Array,
    bytes: Uint8Array,
    isForSeat: boolean,
    nowMs: number,
  ): void {
    switch (kind) {
      case crossingKind.pcmu:
      case crossingKind.pcma: {
        const codec = kind === crossingKind.pcmu ? 'PCMU' : 'PCMA'
        if (isForSeat || !this.#options.shop.ring.holds(header.payloadBytes)) {
          return outlet.sound(header, codec, bytes, nowMs)
        }
        // In a buffer of its own it is sent whole; Node would make a view for a part of one.
        const slot = this.#options.shop.ring.take(header.payloadBytes)
        const { payloadWords } = slot
        const from = header.payloadOffset >> 2
        for (let i = 0; i < payloadWords.length; i++) payloadWords[i] = words[from + i] as number
        header.payloadOffset = rtpHeaderBytes
        return outlet.sound(header, codec, slot.bytes, nowMs)
      }
      case crossingKind.event:
        return outlet.event(header, bytes, nowMs)
      case crossingKind.quiet:
        return outlet.quiet(header, nowMs)
      case crossingKind.cut:
        return outlet.cut(nowMs)
    }
  }

  #outletTo(command: Extract<JointCommand, { kind: 'bridge' }>): Outlet {
    const { otherWorker, other, joint } = command
    if (otherWorker !== this.#options.worker) return this.#crossingOutlet(otherWorker, other, joint, 0)
    const endpoint = this.#options.endpointOf(other)
    return endpoint ? new EndpointOutlet(endpoint, joint) : nowhere
  }

  #outletIn(home: number, member: number): Outlet {
    if (home !== this.#options.worker) return this.#crossingOutlet(home, member, member, toSeatBit)
    return this.#seats.get(member)?.seat ?? nowhere
  }

  #crossingOutlet(worker: number, target: number, joint: number, bits: number): Outlet {
    return new CrossingOutlet(() => this.#crossings.get(worker)?.crossing, target, joint, bits)
  }

  #seat(room: Room, command: Extract<RoomCommand, { kind: 'joinRoom' }>): void {
    const { member, worker, endpoint: id, codec } = command
    const { shop, endpointOf } = this.#options
    if (worker === this.#options.worker) {
      const endpoint = endpointOf(id)
      if (!endpoint) return
      const seat = new Seat(member, new EndpointListener(shop, endpoint, member))
      this.#seats.set(member, { room: command.room, seat, listener: null })
      return room.join(seat)
    }
    const listener = new RemoteListener(this.#crossingOutlet(worker, id, member, 0), member, codec)
    const seat = new Seat(member, listener)
    this.#seats.set(member, { room: command.room, seat, listener })
    room.join(seat)
  }

  #closeRoom(id: number, room: Room): void {
    this.#rooms.delete(id)
    for (const [member, seated] of this.#seats) if (seated.room === id) this.#seats.delete(member)
    room.close()
  }

  #removeCrossing(worker: number): void {
    const known = this.#crossings.get(worker)
    if (!known) return
    this.#droppedPast += known.crossing.dropped
    known.crossing.close()
    this.#crossings.delete(worker)
  }
}
