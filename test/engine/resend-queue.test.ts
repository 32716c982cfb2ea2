import t from 'tap'
import { ResendQueue } from '../../lib/engine/resend-queue.ts'
import { SentMessage } from '../../lib/engine/send-window.ts'
import { dataMessage } from '../simulation/single-engine.ts'

const messages = (...sequences: number[]) => sequences.map(sequence => new SentMessage(dataMessage(sequence, 10)))

function takeAll(queue: ResendQueue): number[] {
  const sequences: number[] = []
  for (let sent = queue.take(); sent; sent = queue.take()) sequences.push(sent.sequence)
  return sequences
}

t.test('messages come out oldest first, however they went in, also across the wrap', async t => {
  const queue = new ResendQueue()
  queue.add(messages(3, 2 ** 32 - 1, 0))
  queue.add(messages(2 ** 32 - 2, 1))
  t.equal(queue.peek()?.sequence, 2 ** 32 - 2)
  t.same(takeAll(queue), [2 ** 32 - 2, 2 ** 32 - 1, 0, 1, 3])
  t.equal(queue.length, 0)
})

t.test('a message waits once, however often it is added; taken, it may be added again', async t => {
  const queue = new ResendQueue()
  const both = messages(1, 2)
  queue.add(both)
  queue.add(both)
  t.same(takeAll(queue), [1, 2])
  queue.add(both)
  t.same(takeAll(queue), [1, 2])
})

t.test('what is acknowledged, or on its way again, is passed over', async t => {
  const queue = new ResendQueue()
  const [acked, first, flying, last] = messages(0, 1, 2, 3) as [SentMessage, SentMessage, SentMessage, SentMessage]
  acked.release()
  queue.add([acked, first, flying, last])
  t.equal(queue.length, 3)
  flying.liveFlights = 1
  first.release()
  t.same(takeAll(queue), [3])
  flying.liveFlights = 0
  queue.add([flying])
  t.same(takeAll(queue), [2], 'it may wait anew')
})
