import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

const link = { rateBytesPerMs: 1_000, delayMs: 10 }

function checkGoodEnd(test: Pick<typeof t, 'equal'>, pair: SimulatedPair): void {
  for (const end of pair.sides) {
    test.equal(end.closure?.failure, undefined, `${end.side} closed in good order`)
    for (const index of pair.links.keys()) test.equal(end.linkClosure(index)?.reason, 'connection-closed')
  }
}

t.test('the end comes behind every byte that was written before it', async t => {
  const pair = new SimulatedPair({ seed: 1, links: [link, { ...link, delayMs: 80 }] })
  pair.client.write(3_000_000)
  pair.client.finish()
  t.equal(pair.client.finishedMs, undefined, 'finish waits for what was written before')
  pair.runUntilTrue(() => pair.server.endMs !== undefined, { limitMs: 10_000 })
  t.equal(pair.server.readBytes, 3_000_000)
  t.ok((pair.client.finishedMs as number) <= (pair.server.endMs as number))
  t.equal(pair.client.endMs, undefined, 'the other direction stays open')
})

t.test('a half-open connection lives on for hours and closes when the other direction ends, too', async t => {
  const pair = new SimulatedPair({ seed: 2, links: [link, link] })
  pair.client.write(100_000)
  pair.client.finish()
  for (let hour = 0; hour < 3; hour++) {
    pair.runFor(3_600_000)
    pair.server.write(1_000_000)
    pair.runUntilTrue(() => pair.client.readBytes === (hour + 1) * 1_000_000, { limitMs: 10_000 })
  }
  t.equal(pair.client.openLinks, 2)
  t.equal(pair.client.closure, undefined)
  pair.server.finish()
  pair.runUntilClosed({ limitMs: 1_000 })
  checkGoodEnd(t, pair)
})

t.test('both sides finish at once without having written anything', async t => {
  const pair = new SimulatedPair({ seed: 3, links: [link] })
  pair.client.finish()
  pair.server.finish()
  pair.runUntilClosed({ limitMs: 1_000 })
  checkGoodEnd(t, pair)
  for (const end of pair.sides) t.not(end.endMs, undefined, `${end.side} saw the end`)
})

t.test('both sides finish at once with data under way in both directions', async t => {
  const pair = new SimulatedPair({ seed: 4, links: [link, { ...link, rateBytesPerMs: 300 }] })
  for (const end of pair.sides) {
    end.write(2_000_000)
    end.finish()
  }
  pair.runUntilClosed({ limitMs: 10_000 })
  for (const end of pair.sides) t.equal(end.readBytes, 2_000_000)
  checkGoodEnd(t, pair)
})

t.test('an end that was lost with its link is sent again', async t => {
  const pair = new SimulatedPair({ seed: 5, links: [link, link] })
  pair.runUntil(100)
  pair.client.write(50_000)
  pair.client.finish()
  pair.runUntilTrue(() => pair.client.finishedMs !== undefined, { limitMs: 1_000 })
  pair.reset(0)
  pair.server.finish()
  pair.runUntilClosed({ limitMs: 5_000 })
  t.equal(pair.server.readBytes, 50_000)
  t.not(pair.server.endMs, undefined)
})

t.test('a link that breaks when both directions are over is a normal end, unless the peer acks all', async t => {
  const pair = new SimulatedPair({ seed: 6, links: [link], remoteAcksAll: false })
  pair.runUntil(100)
  pair.client.finish()
  pair.server.finish()
  pair.runUntilTrue(() => pair.sides.every(end => end.endMs !== undefined), { limitMs: 1_000 })
  if (!pair.isClosed) pair.reset(0)
  pair.runUntilClosed({ limitMs: 10 })
  checkGoodEnd(t, pair)
})

t.test('a lost tail is a failure, never an end', async t => {
  const pair = new SimulatedPair({ seed: 7, links: [link], config: { noLinkTimeout: 5_000 } })
  pair.runUntil(100)
  pair.client.write(500_000)
  pair.client.finish()
  pair.server.finish()
  pair.runFor(50)
  pair.reset(0)
  pair.runUntilClosed({ limitMs: 100_000 })
  t.equal(pair.server.endMs, undefined)
  t.equal(pair.server.closure?.failure, 'no-links-timeout')
  t.equal(pair.client.closure?.failure, 'no-links-timeout')
})

t.test('the connection stays until the peer has taken all, and closes when it has', async t => {
  const pair = new SimulatedPair({ seed: 8, links: [link] })
  pair.server.reader = 'stalled'
  pair.client.write(100_000)
  pair.client.finish()
  pair.server.finish()
  pair.runUntil(30_000)
  t.equal(pair.isClosed, false)
  pair.server.reader = 'all'
  pair.runUntilClosed({ limitMs: 1_000 })
  checkGoodEnd(t, pair)
})

t.test('a finished connection waits for its peer no longer than the termination timeout', async t => {
  const single = new SingleEngine({ config: { terminationTimeout: 7_000, link: { ackTimeoutMin: 20_000 } } })
  const link = single.addWorkingLink()
  single.do((engine, nowMs) => engine.finish(nowMs))
  single.receive(link, { type: MessageType.SendFinish, sequence: 0 })
  single.readAll()
  const finishedMs = single.nowMs
  single.advance(60_000)
  t.equal(single.closure?.timeMs, finishedMs + 7_000)
})

