import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

const link = { rateBytesPerMs: 1_000, delayMs: 10 }

for (const side of ['client', 'server'] as const) {
  t.test(`a link that the ${side} removes in good order loses nothing and says who asked`, async t => {
    const pair = new SimulatedPair({ seed: 1, links: [link, link] })
    for (const end of pair.sides) end.write(3_000_000)
    pair.runUntil(1_000)
    pair[side].disconnectLink(0)
    pair.runFor(500)
    for (const end of pair.sides) {
      t.equal(end.linkClosure(0)?.reason, end.side === side ? 'locally-requested' : 'remotely-requested')
      t.match(
        end.changes(0).map(({ kind, reason }) => `${kind} ${reason ?? ''}`),
        ['working ', 'notWorking disconnecting', `closed ${end.linkClosure(0)?.reason}`],
      )
    }
    pair.runUntilIdle({ limitMs: 10_000 })
    for (const end of pair.sides) t.equal(end.readBytes, 3_000_000)
  })
}

t.test('crossing Goodbyes remove the link once on each side', async t => {
  const pair = new SimulatedPair({ seed: 2, links: [link, link] })
  for (const end of pair.sides) end.write(3_000_000)
  pair.runUntil(1_000)
  for (const end of pair.sides) end.disconnectLink(0)
  pair.runFor(500)
  for (const end of pair.sides) {
    t.equal(end.linkClosure(0)?.reason, 'locally-requested')
    t.equal(end.changes(0).filter(change => change.kind === 'closed').length, 1)
  }
  pair.runUntilIdle({ limitMs: 10_000 })
})

t.test('when the last link says Goodbye the connection waits for another one', async t => {
  const pair = new SimulatedPair({ seed: 3, links: [link] })
  for (const end of pair.sides) end.write(2_000_000)
  pair.runUntil(1_000)
  pair.client.disconnectLink(0)
  pair.runFor(30_000)
  for (const end of pair.sides) {
    t.equal(end.openLinks, 0)
    t.equal(end.closure, undefined)
  }
  pair.addLink(link)
  pair.runUntilIdle({ limitMs: 10_000 })
  for (const end of pair.sides) t.equal(end.readBytes, 2_000_000)
})

t.test('what was in flight on a link that leaves goes out elsewhere, and its late ack still counts', async t => {
  const single = new SingleEngine()
  const leaving = single.addWorkingLink({ roundTripMs: 5 })
  const staying = single.addWorkingLink({ roundTripMs: 20 })
  single.write(1_000)
  t.same(single.sequencesOn(leaving), [0])
  single.do((engine, nowMs) => engine.disconnectLink(leaving, nowMs))
  t.same(single.sequencesOn(staying), [0])
  single.receive(leaving, { type: MessageType.Ack, sequence: 0 })
  t.equal(single.engine.stats(single.nowMs).unacked, 0)
})

t.test('Goodbye follows the acks that are owed', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.do((engine, nowMs) => engine.setWritable(link, false, nowMs))
  for (const sequence of [0, 1, 2]) single.receiveData(link, sequence, 10)
  single.receive(link, { type: MessageType.Goodbye })
  single.forget()
  single.do((engine, nowMs) => engine.setWritable(link, true, nowMs))
  const types = single.sentOn(link).map(({ message }) => message.type)
  t.same(types, [MessageType.Ack, MessageType.Ack, MessageType.Ack, MessageType.Goodbye])
  t.match(single.linkClosure(link), { reason: 'remotely-requested', abrupt: false })
})

t.test('a link is removed although the other side never answers Goodbye', async t => {
  const single = new SingleEngine({ config: { link: { nonWorkingTimeout: 8_000 } } })
  const link = single.addWorkingLink()
  single.do((engine, nowMs) => engine.disconnectLink(link, nowMs))
  t.equal(single.sentOn(link, MessageType.Goodbye).length, 1)
  t.equal(single.linkClosure(link), undefined)
  const saidMs = single.nowMs
  single.advance(60_000)
  t.match(single.linkClosure(link), { timeMs: saidMs + 8_000, reason: 'locally-requested' })
})

t.test('a peer may answer Goodbye by closing', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.do((engine, nowMs) => engine.disconnectLink(link, nowMs))
  single.do((engine, nowMs) => engine.linkLost(link, 'io-error', nowMs))
  t.equal(single.linkClosure(link)?.reason, 'locally-requested')
})

t.test('a link in the middle of its test can be removed', async t => {
  const pair = new SimulatedPair({ seed: 4, links: [link] })
  pair.client.disconnectLink(0)
  pair.runUntil(1_000)
  for (const end of pair.sides) t.match(end.linkClosure(0)?.reason, /-requested$/)
})

t.test('removing a link twice is like once', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  for (let turn = 0; turn < 2; turn++) single.do((engine, nowMs) => engine.disconnectLink(link, nowMs))
  t.equal(single.sentOn(link, MessageType.Goodbye).length, 1)
  single.receive(link, { type: MessageType.Goodbye })
  t.equal(single.eventsOf('linkClosed').length, 1)
})

t.test('a link that the peer removes and that cannot say Goodbye is given up after nonWorkingTimeout', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.addWorkingLink()
  single.do((engine, nowMs) => engine.setWritable(link, false, nowMs))
  single.receive(link, { type: MessageType.Goodbye })
  const leavingMs = single.nowMs
  single.advance(30_000)
  t.match(single.linkClosure(link), { timeMs: leavingMs + 20_000, reason: 'remotely-requested', abrupt: false })
})
