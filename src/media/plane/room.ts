import { frameSamples } from '../../rtp/jitter-buffer.ts'
import { Mixer } from '../mixer.ts'
import type { Prompt } from '../prompt.ts'
import { EndpointRecording, type Recordings } from './endpoint-recording.ts'
import type { RoomEvent } from './join-messages.ts'
import { linearOf } from './linear-tables.ts'
import { Mix } from './mix.ts'
import { Paced, rest } from './pacer.ts'
import { Playlist } from './playlist.ts'
import { frameTicks } from './received-audio.ts'
import type { Seat } from './seat.ts'
import type { SendingShop } from './sender.ts'
import type { PlayEnd, RecordEnd, RecordOptions } from './types.ts'

/** What a room needs of its thread. */
export interface RoomShop extends SendingShop {
  readonly recordings: Recordings
  readonly tell: (event: RoomEvent) => void
}

/** So many members hear their frame at one tick; the others at the next ones, or a large room would hold up the other streams. */
const membersPerTick = 64

/** After a stall frames later than this are mixed for the recording only; the same bound as of prompts. */
const maxLateTicks = 3 * frameTicks

/** A machine that slept for longer than this has no conference to come back to. */
const longestStallTicks = 60_000

/** Members with a chosen audience whose listeners share mixes; those of any more get each one of its own. */
const maxSharedRestricted = 4

/** What is played, encoded and linear; nobody keeps it. */
const playedBytes = new Uint8Array(frameSamples)
const playedWords = new Uint32Array(playedBytes.buffer)
const frame = new Int16Array(frameSamples)

/**
 * A conference in its home worker. Every 20 ms one frame is taken from each member and all are added up; who says nothing
 * shares one mix with all others who say nothing, encoded once for each codec; who speaks hears the sum without itself.
 * The cost grows with the number of members, not with their pairs.
 */
export class Room extends Paced {
  readonly #shop: RoomShop
  readonly #id: number
  readonly #seats: Seat[] = []
  readonly #mixer = new Mixer(frameSamples)
  /** What those hear who say nothing. */
  readonly #shared = new Mix()
  /** By which of the restricted are heard with it, a bit for each. */
  readonly #sharedWith: (Mix | undefined)[] = []
  readonly #madeWith = new Uint8Array(1 << maxSharedRestricted)
  /** What one member hears that says something itself. */
  readonly #own = new Mix()
  /** Those who speak and have a chosen audience, in this frame. */
  readonly #restricted: Seat[] = []
  #isSilent = true
  /** The frame that is due next. */
  #nextTick = 0
  /** The frame that is being heard, and how many from the first seat on have not heard it yet. */
  #frameTick = 0
  #unserved = 0
  #list: Playlist | null = null
  #playRun = 0
  readonly #recordings = new Map<number, EndpointRecording>()
  #isReadingFirst = false
  #isRunning = false

  constructor(shop: RoomShop, id: number) {
    super()
    this.#shop = shop
    this.#id = id
  }

  join(seat: Seat): void {
    this.#seats.push(seat)
    this.#start()
  }

