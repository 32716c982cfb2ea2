import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

t.test('every receipt is acknowledged once, on its link, in order of receipt, copies included', async t => {
  const single = new SingleEngine()
  const first = single.addWorkingLink()
  const second = single.addWorkingLink()
  single.receiveData(first, 2, 100)
  single.receiveData(second, 0, 100)
  single.receiveData(first, 0, 100)
  single.receiveData(first, 1, 100)
  single.receiveData(second, 2, 100)
  t.same(single.acksOn(first), [2, 0, 1])
  t.same(single.acksOn(second), [0, 2])
  t.equal(single.readAll(), 300, 'a copy is not read')
  single.receiveData(second, 1, 100)
  t.same(single.acksOn(second), [0, 2, 1], 'nor is one that comes after the reading, but it is acknowledged')
  t.equal(single.readAll(), 0)
})

t.test('acks that the Duplex does not take wait in order', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.do((engine, nowMs) => engine.setWritable(link, false, nowMs))
  for (const sequence of [1, 0, 1]) single.receiveData(link, sequence, 10)
  t.same(single.acksOn(link), [])
  single.do((engine, nowMs) => engine.setWritable(link, true, nowMs))
  t.same(single.acksOn(link), [1, 0, 1])
})

t.test('an ack counts from any link that carried the message, not only from the one that carried it last', async t => {
  const single = new SingleEngine()
  const carrier = single.addWorkingLink({ roundTripMs: 5 })
  const other = single.addWorkingLink({ roundTripMs: 50 })
  single.write(1_000)
  const [sequence] = single.sequencesOn(carrier)
  t.same(single.sequencesOn(other), [])
  single.advance(1_010)
  t.equal(single.eventsOf('linkNotWorking')[0]?.link.id, carrier.id)
  t.ok(single.sequencesOn(other).includes(sequence as number), 'it was sent again')
  t.equal(single.engine.stats(single.nowMs).unacked, 1_000)

  single.receive(carrier, { type: MessageType.Ack, sequence: sequence as number })
  const { unacked, resendQueue } = single.engine.stats(single.nowMs)
  t.equal(unacked, 0)
  t.equal(resendQueue, 0)
  const count = single.sequencesOn(other).length
  single.receive(other, { type: MessageType.Ack, sequence: sequence as number })
  single.advance(5_000)
  t.equal(single.sequencesOn(other).length, count, 'it is not sent a third time')
  t.equal(single.linkClosure(other), undefined)
})

t.test('an ack from a link that never carried the message does not count', async t => {
  const single = new SingleEngine()
  const carrier = single.addWorkingLink({ roundTripMs: 5 })
  const other = single.addWorkingLink({ roundTripMs: 500 })
  single.write(1_000)
  const [sequence] = single.sequencesOn(carrier)
  single.receive(other, { type: MessageType.Ack, sequence: sequence as number })
  t.equal(single.engine.stats(single.nowMs).unacked, 1_000)
})

t.test('an ack that comes twice counts once', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.write(1_000)
  single.write(2_000)
  t.same(single.sequencesOn(link), [0, 1])
  for (let copy = 0; copy < 2; copy++) single.receive(link, { type: MessageType.Ack, sequence: 0 })
  t.equal(single.engine.stats(single.nowMs).unacked, 2_000)
  t.equal(single.linkClosure(link), undefined)
})

t.test('data behind a gap is acknowledged at once and delivered when the gap closes', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  for (let sequence = 1; sequence < 50; sequence++) single.receiveData(link, sequence, 10)
  t.equal(single.acksOn(link).length, 49)
  t.equal(single.readAll(), 0)
  t.equal(single.engine.stats(single.nowMs).receivedUnconsumed, 490)
  single.receiveData(link, 0, 10)
  t.equal(single.readAll(), 500)
})
