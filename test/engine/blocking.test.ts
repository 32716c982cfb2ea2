import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

const link = { rateBytesPerMs: 1_000, delayMs: 10 }

for (const side of ['client', 'server'] as const) {
  t.test(`a link blocked by the ${side} carries no data in either direction until it is unblocked`, async t => {
    const pair = new SimulatedPair({ seed: 1, links: [link, link] })
    for (const end of pair.sides) end.write(20_000_000)
    pair.runUntil(1_000)
    pair.block(0, side)
    pair.runFor(300)
    const reliable = () => pair.auditor.traffic('client', 0).reliable + pair.auditor.traffic('server', 0).reliable
    const before = reliable()
    const readBefore = pair.server.readBytes
    pair.runFor(2_000)
    t.equal(reliable(), before, 'nothing on the blocked link')
    t.ok(pair.server.readBytes - readBefore > 1_000_000, 'the other link carries on')
    for (const end of pair.sides) t.equal(end.changes(0).filter(change => change.kind === 'blocked').length, 1)
    pair.unblock(0, side)
    pair.runFor(1_000)
    t.ok(reliable() > before, 'it is used again')
    for (const end of pair.sides) t.equal(end.isWorking(0), true, 'being blocked is no failure')
  })
}

t.test('acks, pings and pongs go on over a blocked link', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.do((engine, nowMs) => engine.setBlocked(link, true, nowMs))
  t.match(single.sentOn(link).at(-1)?.message, { type: MessageType.SetBlock, blocked: true })
  single.forget()
  single.receiveData(link, 0, 100)
  single.receive(link, { type: MessageType.Ping })
  single.write(1_000)
  single.advance(15_000)
  const types = single.sentOn(link).map(({ message }) => message.type)
  t.same(types, [MessageType.Ack, MessageType.Pong, MessageType.Ping])
})

t.test('with every link blocked the writer waits, however long, and nothing fails', async t => {
  const pair = new SimulatedPair({ seed: 2, links: [link, link] })
  pair.runUntil(500)
  pair.block(0, 'client')
  pair.block(1, 'server')
  pair.runFor(500)
  pair.client.write(1_000_000)
  pair.runFor(3_600_000)
  t.equal(pair.server.readBytes, 0)
  for (const end of pair.sides) {
    t.equal(end.closure, undefined)
    t.equal(end.openLinks, 2, 'blocked links are not removed for being silent')
  }
  pair.unblock(1, 'server')
  pair.runUntilIdle({ limitMs: 5_000 })
  t.equal(pair.server.readBytes, 1_000_000)
  t.equal(pair.auditor.traffic('client', 0).reliable, 0)
})

t.test('a link blocked by both sides is free when both have unblocked it', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.do((engine, nowMs) => engine.setBlocked(link, true, nowMs))
  single.receive(link, { type: MessageType.SetBlock, blocked: true })
  single.write(1_000)
  single.receive(link, { type: MessageType.SetBlock, blocked: false })
  t.same(single.sequencesOn(link), [], 'the peer does not unblock ours')
  single.do((engine, nowMs) => engine.setBlocked(link, false, nowMs))
  t.same(single.sequencesOn(link), [0])
})

t.test('a block that changes back before it went out is not announced', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.engine.setBlocked(link, true, single.nowMs)
  single.engine.setBlocked(link, false, single.nowMs)
  single.take()
  t.equal(single.sentOn(link, MessageType.SetBlock).length, 0)
})

t.test('a peer that toggles its block 100,000 times leaves the link as it said last', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  for (let turn = 0; turn < 100_000; turn++) single.receive(link, { type: MessageType.SetBlock, blocked: turn % 2 === 0 })
  single.write(1_000)
  t.same(single.sequencesOn(link), [0])
})

t.test('a block that outlives a lost link does not stick to the next one', async t => {
  const pair = new SimulatedPair({ seed: 3, links: [link] })
  pair.runUntil(100)
  pair.block(0, 'server')
  pair.runFor(100)
  pair.reset(0)
  pair.addLink(link)
  pair.client.write(100_000)
  pair.runUntilIdle({ limitMs: 5_000 })
  t.equal(pair.server.readBytes, 100_000)
})
