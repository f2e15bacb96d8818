import { describe, expect, it } from 'vitest'
import { appendHistory, parseHistoryEntry, printHistoryEntry } from './history-info.ts'
import { parseUri } from './uri.ts'

const bob = parseUri('sip:bob@example.com')
const desk = parseUri('sip:desk@example.com')

describe('a history of targets', () => {
  it('begins with the target that the call came with', () => {
    const history = appendHistory([], { from: bob, to: desk, cause: 486 })
    expect(history.map(printHistoryEntry)).toEqual([
      '<sip:bob@example.com?Reason=SIP%3Bcause%3D486>;index=1',
      '<sip:desk@example.com;cause=486>;index=1.1;mp=1',
    ])
  })

  it('grows by one branch for each time the call is sent on', () => {
    const first = appendHistory([], { from: bob, to: desk, cause: 486 })
    const second = appendHistory(first, { from: desk, to: parseUri('tel:+6560000001'), cause: 408, kind: 'rc' })
    expect(second.map(printHistoryEntry)).toEqual([
      '<sip:bob@example.com?Reason=SIP%3Bcause%3D486>;index=1',
      '<sip:desk@example.com;cause=486?Reason=SIP%3Bcause%3D408>;index=1.1;mp=1',
      '<tel:+6560000001>;index=1.1.1;rc=1.1',
    ])
  })

  it('keeps the reason that an earlier server gave', () => {
    const entry = parseHistoryEntry('<sip:bob@example.com?Reason=Q.850%3Bcause%3D17&Privacy=history>;index=1.3')
    expect(entry).toMatchObject({ index: '1.3', reason: { protocol: 'Q.850', cause: 17 }, isPrivate: true })
    const [left, added] = appendHistory([entry], { from: bob, to: desk, cause: 302 })
    expect(left?.reason).toMatchObject({ protocol: 'Q.850', cause: 17 })
    expect(added).toMatchObject({ index: '1.3.1', cause: 302 })
    expect(left && parseHistoryEntry(printHistoryEntry(left))).toEqual(left)
  })
})
