// A copy that a stalled link keeps for very long must not come out when its number is in use again.

import t from 'tap'
import { Flight } from '../../lib/engine/flight.ts'
import { SentMessage } from '../../lib/engine/send-window.ts'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

const CHECKED_EVERY = 65_536

for (const [age, gone] of [
  [2 ** 30 + 1, true],
  [2 ** 30, false],
] as const) {
  t.test(`A18 a link that holds a copy ${age} numbers old ${gone ? 'is closed' : 'stays'}`, async t => {
    const next = CHECKED_EVERY * 40_000
    const single = new SingleEngine({ firstSequence: { send: next - 1, receive: 0 } })
    const [link, stalled] = [single.addWorkingLink(), single.addWorkingLink()]
    single.do((engine, nowMs) => engine.setBlocked(stalled, true, nowMs))
    const sent = new SentMessage({ type: MessageType.Consumed, sequence: next - age, bytes: 0 })
    stalled.flights.push(new Flight(sent, stalled, 19, single.nowMs, single.nowMs, 0, 0, 0, true))
    single.write(10)
    t.equal(single.sequencesOn(link)[0], next - 1)
    t.equal(single.linkClosure(stalled)?.reason, gone ? 'send-timeout' : undefined)
    t.equal(single.linkClosure(link), undefined)
  })
}
