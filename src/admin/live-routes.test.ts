import { describe, expect, it } from 'vitest'
import { LiveCalls } from '../../test/support/live-calls.ts'
import { silentLogger } from '../base/log.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'
import { liveCallRoutes } from './live-call-routes.ts'
import { roomRoutes } from './room-routes.ts'

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function startRoutes(): Promise<{
  live: LiveCalls
  get(url: string): Promise<Answer>
  post(url: string, body?: object): Promise<Answer>
}> {
  const live = new LiveCalls()
  const server: HttpServer = await createHttpServer({ log: silentLogger, version: '0.0.0' })
  const { calls, ids, rooms } = live
  liveCallRoutes(server, { calls, ids, dataFolder: '/data' })
  roomRoutes(server, { rooms })
  const ask = async (method: 'GET' | 'POST', url: string, body?: object): Promise<Answer> => {
    const response = await server.inject({ method, url, ...(body ? { payload: body } : {}) })
    return { status: response.statusCode, body: response.json<Record<string, unknown>>() }
  }
  return { live, get: (url) => ask('GET', url), post: (url, body) => ask('POST', url, body) }
}

describe('live calls', () => {
  it('shows who is in a call, who hears whom, and what holds', async () => {
    const { live, get } = await startRoutes()
    const { leg, otherLeg, call } = await live.pair('ann')
    otherLeg.peerHolds(true)
    const { body } = await get(`/live/calls/${call.id}`)
    expect(body).toMatchObject({
      id: call.id,
      from: 'ann',
      to: '1000',
      state: 'answered',
      since: '2026-01-01T00:00:00.000Z',
      parties: [
        { id: leg.id, label: 'ann', role: 'caller', state: 'answered', codec: 'PCMU', isOnHold: false },
        { id: otherLeg.id, label: 'ann-desk', number: '137', role: 'callee', isOnHold: true },
      ],
      bridge: { parties: [leg.id, otherLeg.id], isTransferring: false },
      room: null,
      monitor: null,
    })
  })

  it('lists the newest first, by tenant, up to a limit, and says how many there are', async () => {
    const { live, get } = await startRoutes()
    for (const user of ['ann', 'bob', 'cat']) await live.begin(user)
    await live.begin('eve', { tenant: 'other' })
    const { body } = await get('/live/calls?tenant=acme&limit=2')
    expect(body).toMatchObject({ total: 3, items: [{ from: 'cat' }, { from: 'bob' }] })
    expect((await get('/live/calls?limit=0')).status).toBe(400)
  })

  it('ends a call, and knows none of another id', async () => {
    const { live, post, get } = await startRoutes()
    const { call } = await live.begin('ann')
    expect((await post(`/live/calls/${call.id}/hangup`)).status).toBe(202)
    expect((await call.ended).sentence).toContain('operator')
    await live.pass(0)
    for (const answer of [await post(`/live/calls/${call.id}/hangup`), await get('/live/calls/call_nobody')]) {
      expect(answer).toMatchObject({ status: 404, body: { error: { code: 'call.unknown' } } })
    }
  })

  it('has another take the place of one who is joined, and joins the first two again when nobody answers', async () => {
    const { live, post } = await startRoutes()
    const { leg, otherLeg, call } = await live.pair('ann')
    const desk = live.telephone('140')
    const url = `/live/calls/${call.id}/transfer`
    expect((await post(url, { leg: otherLeg.id, to: '140' })).status).toBe(202)
    await live.pass(0)
    expect(desk.lines[0]).toBe('start')
    expect(await post(url, { leg: otherLeg.id, to: '141' })).toMatchObject({
      status: 409,
      body: { error: { code: 'call.not-transferable' } },
    })
    desk.peerAnswers()
    await live.pass(0)
    expect(live.mixer.joined).toEqual([`${leg.id}+${desk.id}`])
    expect((await post(url, { leg: 'leg_nobody', to: '140' })).status).toBe(409)
    expect((await post(url, { leg: desk.id, to: '199' })).status).toBe(202)
    await live.pass(1000)
    expect(live.mixer.joined).toEqual([`${leg.id}+${desk.id}`])
  })

  it('records a call from start to stop, with a pause, and shows that it does', async () => {
    const { live, post, get } = await startRoutes()
    const { call } = await live.begin('ann')
    const url = `/live/calls/${call.id}/monitor`
    expect(await post(url, { action: 'pause' })).toMatchObject({
      status: 409,
      body: { error: { code: 'action.not-monitored' } },
    })
    const started = await post(url, { action: 'start' })
    const { recordingId } = started.body
    expect(started).toMatchObject({ status: 200, body: { state: 'recording' } })
    expect((await post(url, { action: 'start' })).status).toBe(409)
    expect((await post(url, { action: 'pause' })).body).toEqual({ recordingId, state: 'paused' })
    expect((await get('/live/calls')).body).toMatchObject({ items: [{ monitor: { recordingId, isPaused: true } }] })
    expect((await post(url, { action: 'resume' })).body).toEqual({ recordingId, state: 'recording' })
    expect((await post(url, { action: 'stop' })).body).toEqual({ recordingId, state: 'stopped' })
    expect([...live.records.recordings.values()]).toMatchObject([{ id: recordingId, state: 'saved' }])
    expect((await post(url, { action: 'erase' })).status).toBe(400)
  })
})

