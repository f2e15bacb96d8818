import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { joinHarness } from '../../../test/support/join-harness.ts'
import { NotingUser, ourAddress } from '../../../test/support/media-harness.ts'
import { settle } from '../../../test/support/test-clock.ts'

setFlagsFromString('--expose_gc')
const collectGarbage = runInNewContext('gc') as () => void

describe('what was joined and is closed', () => {
  it('is held by nobody: a thousand bridges and rooms with endpoints of their own', async () => {
    const { plane, run, finish } = await joinHarness(2)
    const held: WeakRef<object>[] = []
    for (let i = 0; i < 250; i++) {
      const [a, b, c, d] = Array.from({ length: 4 }, () =>
        plane.open({ user: new NotingUser(), localAddress: ourAddress, timeoutMs: null }),
      )
      if (!a || !b || !c || !d) throw new Error('unreachable')
      const bridge = plane.bridge(a, b)
      const room = plane.openRoom({ user: { roomFailed: () => {} } })
      const member = room.join(c)
      room.join(d)
      for (const one of [a, b, c, d, bridge, room, member]) held.push(new WeakRef(one))
      if (i % 4 === 0) bridge.close()
      if (i % 4 === 1) room.close()
      for (const one of i % 2 === 0 ? [a, b, c, d] : [d, c, b, a]) void one.close()
      if (i % 4 !== 1) room.close()
      if (i % 8 === 7) await run(300)
    }
    await run(1000)
    expect((await plane.snapshot()).endpoints).toBe(0)
    collectGarbage()
    await settle()
    collectGarbage()
    // Those of the last round are still at hand.
    expect(held.filter((one) => one.deref() !== undefined).length).toBeLessThan(14)
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })
})
