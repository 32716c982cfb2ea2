import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

t.test('an idle link is pinged once per interval', async t => {
  const single = new SingleEngine({ config: { link: { ping: { mode: 'whenIdle', interval: 15_000 } } } })
  const link = single.addWorkingLink()
  single.forget()
  const idleMs = single.nowMs
  single.advance(15_010)
  single.receive(link, { type: MessageType.Pong })
  single.advance(15_010)
  single.receive(link, { type: MessageType.Pong })
  t.same(
    single.sentOn(link, MessageType.Ping).map(({ timeMs }) => timeMs),
    [idleMs + 15_000, idleMs + 30_010],
  )
})

t.test('a link that sends is not idle', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.forget()
  for (let second = 0; second < 60; second++) {
    single.advance(1_000)
    single.receiveData(link, second, 10)
  }
  t.equal(single.sentOn(link, MessageType.Ping).length, 0)
})

t.test('periodic pings do not care whether the link is idle', async t => {
  const single = new SingleEngine({ config: { link: { ping: { mode: 'periodic', interval: 2_000 } } } })
  const link = single.addWorkingLink()
  single.forget()
  for (let sequence = 0; sequence < 100; sequence++) {
    single.advance(100)
    single.receiveData(link, sequence, 10)
    if (single.sentOn(link).at(-2)?.message.type === MessageType.Ping) single.receive(link, { type: MessageType.Pong })
  }
  const count = single.sentOn(link, MessageType.Ping).length
  t.ok(count >= 4 && count <= 5, `${count} pings in 10 s`)
})

t.test('whenTimedOut pings no healthy link', async t => {
  const pair = new SimulatedPair({ seed: 1, links: [{ delayMs: 10 }], config: { link: { ping: { mode: 'whenTimedOut' } } } })
  pair.runUntil(1_000)
  const before = pair.auditor.traffic('client', 0).pings
  pair.runFor(3_600_000)
  t.equal(pair.auditor.traffic('client', 0).pings, before)
  t.equal(pair.client.openLinks, 1)
})

t.test('links in doubt of their owner are pinged whatever their mode, and removed when they do not answer', async t => {
  const single = new SingleEngine({ config: { link: { pingTimeout: 5_000, ping: { mode: 'whenTimedOut' } } } })
  const [alive, dead] = [single.addWorkingLink(), single.addWorkingLink()]
  single.forget()
  single.do((engine, nowMs) => engine.probeLinks(nowMs))
  for (const link of [alive, dead]) t.equal(single.sentOn(link, MessageType.Ping).length, 1)
  single.advance(10)
  single.receive(alive, { type: MessageType.Pong })
  single.advance(5_000)
  t.match(single.eventsOf('linkClosed'), [{ link: dead, reason: 'ping-timeout' }])
})

t.test('a ping is answered at once', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.forget()
  single.receive(link, { type: MessageType.Ping })
  t.match(single.sent, [{ timeMs: single.nowMs, link, message: { type: MessageType.Pong } }])
})

t.test('of many pings that cannot be answered only one waits', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.do((engine, nowMs) => engine.setWritable(link, false, nowMs))
  single.forget()
  for (let count = 0; count < 10_000; count++) single.receive(link, { type: MessageType.Ping })
  single.do((engine, nowMs) => engine.setWritable(link, true, nowMs))
  t.equal(single.sentOn(link, MessageType.Pong).length, 1)
})

t.test('a pong that nobody asked for changes nothing', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  const before = link.stats(single.nowMs)
  single.advance(100)
  single.receive(link, { type: MessageType.Pong })
  const { roundTrip, minRoundTrip } = link.stats(single.nowMs)
  t.same({ roundTrip, minRoundTrip }, { roundTrip: before.roundTrip, minRoundTrip: before.minRoundTrip })
})

t.test('a link whose ping stays unanswered is removed at the ping timeout sharp', async t => {
  const single = new SingleEngine({ config: { link: { pingTimeout: 12_000 } } })
  const link = single.addWorkingLink()
  single.forget()
  single.advance(60_000)
  const [ping] = single.sentOn(link, MessageType.Ping)
  t.equal(single.sentOn(link, MessageType.Ping).length, 1, 'one ping at a time')
  t.match(single.linkClosure(link), { timeMs: (ping?.timeMs as number) + 12_000, reason: 'ping-timeout', abrupt: true })
})

t.test('a link whose Duplex takes nothing for the ping timeout is removed', async t => {
  const single = new SingleEngine({ config: { link: { pingTimeout: 12_000 } } })
  const link = single.addWorkingLink()
  single.do((engine, nowMs) => engine.setWritable(link, false, nowMs))
  const stuckMs = single.nowMs
  single.advance(60_000)
  t.match(single.linkClosure(link), { timeMs: stuckMs + 12_000, reason: 'send-timeout', abrupt: true })
})

t.test('an idle link that died is found by its pings, and the other one carries what comes', async t => {
  const link = { delayMs: 10, rateBytesPerMs: 1_000 }
  const pair = new SimulatedPair({ seed: 2, links: [link, link] })
  pair.runUntil(1_000)
  pair.cut(0)
  pair.runFor(60_000)
  for (const end of pair.sides) t.equal(end.linkClosure(0)?.reason, 'ping-timeout')
  pair.client.write(100_000)
  pair.runUntilIdle({ limitMs: 5_000 })
})
