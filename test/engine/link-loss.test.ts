import t from 'tap'
import { Random } from '../simulation/random.ts'
import type { LinkShape } from '../simulation/simulated-link.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'

const link = { rateBytesPerMs: 1_000, delayMs: 10 }

t.test('unacknowledged data of a link that breaks arrives exactly once over the other link', async t => {
  const pair = new SimulatedPair({ seed: 7, links: [link, { ...link, delayMs: 80 }] })
  pair.client.write(1_000_000)
  pair.runUntil(300)
  t.ok(pair.auditor.unackedBytes('client') > 0)
  pair.reset(0)
  pair.runUntilIdle({ limitMs: 10_000 })
  t.equal(pair.server.readBytes, 1_000_000, `same bytes, same order (seed ${pair.seed})`)
  t.ok(pair.auditor.traffic('client', 1).repeatedBytes > 0, 'what was in flight was sent again')
  for (const end of pair.sides) t.equal(end.linkClosure(0)?.reason, 'io-error')
})

t.test('a link that falls silent is off the data path within 300 ms, and used again when it recovers', async t => {
  const pair = new SimulatedPair({ seed: 8, links: [link, link] })
  pair.client.write(8_000_000)
  pair.runUntil(1_000)
  pair.server.longestGapMs = 0
  pair.cut(0)
  pair.runUntil(2_000)
  t.ok(pair.server.longestGapMs < 300, `the reader waited ${pair.server.longestGapMs} ms`)
  const before = pair.auditor.traffic('client', 0).newBytes
  pair.mend(0)
  pair.runUntil(4_000)
  t.ok(pair.auditor.traffic('client', 0).newBytes > before, 'it carries new data')
  pair.runUntilIdle({ limitMs: 20_000 })
})

t.test('one direction of a link that falls silent is enough to lose nothing', async t => {
  for (const sender of ['client', 'server'] as const) {
    const pair = new SimulatedPair({ seed: 9, links: [link, link] })
    for (const end of pair.sides) end.write(2_000_000)
    pair.runUntil(500)
    pair.cut(0, sender)
    pair.runUntilIdle({ limitMs: 20_000 })
    for (const end of pair.sides) t.equal(end.readBytes, 2_000_000, `${sender} is cut off`)
  }
})

t.test('a link that takes everything and delivers nothing is found out', async t => {
  const pair = new SimulatedPair({ seed: 10, links: [link, link] })
  pair.client.write(5_000_000)
  pair.runUntil(500)
  pair.links[0]?.swallow('client')
  pair.runUntilIdle({ limitMs: 30_000 })
  t.equal(pair.server.readBytes, 5_000_000)
})

t.test('a flipped bit costs the link, not the connection', async t => {
  const pair = new SimulatedPair({ seed: 11, links: [link, link] })
  pair.client.write(5_000_000)
  pair.runUntil(500)
  pair.links[0]?.corrupt('client')
  pair.runUntilIdle({ limitMs: 30_000 })
  t.equal(pair.server.readBytes, 5_000_000)
  t.equal(pair.server.linkClosure(0)?.reason, 'protocol-error')
  t.equal(pair.client.linkClosure(0)?.reason, 'io-error')
})

t.test('a connection that lost all links goes on over a new one', async t => {
  const pair = new SimulatedPair({ seed: 12, links: [link, link] })
  for (const end of pair.sides) end.write(3_000_000)
  pair.runUntil(500)
  pair.reset(0)
  pair.reset(1)
  pair.runFor(60_000)
  t.equal(pair.client.openLinks, 0)
  pair.addLink(link)
  pair.runUntilIdle({ limitMs: 20_000 })
  for (const end of pair.sides) t.equal(end.readBytes, 3_000_000)
})

t.test('data written while there is no link goes out over the first one', async t => {
  const pair = new SimulatedPair({ seed: 13, links: [] })
  pair.client.write(100_000)
  pair.runFor(5_000)
  pair.addLink(link)
  pair.runUntilIdle({ limitMs: 5_000 })
  t.equal(pair.server.readBytes, 100_000)
})

t.test('a link that the other side closes in good order is lost like any other', async t => {
  const pair = new SimulatedPair({ seed: 14, links: [link, link] })
  pair.client.write(3_000_000)
  pair.runUntil(500)
  pair.links[0]?.server.end()
  pair.runUntilIdle({ limitMs: 20_000 })
  t.equal(pair.server.readBytes, 3_000_000)
  t.equal(pair.client.linkClosure(0)?.reason, 'io-error')
})

t.test('links reset, stalled, corrupted, paused and added at random lose and double nothing', async t => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed)
    const shape = (): LinkShape => ({
      rateBytesPerMs: random.logBetween(100, 20_000),
      delayMs: random.logBetween(1, 200),
      jitterMs: random.chance(0.5) ? random.logBetween(1, 50) : 0,
      senderBufferBytes: random.logBetween(1_024, 262_144),
      pipeBufferBytes: random.logBetween(4_096, 1_048_576),
      framing: random.chance(0.7) ? 'stream' : 'packet',
    })
    const pair = new SimulatedPair({ seed, links: [shape(), shape(), shape()] })
    const bytes = random.logBetween(10_000, 4_000_000)
    for (const end of pair.sides) end.write(bytes, () => random.logBetween(1, 100_000))
    for (let fault = 0; fault < 30; fault++) {
      pair.runFor(random.logBetween(1, 500))
      const index = random.below(pair.links.length)
      const link = pair.links[index]
      if (!link || pair.isIdle) break
      const side = random.pick(['client', 'server'] as const)
      random.pick([
        () => pair.reset(index),
        () => pair.pause(index, random.logBetween(1, 3_000)),
        () => pair.pause(index, random.logBetween(1, 3_000), side),
        () => (link.framing === 'stream' ? link.corrupt(side) : pair.reset(index)),
        () => link.change({ rateBytesPerMs: random.logBetween(50, 20_000), delayMs: random.logBetween(1, 300) }, side),
        () => link.stall(side),
      ])()
      if (random.chance(0.7)) pair.addLink(shape())
    }
    pair.addLink(shape())
    pair.client.finish()
    pair.server.finish()
    pair.runUntilClosed({ limitMs: 600_000 })
    for (const end of pair.sides) {
      if (end.readBytes !== bytes || end.closure?.failure) t.fail(`seed ${seed}: ${pair}`)
    }
  }
  t.pass('40 seeds')
})
