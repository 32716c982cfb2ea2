import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'
import { memoryBytes } from '../support/memory.ts'

const link = { rateBytesPerMs: 10_000, delayMs: 5 }

t.test('a reader that stops stops the writer when the receive buffer is full, and not before', async t => {
  const recvBuffer = 1_000_000
  const chunkSize = 16_384
  const pair = new SimulatedPair({ seed: 1, links: [link, link], config: { recvBuffer, chunkSize } })
  pair.server.reader = 'stalled'
  pair.client.write(20_000_000)
  pair.runUntil(5_000)
  const held = pair.server.engine.stats(pair.nowMs).receivedUnconsumed
  t.ok(held <= recvBuffer, `never more than the buffer (${held})`)
  t.ok(held > recvBuffer - 2 * chunkSize, `the buffer is used (${held})`)
  const writes = pair.client.writes
  const sent = pair.auditor.unconsumedBytes('client')
  t.equal(sent, held, 'what the client may not forget is what the server holds')
  pair.runFor(600_000)
  t.equal(pair.client.writes, writes, 'no write becomes writable while nobody reads')
  t.equal(pair.client.closure, undefined, 'a stalled reader fails nothing')

  pair.server.reader = 'all'
  pair.runUntilIdle({ limitMs: 10_000 })
  t.equal(pair.server.readBytes, 20_000_000, 'everything follows once somebody reads')
})

t.test('the other direction flows while one reader is stalled', async t => {
  const pair = new SimulatedPair({ seed: 2, links: [link], config: { recvBuffer: 100_000 } })
  pair.server.reader = 'stalled'
  pair.client.write(5_000_000)
  pair.server.write(5_000_000)
  pair.runUntilTrue(() => pair.client.readBytes === 5_000_000, { limitMs: 5_000 })
  t.ok(pair.auditor.unconsumedBytes('client') <= 100_000)
})

t.test('unacknowledged bytes never exceed the send buffer', async t => {
  const sendBuffer = 300_000
  const pair = new SimulatedPair({
    seed: 3,
    links: [{ ...link, delayMs: 500 }],
    config: { sendBuffer, link: { windowInit: 10_000_000 } },
  })
  pair.client.write(5_000_000)
  let most = 0
  pair.runUntilTrue(
    () => {
      most = Math.max(most, pair.auditor.unackedBytes('client'))
      return pair.server.readBytes === 5_000_000
    },
    { limitMs: 60_000 },
  )
  t.ok(most <= sendBuffer, `at most ${sendBuffer} (${most})`)
  t.ok(most > sendBuffer / 2, `the buffer is used (${most})`)
})

t.test('a slow reader gets its rate, and no more waits for it than the receive buffer', async t => {
  const recvBuffer = 200_000
  const pair = new SimulatedPair({ seed: 4, links: [link], config: { recvBuffer } })
  pair.server.reader = { rateBytesPerMs: 100 }
  pair.client.write(2_000_000)
  pair.runUntilTrue(() => pair.server.readBytes === 2_000_000, { limitMs: 30_000 })
  const rate = pair.server.receiveSpeed / 1_000
  t.ok(rate > 95 && rate <= 110, `100 bytes/ms (${rate})`)
  t.ok(pair.client.changes(0).length === 1, 'its links are not doubted')
})

t.test('a receive buffer of a few bytes makes slow progress, but progress', async t => {
  for (const recvBuffer of [1, 2, 3, 100]) {
    const pair = new SimulatedPair({ seed: 5, links: [{ delayMs: 1 }], serverConfig: { recvBuffer } })
    pair.client.write(500)
    pair.client.finish()
    pair.server.finish()
    pair.runUntilClosed({ limitMs: 120_000 })
    t.equal(pair.server.readBytes, 500, `receive buffer ${recvBuffer}`)
    t.equal(pair.server.closure?.failure, undefined)
  }
})

