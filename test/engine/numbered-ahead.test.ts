// Messages that have their number but were not sent yet, because a slower link carries what comes behind them.

import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

t.test('the peer may not consume what has only its number', async t => {
  for (const [more, closed] of [
    [0, false],
    [1, true],
  ] as const) {
    const single = new SingleEngine()
    const quick = single.addWorkingLink({ roundTripMs: 5 })
    const slow = single.addWorkingLink({ roundTripMs: 200 })
    single.write(2_000_000)
    t.ok(Number(single.sequencesOn(slow)[0]) > single.sequencesOn(quick).length, 'the slow link is far ahead')
    const { unconsumed } = single.engine.stats(single.nowMs)
    single.receive(quick, { type: MessageType.Consumed, sequence: 0, bytes: unconsumed + more })
    t.equal(single.engine.closed, closed)
  }
})
