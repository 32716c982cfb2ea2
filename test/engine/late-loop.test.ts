// An event loop that stood still: answers of healthy links have long arrived, but are read one after the other now.

import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

const ACK_TIMEOUT_MS = 1_000
const STALL_MS = 5_000

t.test('an ack that is read after a stall ends the wait for no other link', async t => {
  const single = new SingleEngine()
  const read = single.addWorkingLink({ roundTripMs: 5 })
  const unread = single.addWorkingLink({ roundTripMs: 5 })
  for (let count = 0; count < 40; count++) single.write(4_000)
  t.ok(single.sequencesOn(read).length > 0 && single.sequencesOn(unread).length > 0, 'both carry something')
  single.nowMs += STALL_MS
  single.acknowledge(read)
  t.same(single.eventsOf('linkNotWorking'), [])
  single.acknowledge(unread)
  t.same(single.eventsOf('linkNotWorking'), [])
  t.same([read.hangs, unread.hangs], [0, 0])
})

t.test('after a stall a link gets as much more time as was lost, at most its ack timeout', async t => {
  for (const [lateMs, moreMs] of [
    [STALL_MS, ACK_TIMEOUT_MS],
    [300, 300],
  ] as const) {
    const single = new SingleEngine()
    const link = single.addWorkingLink()
    single.write(1_000)
    const sentMs = single.nowMs
    single.advance(100) // a silent link is pinged before
    const dueMs = single.engine.nextDeadlineMs as number
    t.equal(dueMs, sentMs + ACK_TIMEOUT_MS)
    single.nowMs = dueMs + lateMs
    single.do((engine, nowMs) => engine.expire(nowMs, lateMs))
    const wokeMs = single.nowMs
    single.advance(moreMs - 1)
    t.same(single.eventsOf('linkNotWorking'), [], `not yet, ${lateMs} ms late`)
    single.advance(1)
    t.match(single.eventsOf('linkNotWorking'), [{ link, reason: 'ack-timeout', timeMs: wokeMs + moreMs }])
  }
})

t.test('a ping whose answer is read late does not cost the link', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink({ config: { ping: { interval: 100 } } })
  single.advance(200)
  t.ok(link.pingSentMs)
  single.nowMs += 3_600_000
  single.do((engine, nowMs) => engine.expire(nowMs, 3_560_000))
  t.equal(link.closed, false)
  single.advance(50)
  single.receive(link, { type: MessageType.Pong })
  single.advance(10)
  t.equal(link.status.kind, 'working')
})

t.test('a loop that is always late finds a dead link out all the same', async t => {
  for (const lateMs of [6, 50, 400, 2_000]) {
    const single = new SingleEngine()
    single.addWorkingLink()
    single.write(1_000)
    const startMs = single.nowMs
    while (single.eventsOf('linkNotWorking').length === 0) {
      const dueMs = single.engine.nextDeadlineMs as number
      single.nowMs = Math.max(single.nowMs, dueMs) + lateMs
      single.do((engine, nowMs) => engine.expire(nowMs, lateMs))
      if (single.nowMs > startMs + 60_000) break
    }
    const waitedMs = single.nowMs - startMs
    t.ok(waitedMs <= 2 * ACK_TIMEOUT_MS + 2 * lateMs, `late by ${lateMs} ms, found out after ${waitedMs} ms`)
  }
})
