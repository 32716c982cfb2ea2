import t from 'tap'
import { AheadQueue } from '../../lib/engine/ahead-queue.ts'
import { SentMessage } from '../../lib/engine/send-window.ts'
import { dataMessage } from '../simulation/single-engine.ts'

t.test('the oldest message behind so many bytes is taken, the others keep their order', async t => {
  const queue = new AheadQueue()
  for (let sequence = 0; sequence < 5; sequence++) queue.push(new SentMessage(dataMessage(sequence, 10)))
  t.equal(queue.bytes, 50)
  t.equal(queue.peek(20)?.sequence, 2)
  t.equal(queue.take(11)?.sequence, 2)
  t.equal(queue.take(20)?.sequence, 3)
  t.equal(queue.take(30), undefined, 'nothing is that far ahead')
  t.same(
    [queue.take(0), queue.take(0), queue.take(0), queue.take(0)].map(sent => sent?.sequence),
    [0, 1, 4, undefined],
  )
  t.equal(queue.bytes, 0)
  t.equal(queue.length, 0)
})