t.test('SendFinish that is consumed owes no ReceiveFinish', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.receive(link, { type: MessageType.SendFinish, sequence: 0 })
  single.readAll()
  t.equal(single.eventsOf('end').length, 1)
  single.do((engine, nowMs) => engine.dropRead(nowMs))
  t.equal(single.sentOn(link, MessageType.ReceiveFinish).length, 0)
})

t.test(
  'the last acks lost with the only link do not end the connection of a peer that acks all: it may be missing data',
  async t => {
    for (const remoteAcksAll of [true, false]) {
      const single = new SingleEngine({ remoteAcksAll })
      const link = single.addWorkingLink()
      single.receive(link, { type: MessageType.SendFinish, sequence: 0 })
      single.readAll()
      single.do((engine, nowMs) => engine.finish(nowMs))
      single.do((engine, nowMs) => engine.linkLost(link, 'io-error', nowMs))
      t.equal(single.closure === undefined, remoteAcksAll)
      if (!remoteAcksAll) continue
      const next = single.addWorkingLink()
      t.equal(single.sentOn(next, MessageType.SendFinish).length, 1, 'sent again over the next link')
      single.acknowledge(next)
      t.equal(single.closure?.failure, undefined)
      t.ok(single.closure)
    }
  },
)

t.test('a connection that is over says Goodbye to a peer that acks all, and to no other', async t => {
  for (const remoteAcksAll of [true, false]) {
    const single = new SingleEngine({ remoteAcksAll })
    const links = [single.addWorkingLink(), single.addWorkingLink()] as const
    single.receive(links[0], { type: MessageType.SendFinish, sequence: 0 })
    single.readAll()
    single.do((engine, nowMs) => engine.finish(nowMs))
    for (const link of links) single.acknowledge(link)
    t.ok(single.closure)
    t.equal(single.closure?.failure, undefined)
    for (const link of links) t.equal(single.sentOn(link, MessageType.Goodbye).length, remoteAcksAll ? 1 : 0)
  }
})

t.test('Goodbye on a link that only leaves is no end: what is unacked goes out over the next link', async t => {
  const single = new SingleEngine({ remoteAcksAll: true })
  const link = single.addWorkingLink()
  single.receive(link, { type: MessageType.SendFinish, sequence: 0 })
  single.readAll()
  single.do((engine, nowMs) => engine.finish(nowMs))
  single.receive(link, { type: MessageType.Goodbye })
  t.equal(single.closure, undefined)
  const next = single.addWorkingLink()
  t.equal(single.sentOn(next, MessageType.SendFinish).length, 1)
  single.acknowledge(next)
  t.ok(single.closure)
  t.equal(single.closure?.failure, undefined)
})

t.test('SendFinish waits for what was written, however long no link takes it', async t => {
  const single = new SingleEngine()
  single.write(1_000)
  single.do((engine, nowMs) => engine.finish(nowMs))
  const link = single.addWorkingLink()
  const types = single.sentOn(link).map(({ message }) => message.type)
  t.same(types.slice(-2), [MessageType.Data, MessageType.SendFinish])
})

t.test('a connection is not over before its last ack is out', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.do((engine, nowMs) => engine.finish(nowMs))
  single.acknowledge(link)
  single.do((engine, nowMs) => engine.setWritable(link, false, nowMs))
  single.receive(link, { type: MessageType.SendFinish, sequence: 0 })
  t.equal(single.closure, undefined)
  single.do((engine, nowMs) => engine.setWritable(link, true, nowMs))
  t.same(single.acksOn(link), [0])
  t.ok(single.closure)
  t.equal(single.closure?.failure, undefined)
})

t.test('a connection whose last link breaks with data not taken fails after the termination timeout', async t => {
  const single = new SingleEngine({ config: { terminationTimeout: 30_000 } })
  const link = single.addWorkingLink()
  single.write(1_000)
  single.do((engine, nowMs) => engine.finish(nowMs))
  single.receive(link, { type: MessageType.SendFinish, sequence: 0 })
  const finishedMs = single.nowMs
  single.do((engine, nowMs) => engine.linkLost(link, 'io-error', nowMs))
  t.equal(single.closure, undefined, 'a new link may bring it yet')
  single.advance(60_000)
  t.match(single.closure, { failure: 'no-links-timeout', timeMs: finishedMs + 30_000 })
})

t.test(
  'Goodbye of a peer that acks all and for which it is over, when both directions are over, is the end, whatever is unacked',
  async t => {
    const single = new SingleEngine({ remoteAcksAll: true })
    const link = single.addWorkingLink()
    single.do((engine, nowMs) => engine.dropRead(nowMs))
    single.receive(link, { type: MessageType.ReceiveFinish, sequence: 0 })
    t.equal(single.closure, undefined)
    single.receive(link, { type: MessageType.Goodbye, over: true })
    t.ok(single.closure)
    t.equal(single.closure?.failure, undefined)
    t.match(single.eventsOf('linkClosed'), [{ reason: 'connection-closed', abrupt: false }])
  },
)

t.test('a Goodbye that says that all is over, right behind the last read: the end is told before the close', t => {
  const single = new SingleEngine({ remoteAcksAll: true })
  const link = single.addWorkingLink()
  single.do((engine, nowMs) => engine.finish(nowMs))
  single.receiveData(link, 0, 100)
  single.receive(link, { type: MessageType.SendFinish, sequence: 1 })
  single.do((engine, nowMs) => {
    while (engine.read());
    engine.receive(link, { type: MessageType.Goodbye, over: true }, nowMs)
  })
  const kinds = single.events.map(({ event }) => event.kind)
  t.same(kinds.slice(kinds.indexOf('end')), ['end', 'linkClosed', 'closed'])
  t.end()
})