t.test('Consumed goes out once more than a tenth of the receive buffer was read, not for less', async t => {
  const single = new SingleEngine({ config: { recvBuffer: 100_000 } })
  const link = single.addWorkingLink()
  single.receiveData(link, 0, 10_000)
  t.equal(single.readAll(), 10_000)
  t.equal(single.sentOn(link, MessageType.Consumed).length, 0, 'a tenth is not more than a tenth')
  single.receiveData(link, 1, 1)
  single.readAll()
  const consumed = single.sentOn(link, MessageType.Consumed)
  t.match(
    consumed.map(({ message }) => message),
    [{ type: MessageType.Consumed, sequence: 0, bytes: 10_001 }],
  )
})

t.test('credit counts from the receive buffer that the first link announced', async t => {
  const single = new SingleEngine({ remoteRecvBuffer: 50_000 })
  const first = single.addWorkingLink()
  single.engine.addLink({ config: first.config, roundTripMs: 10, remoteRecvBuffer: 1_000_000 }, single.nowMs)
  single.write(200_000)
  single.advance(10)
  while (single.acknowledge(first) > 0) single.advance(10)
  t.ok(single.newBytesSent <= 50_000, `${single.newBytesSent} bytes sent`)
  t.equal(single.eventsOf('writable').length, 0)
})

t.test('a resend takes no credit: it goes out although the receive buffer of the peer is full', async t => {
  const single = new SingleEngine({ remoteRecvBuffer: 16_384, config: { link: { windowInit: 1_000_000 } } })
  const first = single.addWorkingLink()
  single.write(16_384)
  const sent = single.sequencesOn(first)
  t.equal(single.newBytesSent, 16_384, 'the buffer is full')
  const second = single.addWorkingLink()
  single.do((engine, nowMs) => engine.linkLost(first, 'io-error', nowMs))
  t.same(single.sequencesOn(second), sent, 'all of it, oldest first')
})

t.test('what waits for a stalled reader takes its own size, not that of the chunks it came in', async t => {
  const recvBuffer = 1_000_000
  const single = new SingleEngine({ config: { recvBuffer } })
  const link = single.addWorkingLink()
  const before = await memoryBytes()
  let sequence = 0
  for (; sequence < 20_000; sequence++) {
    const chunk = new Uint8Array(65_536)
    single.engine.receive(
      link,
      { type: MessageType.Data, sequence, payload: [chunk.subarray(100, 150)], bytes: 50 },
      single.nowMs,
    )
    single.engine.takeOutput(single.nowMs)
  }
  const used = (await memoryBytes()) - before
  t.equal(single.engine.stats(single.nowMs).receivedUnconsumed, recvBuffer)
  t.ok(used < 1.25 * recvBuffer + 8_388_608, `${used} bytes for ${recvBuffer}`)
  t.equal(single.readAll(), recvBuffer)
})

t.test('what is sent again takes no new credit', async t => {
  const single = new SingleEngine({ remoteRecvBuffer: 100_000 })
  const first = single.addWorkingLink()
  single.write(20_000)
  const second = single.addWorkingLink()
  single.do((engine, nowMs) => engine.linkLost(first, 'io-error', nowMs))
  t.ok(single.sequencesOn(second).includes(0), 'it goes out again')
  single.write(200_000)
  while (single.acknowledge(second) > 0);
  t.equal(single.newBytesSent, 100_000, 'all that the peer takes, and no more')
})

t.test('small messages into a small send buffer: their number is bounded, too, and acks let more go', async t => {
  const single = new SingleEngine({ config: { sendBuffer: 65_536 } })
  const link = single.addWorkingLink({ config: { windowInit: 8_388_608 } })
  for (let count = 0; count < 20_000; count++) single.write(1)
  const sent = single.sentOn(link, MessageType.Data).length
  t.ok(sent <= 8_192 + 32, `${sent} are outstanding`)
  single.acknowledge(link)
  t.ok(single.sentOn(link, MessageType.Data).length > sent)
})
