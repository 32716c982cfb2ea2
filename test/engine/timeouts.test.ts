import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

t.test('a link that does not work is removed at the non-working timeout sharp', async t => {
  const single = new SingleEngine({ config: { link: { nonWorkingTimeout: 6_000 } } })
  const link = single.addWorkingLink()
  single.write(1_000)
  single.advance(1_000)
  const [stop] = single.eventsOf('linkNotWorking')
  single.advance(60_000)
  t.match(single.linkClosure(link), { timeMs: (stop?.timeMs as number) + 6_000, reason: 'non-working-timeout', abrupt: true })
})

t.test('a link that never passes its test is removed at the non-working timeout', async t => {
  const single = new SingleEngine({ config: { link: { nonWorkingTimeout: 6_000 } } })
  const addedMs = single.nowMs
  const link = single.addLink()
  single.advance(60_000)
  t.match(single.linkClosure(link), { timeMs: addedMs + 6_000, reason: 'non-working-timeout' })
})

t.test('a connection without any link fails at the no-link timeout sharp', async t => {
  const single = new SingleEngine({ config: { noLinkTimeout: 10_000 } })
  const startMs = single.nowMs
  single.advance(9_999)
  t.equal(single.closure, undefined)
  single.advance(60_000)
  t.match(single.closure, { timeMs: startMs + 10_000, failure: 'no-links-timeout' })
})

t.test('the no-link timeout counts from the loss of the last link', async t => {
  const single = new SingleEngine({ config: { noLinkTimeout: 10_000 } })
  const first = single.addWorkingLink()
  const second = single.addWorkingLink()
  single.advance(5_000)
  single.do((engine, nowMs) => engine.linkLost(first, 'io-error', nowMs))
  single.advance(5_000)
  single.do((engine, nowMs) => engine.linkLost(second, 'io-error', nowMs))
  const lostMs = single.nowMs
  single.advance(60_000)
  t.equal(single.closure?.timeMs, lostMs + 10_000)
})

t.test('a new link stops the no-link timeout only when it works', async t => {
  const single = new SingleEngine({ config: { noLinkTimeout: 10_000 } })
  single.advance(9_000)
  const link = single.addLink()
  single.advance(500)
  single.receive(link, { type: MessageType.Pong })
  single.advance(30_000)
  t.equal(single.closure, undefined, 'it worked in time')

  const late = new SingleEngine({ config: { noLinkTimeout: 10_000 } })
  const startMs = late.nowMs
  late.advance(9_000)
  late.addLink()
  late.advance(30_000)
  t.match(late.closure, { timeMs: startMs + 10_000, failure: 'no-links-timeout' })
})

t.test('links that stop working one after the other fail the connection when the last one has for long enough', async t => {
  const link = { delayMs: 10, rateBytesPerMs: 1_000 }
  const config = { noLinkTimeout: 15_000, link: { pingTimeout: 8_000, nonWorkingTimeout: 6_000 } }
  const pair = new SimulatedPair({ seed: 1, links: [link, link], config })
  for (const end of pair.sides) end.write(100_000_000)
  pair.runUntil(1_000)
  pair.cut(0)
  pair.runFor(2_000)
  pair.cut(1)
  pair.runUntilClosed({ limitMs: 60_000 })
  for (const end of pair.sides) {
    const stops = [0, 1].map(index => end.changes(index).find(change => change.kind === 'notWorking')?.timeMs as number)
    t.equal(end.closure?.timeMs, Math.max(...stops) + 15_000)
    t.equal(end.closure?.failure, 'no-links-timeout')
  }
})

t.test('after the end there is no deadline, no output and no event', async t => {
  const single = new SingleEngine({ config: { noLinkTimeout: 10_000 } })
  const link = single.addWorkingLink()
  single.write(5_000)
  single.do((engine, nowMs) => engine.abort('all-links-failed', nowMs))
  t.equal(single.closure?.failure, 'all-links-failed')
  t.equal(single.linkClosure(link)?.abrupt, true)
  t.equal(single.engine.nextDeadlineMs, undefined)
  t.equal(single.engine.closed, true)
  single.forget()
  single.do((engine, nowMs) => engine.expire(nowMs + 1_000_000))
  single.do((engine, nowMs) => engine.finish(nowMs))
  single.do((engine, nowMs) => engine.dropRead(nowMs))
  t.same(single.sent, [])
  t.same(single.events, [])
})

t.test('a deadline that is run early or twice does nothing', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.write(1_000)
  for (let step = 0; step < 999; step++) {
    single.nowMs++
    single.do((engine, nowMs) => engine.expire(nowMs))
    single.do((engine, nowMs) => engine.expire(nowMs))
  }
  t.equal(single.eventsOf('linkNotWorking').length, 0)
  t.equal(single.sequencesOn(link).length, 1)
})

t.test('with nothing left that could be lost, no working link for long is a normal end, not a failure', async t => {
  for (const lost of [false, true]) {
    const single = new SingleEngine({ config: { noLinkTimeout: 5_000, terminationTimeout: 300_000 } })
    const link = single.addWorkingLink()
    if (lost) single.write(10)
    single.do((engine, nowMs) => engine.finish(nowMs))
    single.receive(link, { type: MessageType.SendFinish, sequence: 0 })
    single.readAll()
    single.advance(30_000) // the link swallows the last acks and is never heard of again
    t.ok(single.closure)
    t.equal(single.closure?.failure, lost ? 'no-links-timeout' : undefined)
  }
})