  leave(seat: Seat): void {
    const at = this.#seats.indexOf(seat)
    if (at === -1) return
    this.#seats.splice(at, 1)
    if (at < this.#unserved) this.#unserved--
  }

  play(run: number, prompts: readonly Prompt[], isLoop: boolean): void {
    this.#endPlay('stopped')
    this.#list = new Playlist(prompts, isLoop)
    this.#playRun = run
    if (this.#list.isAtEnd) this.#endPlay('finished')
    else this.#start()
  }

  stopPlay(run: number): void {
    if (this.#playRun === run) this.#endPlay('stopped')
  }

  record(run: number, options: RecordOptions): void {
    const { recordings, pacer, tell } = this.#shop
    const mono: RecordOptions = { ...options, channels: 'received' }
    const recording = new EndpointRecording(recordings, mono, pacer, () => {
      this.#recordings.delete(run)
      // The client's promise does not reject.
      void recording.finish().then((result) => tell({ kind: 'roomRecordEnded', room: this.#id, run, result }))
    })
    this.#recordings.set(run, recording)
    this.#start()
  }

  pauseRecord(run: number, isPaused: boolean): void {
    const recording = this.#recordings.get(run)
    if (recording) recording.isPaused = isPaused
  }

  stopRecord(run: number, end: RecordEnd = 'stopped'): void {
    this.#recordings.get(run)?.stop(end)
  }

  close(): void {
    for (const run of [...this.#recordings.keys()]) this.stopRecord(run, 'endpoint-closed')
    this.#endPlay('stopped')
    this.#seats.length = 0
    this.#unserved = 0
    this.#shop.pacer.remove(this)
  }

  due(_tick: number, nowTick: number): number {
    // After a stall the packets of that time still wait in the sockets: they are read first.
    if (nowTick - this.#nextTick > 2 * frameTicks && !this.#isReadingFirst) {
      this.#isReadingFirst = true
      return nowTick + 1
    }
    this.#isReadingFirst = false
    if (nowTick - this.#nextTick > longestStallTicks) this.#nextTick = nowTick
    this.#isRunning = true
    const next = this.#runUntil(nowTick)
    this.#isRunning = false
    return next
  }

  #runUntil(nowTick: number): number {
    for (;;) {
      this.#serve(nowTick >= this.#nextTick ? this.#unserved : membersPerTick)
      if (this.#unserved > 0) return nowTick + 1
      if (this.#nextTick > nowTick) return this.#isBusy ? this.#nextTick : rest
      const tick = this.#nextTick
      this.#nextTick = tick + frameTicks
      this.#frameTick = tick
      this.#mix(tick)
      if (nowTick - tick <= maxLateTicks) this.#unserved = this.#seats.length
      else this.#shop.skippedFrames++
    }
  }

  get #isBusy(): boolean {
    return this.#seats.length > 0 || this.#list !== null || this.#recordings.size > 0
  }

  #start(): void {
    // What is started from within goes on with the next frame.
    if (this.dueTick !== rest || this.#isRunning) return
    const tick = this.#shop.pacer.addSpread(this, frameTicks)
    this.#isReadingFirst = false
    if (tick > this.#nextTick) this.#nextTick = tick
  }

  #mix(tick: number): void {
    const nowMs = this.#shop.pacer.timeOf(tick)
    const mixer = this.#mixer
    this.#restricted.length = 0
    this.#isSilent = true
    mixer.clear()
    for (const seat of this.#seats) {
      seat.take(nowMs)
      if (!seat.isSpeaking) continue
      if (seat.heardBy === null) this.#add(seat.frame)
      else this.#restricted.push(seat)
    }
    if (this.#list !== null) this.#addPlayed(this.#list)
    mixer.read(this.#shared.samples)
    this.#shared.changed(this.#isSilent)
    this.#madeWith.fill(0)
    if (this.#recordings.size > 0) this.#recordFrame(tick)
  }

  #add(samples: Int16Array): void {
    this.#mixer.add(samples)
    this.#isSilent = false
  }

  #addPlayed(list: Playlist): void {
    list.fill('PCMU', playedWords)
    for (let i = 0; i < frameSamples; i++) frame[i] = linearOf.PCMU[playedBytes[i] as number] as number
    this.#add(frame)
    if (list.isAtEnd) this.#endPlay('finished')
  }

  /** Hears all that anybody hears, what is whispered too. */
  #recordFrame(tick: number): void {
    for (const seat of this.#restricted) this.#mixer.add(seat.frame)
    this.#mixer.read(frame)
    for (const seat of this.#restricted) this.#mixer.subtract(seat.frame)
    const kind = this.#isSilent && this.#restricted.length === 0 ? 'silence' : 'audio'
    for (const recording of this.#recordings.values()) recording.receivedAudio(frame, kind, tick)
  }

  /** Lets the next `count` members hear their frame. */
  #serve(count: number): void {
    for (let left = count; left > 0 && this.#unserved > 0; left--) {
      const seat = this.#seats[--this.#unserved] as Seat
      if (seat.isHearing) seat.listener.hear(this.#mixFor(seat), this.#frameTick)
    }
  }

  #mixFor(seat: Seat): Mix {
    const isIn = seat.isSpeaking && seat.heardBy === null
    const also = this.#restricted.length > 0 ? this.#restrictedFor(seat) : 0
    if (!isIn && also === 0) return this.#shared
    if (isIn || also >= this.#madeWith.length) return this.#mixed(this.#own, seat, isIn)
    const mix = (this.#sharedWith[also] ??= new Mix())
    if (this.#madeWith[also] === 1) return mix
    this.#madeWith[also] = 1
    return this.#mixed(mix, seat, false)
  }

  /** Which of the restricted this member hears: a bit for each of the first few, one bit for all others. */
  #restrictedFor(seat: Seat): number {
    let bits = 0
    for (let i = 0; i < this.#restricted.length; i++) {
      const other = this.#restricted[i] as Seat
      if (other !== seat && other.heardBy?.has(seat.number)) bits |= 1 << Math.min(i, maxSharedRestricted)
    }
    return bits
  }

  #mixed(mix: Mix, seat: Seat, isIn: boolean): Mix {
    const mixer = this.#mixer
    for (const other of this.#restricted) if (isHeard(other, seat)) mixer.add(other.frame)
    if (isIn) mixer.readWithout(seat.frame, mix.samples)
    else mixer.read(mix.samples)
    for (const other of this.#restricted) if (isHeard(other, seat)) mixer.subtract(other.frame)
    mix.changed(false)
    return mix
  }

  #endPlay(end: PlayEnd): void {
    const list = this.#list
    if (list === null) return
    this.#list = null
    this.#shop.tell({ kind: 'roomPlayEnded', room: this.#id, run: this.#playRun, end, playedMs: list.playedMs })
  }
}

function isHeard(restricted: Seat, by: Seat): boolean {
  return restricted !== by && restricted.heardBy?.has(by.number) === true
}
