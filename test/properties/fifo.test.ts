import { equal } from 'node:assert/strict'
import fc from 'fast-check'
import { Fifo } from '../../lib/engine/fifo.ts'
import { SendQueue } from '../../lib/engine/send-queue.ts'
import { holds } from './holds.ts'

type Step = readonly ['push' | 'shift' | 'replace' | 'clear', number]

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: fc.tuple(fc.constant('push' as const), fc.integer({ min: 1, max: 1_500 })) },
    { weight: 9, arbitrary: fc.tuple(fc.constant('shift' as const), fc.integer({ min: 1, max: 1_500 })) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('replace' as const), fc.constant(1)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('clear' as const), fc.constant(1)) },
  ),
  { maxLength: 40, size: 'max' },
)

holds(
  'a queue does what an array does',
  fc.property(steps, steps => {
    const fifo = new Fifo<number>()
    const model: number[] = []
    let last = 0
    for (const [kind, times] of steps) {
      for (let time = 0; time < times; time++) {
        if (kind === 'push') {
          fifo.push(++last)
          model.push(last)
        } else if (kind === 'shift') equal(fifo.shift(), model.shift())
        else if (kind === 'clear') {
          fifo.clear()
          model.length = 0
        } else if (model.length > 0) {
          fifo.replaceLast(-last)
          model[model.length - 1] = -last
        }
      }
      equal(fifo.length, model.length)
      equal(fifo.peek(), model[0])
      equal(fifo.last(), model.at(-1))
      for (const index of [1, model.length >> 1, model.length - 1, model.length]) {
        if (index >= 0) equal(fifo.at(index), model[index])
      }
    }
  }),
)

holds(
  'what is taken from the send queue is what was written, in pieces of the length asked for',
  fc.property(
    fc.array(fc.tuple(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 30, size: 'max' }), fc.nat(400), fc.nat(20)), {
      maxLength: 20,
    }),
    rounds => {
      const queue = new SendQueue()
      let model = Buffer.alloc(0)
      for (const [chunks, wanted, clear] of rounds) {
        for (const chunk of chunks) queue.push(chunk)
        model = Buffer.concat([model, ...chunks])
        equal(queue.bytes, model.length)
        const bytes = Math.min(wanted, model.length)
        equal(Buffer.compare(Buffer.concat(queue.take(bytes)), model.subarray(0, bytes)), 0)
        model = model.subarray(bytes)
        if (clear > 0) continue
        queue.clear()
        model = model.subarray(0, 0)
      }
      equal(queue.bytes, model.length)
    },
  ),
)