describe('live rooms', () => {
  async function startRoom() {
    const routes = await startRoutes()
    const [ann, bob] = [
      await routes.live.flow('ann', (call) => call.conference('Board room', { role: 'moderator' })),
      await routes.live.flow('bob', (call) => call.conference('Board room')),
    ]
    return { ...routes, ann, bob, url: '/live/rooms/acme/Board%20room' }
  }

  it('shows a room and its members, and in a call the room that it is in', async () => {
    const { get, url, ann, bob } = await startRoom()
    const { body } = await get(url)
    expect(body).toMatchObject({
      tenant: 'acme',
      name: 'Board room',
      isOpen: true,
      isLocked: false,
      max: 50,
      members: [
        { id: ann.leg.id, callId: ann.call.id, label: 'ann', role: 'moderator', isMuted: false },
        { id: bob.leg.id, role: 'participant' },
      ],
    })
    expect((await get('/live/rooms')).body).toMatchObject({ items: [{ name: 'Board room' }] })
    expect((await get('/live/rooms?tenant=other')).body).toEqual({ items: [] })
    expect((await get(`/live/calls/${ann.call.id}`)).body).toMatchObject({ room: 'Board room' })
  })

  it('mutes, unmutes and sends out a member', async () => {
    const { live, post, url, bob } = await startRoom()
    const member = `${url}/members/${bob.leg.id}`
    expect((await post(`${member}/mute`)).body).toMatchObject({ members: [{}, { isMuted: true }] })
    expect(live.mixer.rooms[0]?.audienceOf(bob.leg)).toEqual([])
    expect((await post(`${member}/unmute`)).body).toMatchObject({ members: [{}, { isMuted: false }] })
    expect(((await post(`${member}/kick`)).body.members as unknown[]).length).toBe(1)
    expect(await post(`${member}/kick`)).toMatchObject({
      status: 404,
      body: { error: { code: 'room.member-unknown' } },
    })
  })

  it('locks, unlocks and closes a room, which is then gone', async () => {
    const { live, post, get, url } = await startRoom()
    expect((await post(`${url}/lock`)).body).toMatchObject({ isLocked: true })
    expect((await post(`${url}/unlock`)).body).toMatchObject({ isLocked: false })
    expect((await post(`${url}/close`)).body).toMatchObject({ members: [] })
    expect(live.rooms.count).toBe(0)
    expect(await get(url)).toMatchObject({ status: 404, body: { error: { code: 'room.unknown' } } })
  })
})
