import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

function testBytes(single: SingleEngine): number {
  return single
    .sentOn(undefined, MessageType.TestData)
    .reduce((sum, { message }) => sum + ('bytes' in message ? message.bytes : 0), 0)
}

t.test('a new link carries test data, then a ping, and no data before the pong', async t => {
  const single = new SingleEngine({ config: { link: { testDataLimit: 20_000 } } })
  const link = single.addLink()
  single.write(1_000)
  const types = single.sentOn(link).map(({ message }) => message.type)
  t.same(types, [MessageType.TestData, MessageType.TestData, MessageType.TestData, MessageType.Ping])
  t.equal(testBytes(single), 20_000)
  single.advance(30)
  t.same(single.sequencesOn(link), [])
  t.equal(single.eventsOf('linkWorking').length, 0)
  single.receive(link, { type: MessageType.Pong })
  t.equal(single.eventsOf('linkWorking')[0]?.link, link)
  t.same(single.sequencesOn(link), [0])
})

t.test('a link without test data is tested by a ping alone', async t => {
  const single = new SingleEngine({ config: { link: { testDataLimit: 0 } } })
  const link = single.addLink()
  t.same(
    single.sentOn(link).map(({ message }) => message.type),
    [MessageType.Ping],
  )
})

t.test('a test waits for a Duplex that is full', async t => {
  const single = new SingleEngine({ config: { link: { testDataLimit: 16_384 } } })
  const link = single.addLink()
  single.forget()
  const second = single.engine.addLink({ config: link.config, roundTripMs: 10, remoteRecvBuffer: 1_000_000 }, single.nowMs)
  single.do((engine, nowMs) => engine.setWritable(second, false, nowMs))
  t.same(single.sentOn(second), [])
  single.do((engine, nowMs) => engine.setWritable(second, true, nowMs))
  t.equal(testBytes(single), 16_384)
  t.equal(single.sentOn(second, MessageType.Ping).length, 1)
})

t.test('a pong after half of ackTimeoutMax passes, a later one fails the test, which is repeated', async t => {
  const config = { link: { ackTimeoutMax: 10_000, retestInterval: 3_000, nonWorkingTimeout: 100_000 } }
  const punctual = new SingleEngine({ config })
  punctual.addLink()
  punctual.advance(5_000)
  punctual.receive(punctual.engine.links[0] as never, { type: MessageType.Pong })
  t.equal(punctual.eventsOf('linkWorking').length, 1)

  const single = new SingleEngine({ config })
  const link = single.addLink()
  single.advance(5_001)
  single.receive(link, { type: MessageType.Pong })
  t.equal(single.eventsOf('linkWorking').length, 0)
  t.match(single.eventsOf('linkNotWorking'), [{ link, reason: 'test-failed' }])
  const failedMs = single.nowMs
  single.forget()
  single.advance(2_999)
  t.equal(single.sent.length, 0)
  single.advance(10)
  t.equal(single.sentOn(link, MessageType.Ping)[0]?.timeMs, failedMs + 3_000)
  t.ok(testBytes(single) > 0)
  single.receive(link, { type: MessageType.Pong })
  t.equal(single.eventsOf('linkWorking').length, 1)
})

t.test('a slow link that becomes quick is used from then on', async t => {
  const config = { link: { ackTimeoutMax: 2_000, ackTimeoutMin: 500, retestInterval: 1_000 } }
  const pair = new SimulatedPair({ seed: 1, links: [{ delayMs: 700, rateBytesPerMs: 1_000 }], config })
  pair.client.write(100_000)
  pair.runUntil(6_000)
  t.equal(pair.server.readBytes, 0)
  t.equal(pair.client.changes(0).at(-1)?.reason, 'test-failed')
  pair.links[0]?.change({ delayMs: 100 })
  pair.runUntilIdle({ limitMs: 10_000 })
})

t.test('a link slower than maxPing is not used while a quicker one works, and is when none does', async t => {
  const slow = { delayMs: 200, rateBytesPerMs: 1_000, config: { maxPing: 100 } }
  const pair = new SimulatedPair({
    seed: 2,
    links: [{ delayMs: 10, rateBytesPerMs: 1_000 }, slow],
    config: { link: { retestInterval: 1_000 } },
  })
  pair.runUntil(1_000)
  pair.client.write(2_000_000)
  pair.runUntilIdle({ limitMs: 10_000 })
  t.equal(pair.auditor.traffic('client', 1).reliable, 0)
  t.equal(pair.client.changes(1).at(-1)?.reason, 'max-ping')
  pair.reset(0)
  pair.client.write(100_000)
  pair.runUntilIdle({ limitMs: 10_000 })
  t.ok(pair.auditor.traffic('client', 1).reliable > 0)
})

t.test('a link slower than maxPingSpread times the quickest is not used while that works, and is when it is gone', async t => {
  const link = (delayMs: number) => ({ delayMs, rateBytesPerMs: 10_000 })
  const pair = new SimulatedPair({
    seed: 3,
    links: [link(20), link(100), link(350)],
    config: { maxPingSpread: 5, link: { retestInterval: 1_000 } },
  })
  pair.runUntil(1_000)
  pair.client.write(2_000_000)
  pair.runUntilIdle({ limitMs: 10_000 })
  t.ok(pair.auditor.traffic('client', 1).reliable > 0, 'one within the spread is used')
  t.equal(pair.auditor.traffic('client', 2).reliable, 0)
  t.equal(pair.client.changes(2).at(-1)?.reason, 'max-ping')
  pair.reset(0)
  pair.runUntilTrue(() => pair.client.isWorking(2), { limitMs: 5_000, what: 'the slow link within the spread of the one left' })
})

t.test('TestData of any size is dropped', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.forget()
  for (const bytes of [0, 1, 8_388_607]) single.receive(link, { type: MessageType.TestData, bytes })
  t.same(single.sent, [])
  t.equal(single.linkClosure(link), undefined)
})
