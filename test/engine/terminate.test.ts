import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

const link = { rateBytesPerMs: 1_000, delayMs: 10 }
const TERMINATE_WAIT_MS = 5_000

function checkTerminated(test: Pick<typeof t, 'equal'>, pair: SimulatedPair): void {
  for (const end of pair.sides) {
    test.equal(end.closure?.failure, 'terminated', `${end.side} was terminated`)
    test.equal(end.endMs, undefined, `${end.side} saw no end`)
  }
}

for (const side of ['client', 'server'] as const) {
  t.test(`terminate by the ${side} ends both sides although data is under way`, async t => {
    const pair = new SimulatedPair({ seed: 1, links: [link, link] })
    for (const end of pair.sides) end.write(10_000_000)
    pair.runUntil(1_000)
    pair[side].terminate()
    pair.runUntilClosed({ limitMs: 1_000 })
    checkTerminated(t, pair)
    const other = side === 'client' ? pair.server : pair.client
    t.not(other.terminatedMs, undefined, 'the other side is told')
    t.equal(pair[side].terminatedMs, undefined, 'this one asked for it')
  })

  t.test(`terminate by the ${side} does not wait for a link that is stuck longer than 5 s`, async t => {
    const pair = new SimulatedPair({ seed: 2, links: [link, link] })
    for (const end of pair.sides) end.write(10_000_000)
    pair.runUntil(1_000)
    pair.cut(0)
    const startMs = pair.nowMs
    pair[side].terminate()
    pair.runUntilClosed({ limitMs: 2 * TERMINATE_WAIT_MS })
    checkTerminated(t, pair)
    for (const end of pair.sides) t.ok((end.closure?.timeMs as number) <= startMs + TERMINATE_WAIT_MS + 200)
  })
}

t.test('terminate by both sides at once', async t => {
  const pair = new SimulatedPair({ seed: 3, links: [link, link] })
  for (const end of pair.sides) end.write(1_000_000)
  pair.runUntil(500)
  for (const end of pair.sides) end.terminate()
  pair.runUntilClosed({ limitMs: 2_000 })
  checkTerminated(t, pair)
})

t.test('terminate over links that are all stuck gives up after 5 s', async t => {
  const pair = new SimulatedPair({ seed: 4, links: [link, link], config: { noLinkTimeout: 60_000 } })
  pair.client.write(10_000_000)
  pair.runUntil(500)
  for (const index of [0, 1]) pair.cut(index)
  const startMs = pair.nowMs
  pair.client.terminate()
  pair.runUntilTrue(() => pair.client.closure !== undefined, { limitMs: 10_000 })
  t.equal(pair.client.closure?.failure, 'terminated')
  t.equal(pair.client.closure?.timeMs, startMs + TERMINATE_WAIT_MS)
  pair.runUntilClosed({ limitMs: 200_000 })
  t.equal(pair.server.closure?.failure, 'no-links-timeout', 'the other side was never told')
})

t.test('terminate passes a link whose Duplex never drains', async t => {
  const pair = new SimulatedPair({ seed: 5, links: [link] })
  pair.links[0]?.stall('client')
  pair.client.write(10_000_000)
  pair.runUntil(500)
  const startMs = pair.nowMs
  pair.client.terminate()
  pair.runUntilTrue(() => pair.client.closure !== undefined, { limitMs: 10_000 })
  t.ok((pair.client.closure?.timeMs as number) <= startMs + TERMINATE_WAIT_MS)
})

t.test('terminate without a link ends at once', async t => {
  const single = new SingleEngine()
  single.do((engine, nowMs) => engine.terminate(nowMs))
  t.match(single.closure, { timeMs: single.nowMs, failure: 'terminated' })
})

t.test('Terminate on one link is answered on all of them', async t => {
  const single = new SingleEngine()
  const links = [single.addWorkingLink(), single.addWorkingLink(), single.addLink()]
  single.receive(links[1] as (typeof links)[1], { type: MessageType.Terminate })
  for (const link of links) t.equal(single.sentOn(link, MessageType.Terminate).length, 1)
  t.equal(single.eventsOf('terminated').length, 1)
  for (const link of single.engine.links.slice()) single.receive(link, { type: MessageType.Terminate })
  t.equal(single.closure?.failure, 'terminated')
  for (const link of links) t.equal(single.linkClosure(link)?.reason, 'terminated')
})

t.test('a link that joins while the connection terminates is told, too', async t => {
  const single = new SingleEngine()
  single.addWorkingLink()
  single.do((engine, nowMs) => engine.terminate(nowMs))
  const late = single.addLink()
  t.equal(single.sentOn(late, MessageType.Terminate).length, 1)
})

t.test('terminate after a good end changes nothing', async t => {
  const pair = new SimulatedPair({ seed: 6, links: [link] })
  for (const end of pair.sides) end.finish()
  pair.runUntilClosed({ limitMs: 1_000 })
  pair.client.terminate()
  pair.runFor(10_000)
  t.equal(pair.client.closure?.failure, undefined)
})
