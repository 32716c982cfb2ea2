import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

t.test('data waits for a quicker link that takes nothing for a moment, but not for one that stays so', async t => {
  const peer = new SingleEngine()
  const quick = peer.addWorkingLink({ roundTripMs: 2 })
  for (let round = 0; round < 10; round++) {
    peer.write(10_000)
    peer.advance(2)
    peer.acknowledge(quick)
  }
  const slow = peer.addWorkingLink({ roundTripMs: 40 })
  peer.do((engine, nowMs) => engine.setWritable(quick, false, nowMs))
  peer.write(100)
  t.equal(peer.sentOn(slow, MessageType.Data).length, 0, 'the quick one may go on any moment')
  const startMs = peer.nowMs
  peer.advance(1_000)
  const [sent] = peer.sentOn(slow, MessageType.Data)
  t.ok(sent, 'nobody has to wake the engine')
  t.ok((sent?.timeMs ?? 0) - startMs < 100, `after ${(sent?.timeMs ?? 0) - startMs} ms`)
})

t.test('a link that takes something again is preferred as before', async t => {
  const peer = new SingleEngine()
  const quick = peer.addWorkingLink({ roundTripMs: 2 })
  const slow = peer.addWorkingLink({ roundTripMs: 40 })
  peer.do((engine, nowMs) => engine.setWritable(quick, false, nowMs))
  peer.advance(500)
  peer.do((engine, nowMs) => engine.setWritable(quick, true, nowMs))
  peer.write(100)
  t.equal(peer.sentOn(quick, MessageType.Data).length, 1)
  t.equal(peer.sentOn(slow, MessageType.Data).length, 0)
})
