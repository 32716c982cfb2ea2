import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

const link = { rateBytesPerMs: 1_000, delayMs: 10 }
const starts = [2 ** 31 - 100, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 100, 2 ** 32 - 1]

for (const client of starts) {
  t.test(`numbers that begin at ${client} wrap while links break and both sides write`, async t => {
    for (const server of [0, ...starts]) {
      const pair = new SimulatedPair({
        seed: client % 1_000_003,
        links: [link, { ...link, delayMs: 40 }, link],
        config: { chunkSize: 4_096 },
        firstSequence: { client, server },
      })
      for (const end of pair.sides) {
        end.write(2_000_000)
        end.finish()
      }
      pair.runUntil(300)
      pair.reset(0)
      pair.runFor(200)
      pair.pause(1, 3_000)
      pair.runUntilClosed({ limitMs: 30_000 })
      for (const end of pair.sides) {
        t.equal(end.readBytes, 2_000_000, `server begins at ${server}`)
        t.equal(end.closure?.failure, undefined)
      }
    }
  })
}

t.test('a late copy from before the wrap is a copy', async t => {
  const single = new SingleEngine({ firstSequence: { send: 0, receive: 2 ** 32 - 2 } })
  const link = single.addWorkingLink()
  for (const sequence of [2 ** 32 - 2, 2 ** 32 - 1, 0, 1]) single.receiveData(link, sequence, 10)
  t.equal(single.readAll(), 40)
  single.receiveData(link, 2 ** 32 - 1, 10)
  single.receiveData(link, 2 ** 32 - 60_000, 10)
  t.equal(single.readAll(), 0)
  t.same(single.acksOn(link), [2 ** 32 - 2, 2 ** 32 - 1, 0, 1, 2 ** 32 - 1, 2 ** 32 - 60_000])
})

t.test('data stops 1,024 numbers before the span of 65,536, control messages do not', async t => {
  const single = new SingleEngine({
    firstSequence: { send: 2 ** 32 - 1_000, receive: 0 },
    // With a smaller one the memory of so many messages is what stops data.
    config: { chunkSize: 1, sendBuffer: 134_217_728, recvBuffer: 1_000 },
  })
  const link = single.addWorkingLink({ config: { windowInit: 2 ** 30, windowLimit: 2 ** 30 } })
  single.write(100_000)
  t.equal(single.sequencesOn(link).length, 65_536 - 1_024)
  t.equal(single.sequencesOn(link).at(-1), (2 ** 32 - 1_000 + 65_536 - 1_024 - 1) % 2 ** 32)
  single.receiveData(link, 0, 400)
  single.readAll()
  t.equal(single.sentOn(link, MessageType.Consumed).length, 1)
  single.acknowledge(link)
  t.equal(single.sequencesOn(link).length, 100_001)
})
