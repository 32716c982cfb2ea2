import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

const link = { rateBytesPerMs: 1_000, delayMs: 10 }

for (const method of ['closeRead', 'dropRead'] as const) {
  t.test(`${method} refuses the writes of the peer while the other direction goes on`, async t => {
    const pair = new SimulatedPair({ seed: 1, links: [link, link] })
    pair.client.write(50_000_000)
    pair.server.write(1_000_000)
    pair.runUntil(300)
    t.equal(pair.client.writeRefusedMs, undefined)
    pair.server[method]()
    const readBytes = pair.server.readBytes
    pair.runUntilTrue(() => pair.client.writeRefusedMs !== undefined, { limitMs: 1_000 })
    pair.runUntilTrue(() => pair.client.readBytes === 1_000_000, { limitMs: 10_000 })
    t.equal(pair.server.readBytes, readBytes, 'nothing more is delivered')
    t.ok(pair.client.writtenBytes < 50_000_000)
    t.equal(pair.client.closure, undefined)
    pair.server.finish()
    pair.runUntilClosed({ limitMs: 5_000 })
    for (const end of pair.sides) t.equal(end.closure?.failure, undefined, `${end.side} closed in good order`)
  })

  t.test(`${method} on both sides at once ends the connection in good order`, async t => {
    const pair = new SimulatedPair({ seed: 2, links: [link] })
    for (const end of pair.sides) end.write(10_000_000)
    pair.runUntil(500)
    for (const end of pair.sides) end[method]()
    pair.runUntilClosed({ limitMs: 5_000 })
    for (const end of pair.sides) {
      t.equal(end.closure?.failure, undefined)
      t.not(end.writeRefusedMs, undefined)
    }
  })

  t.test(`${method} of a stalled reader frees the writer that its full buffer blocks`, async t => {
    const pair = new SimulatedPair({ seed: 3, links: [link], config: { recvBuffer: 100_000 } })
    pair.server.reader = 'stalled'
    pair.client.write(10_000_000)
    pair.runUntil(2_000)
    pair.server[method]()
    pair.server.finish()
    pair.runUntilClosed({ limitMs: 2_000 })
    for (const end of pair.sides) t.equal(end.closure?.failure, undefined)
  })

  t.test(`${method} survives the loss of the link that carried it`, async t => {
    const pair = new SimulatedPair({ seed: 4, links: [link, { ...link, delayMs: 12 }] })
    pair.client.write(50_000_000)
    pair.runUntil(500)
    pair.server[method]()
    pair.runFor(5)
    pair.reset(0)
    pair.runUntilTrue(() => pair.client.writeRefusedMs !== undefined, { limitMs: 2_000 })
    t.equal(pair.client.closure, undefined)
  })
}

t.test('closeRead says ReceiveClose, takes and acknowledges what still comes, and drops it', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.receiveData(link, 0, 1_000)
  single.do((engine, nowMs) => engine.closeRead(nowMs))
  single.receiveData(link, 1, 2_000)
  t.equal(single.sentOn(link, MessageType.ReceiveClose).length, 1)
  t.equal(single.readAll(), 0)
  t.same(single.acksOn(link), [0, 1])
  const consumed = single.sentOn(link, MessageType.Consumed).map(({ message }) => ('bytes' in message ? message.bytes : 0))
  t.equal(
    consumed.reduce((sum, bytes) => sum + bytes, 0),
    3_000,
    'dropped bytes are reported at once',
  )
})

t.test('dropRead says ReceiveFinish, also behind a ReceiveClose', async t => {
  const single = new SingleEngine()
  single.addWorkingLink()
  single.do((engine, nowMs) => engine.closeRead(nowMs))
  single.do((engine, nowMs) => engine.dropRead(nowMs))
  single.do((engine, nowMs) => engine.dropRead(nowMs))
  const types = single.sent
    .map(({ message }) => message.type)
    .filter(type => type >= MessageType.SendFinish && type <= MessageType.ReceiveFinish)
  t.same(types, [MessageType.ReceiveClose, MessageType.ReceiveFinish])
})

t.test('after ReceiveFinish a writer owes no SendFinish', async t => {
  const single = new SingleEngine({ remoteRecvBuffer: 10_000 })
  const link = single.addWorkingLink()
  single.write(100_000)
  single.receive(link, { type: MessageType.ReceiveFinish, sequence: 0 })
  t.equal(single.eventsOf('writeRefused').length, 1)
  single.do((engine, nowMs) => engine.finish(nowMs))
  single.acknowledge(link)
  single.advance(1_000)
  t.equal(single.sentOn(link, MessageType.SendFinish).length, 0)
})

t.test('after ReceiveClose a writer drops what it has not sent and finishes', async t => {
  const single = new SingleEngine({ remoteRecvBuffer: 10_000 })
  const link = single.addWorkingLink()
  single.write(100_000)
  const sent = single.newBytesSent
  single.receive(link, { type: MessageType.ReceiveClose, sequence: 0 })
  t.equal(single.eventsOf('writeRefused').length, 1)
  single.acknowledge(link)
  t.equal(single.newBytesSent, sent, 'no new data')
  t.equal(single.sentOn(link, MessageType.SendFinish).length, 1)
})

t.test('nothing is refused to a writer that had finished already', async t => {
  const pair = new SimulatedPair({ seed: 5, links: [link] })
  pair.client.write(10_000)
  pair.client.finish()
  pair.runUntil(500)
  pair.server.dropRead()
  pair.server.finish()
  pair.runUntilClosed({ limitMs: 1_000 })
  t.equal(pair.client.writeRefusedMs, undefined)
  for (const end of pair.sides) t.equal(end.closure?.failure, undefined)
})
