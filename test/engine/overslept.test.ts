import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

const PONG = { type: MessageType.Pong } as const

t.test('after a stall of the process the answer on one link does not judge another whose answer is read next', async t => {
  const single = new SingleEngine()
  const [carrier, other] = [single.addWorkingLink(), single.addWorkingLink({ roundTripMs: 30 })]
  single.write(1_000)
  single.nowMs += 5_000
  single.receive(other, PONG)
  single.acknowledge(carrier)
  single.do((engine, nowMs) => engine.expire(nowMs, 5_000))
  t.same(single.eventsOf('linkNotWorking'), [])
})

t.test('after an hour without the process links get their ack timeout anew, and fail when they stay silent', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.write(1_000)
  single.nowMs += 3_600_000
  single.do((engine, nowMs) => engine.expire(nowMs, 3_600_000))
  t.same(single.eventsOf('linkNotWorking'), [], 'the peer may have slept, too')
  single.advance(1_000)
  t.match(single.eventsOf('linkNotWorking'), [{ link, reason: 'ack-timeout' }])
})
