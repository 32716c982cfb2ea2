// Links that are much slower than others are not used beside them: `maxPing` of a link, `maxPingSpread` of a connection.

import t from 'tap'
import type { EngineLink } from '../../lib/engine/engine-link.ts'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

/** Answers the ping that is under way after so long. */
function answerAfter(single: SingleEngine, link: EngineLink, roundTripMs: number): void {
  const sentMs = link.pingSentMs as number
  single.advanceTo(sentMs + roundTripMs)
  single.receive(link, { type: MessageType.Pong })
}

t.test('a link with more than maxPingSpread times the shortest round trip fails its test, one with less passes', async t => {
  const single = new SingleEngine({ config: { maxPingSpread: 3, link: { retestInterval: 1_000 } } })
  single.addWorkingLink({ roundTripMs: 20 })
  const near = single.addWorkingLink({ roundTripMs: 50 })
  t.equal(near.status.kind, 'working')
  const far = single.addWorkingLink({ roundTripMs: 100 })
  t.match(single.eventsOf('linkNotWorking'), [{ link: far, reason: 'max-ping' }])
  single.write(1_000)
  t.same(single.sequencesOn(far), [])
})

t.test('a link that becomes slower than maxPingSpread allows is used no more, and its data goes out elsewhere', async t => {
  const ping = { mode: 'periodic', interval: 1_000 } as const
  const single = new SingleEngine({ config: { maxPingSpread: 2, link: { ping, ackTimeoutMin: 30_000 } } })
  const slow = single.addWorkingLink({ roundTripMs: 10 })
  single.write(100)
  t.same(single.sequencesOn(slow), [0])
  const steady = single.addWorkingLink({ roundTripMs: 10 })
  for (let round = 0; round < 20 && slow.working; round++) {
    while (steady.pingSentMs === undefined || slow.pingSentMs === undefined) single.advance(10)
    answerAfter(single, steady, 10)
    answerAfter(single, slow, 300)
  }
  t.match(single.eventsOf('linkNotWorking'), [{ link: slow, reason: 'max-ping' }])
  t.ok(single.sequencesOn(steady).includes(0))
  single.acknowledge(steady)
  t.equal(single.engine.stats(single.nowMs).unacked, 0)
})

t.test('a link slower than maxPing that failed its test is tested again at once when the quicker one stops working', async t => {
  const single = new SingleEngine({ config: { link: { retestInterval: 60_000, nonWorkingTimeout: 300_000 } } })
  const quick = single.addWorkingLink({ roundTripMs: 10 })
  const slow = single.addWorkingLink({ roundTripMs: 200, config: { maxPing: 100 } })
  t.match(single.eventsOf('linkNotWorking'), [{ link: slow, reason: 'max-ping' }])
  single.forget()
  single.write(1_000)
  t.same(single.sequencesOn(quick), [0])
  single.advance(1_000)
  t.match(single.eventsOf('linkNotWorking'), [{ link: quick, reason: 'ack-timeout' }])
  answerAfter(single, slow, 200)
  t.match(single.eventsOf('linkWorking'), [{ link: slow }])
  t.same(single.sequencesOn(slow), [0], 'it is slow, but the only one')
})

t.test('acks alone show that a link has become slower than maxPing', async t => {
  const single = new SingleEngine()
  const slow = single.addWorkingLink({ roundTripMs: 10, config: { maxPing: 50 } })
  single.addWorkingLink({ roundTripMs: 20 })
  for (let sequence = 0; sequence < 20 && slow.working; sequence++) {
    single.write(100)
    if (single.sequencesOn(slow).at(-1) !== sequence) break
    single.nowMs += 200
    single.receive(slow, { type: MessageType.Ack, sequence })
  }
  t.match(single.eventsOf('linkNotWorking'), [{ link: slow, reason: 'max-ping' }])
})
