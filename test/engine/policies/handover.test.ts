import t from 'tap'
import { path } from '../../simulation/link-shapes.ts'
import { ReferenceConnection } from '../../simulation/roles/reference-connection.ts'
import { version010, version097 } from '../../simulation/roles/reference-version.ts'
import type { LinkShape } from '../../simulation/simulated-link.ts'
import { SimulatedPair } from '../../simulation/simulated-pair.ts'
import { carriedWithin } from './carried.ts'

const PLENTY = 1_000_000_000

function handover(links: readonly LinkShape[]): SimulatedPair {
  return new SimulatedPair({ seed: 1, links, schedule: { client: 'handover' } })
}

for (const writer of ['client', 'server'] as const) {
  t.test(`handover uses the quickest link only for what the ${writer} sends`, async t => {
    const pair = handover([path(20, 60), path(20, 20), path(20, 40)])
    pair.runUntil(4_000)
    pair[writer].write(PLENTY)
    const [one, two, three] = carriedWithin(pair, writer, 3_000)
    t.same([one, three], [0, 0])
    t.ok(Number(two) > 6_000_000)
  })

  t.test(`what the ${writer} loads on the active link does not make it look worse than an idle one`, async t => {
    const pair = handover([path(20, 20), path(20, 24)])
    pair.runUntil(2_000)
    pair[writer].write(PLENTY)
    const [one, two] = carriedWithin(pair, writer, 30_000)
    t.ok(Number(one) > 60_000_000)
    t.equal(two, 0)
  })
}

t.test('the active link changes when another is clearly better for two seconds, not before', async t => {
  const pair = handover([path(20, 60)])
  pair.runUntil(2_000)
  pair.addLink(path(20, 10))
  pair.runFor(1_500)
  t.equal(pair.client.link(1)?.standby, 'other-link')
  pair.runFor(4_000)
  t.equal(pair.client.link(1)?.standby, 'no')
  t.equal(pair.client.link(0)?.standby, 'other-link')
})

t.test('standby links are pinged each second', async t => {
  const pair = handover([path(20, 20), path(20, 30)])
  pair.runUntil(3_000)
  const before = pair.auditor.traffic('client', 1).pings
  pair.runFor(10_000)
  const pings = pair.auditor.traffic('client', 1).pings - before
  t.ok(pings >= 8 && pings <= 12, `${pings} pings in 10 s`)
})

for (const writer of ['client', 'server'] as const) {
  t.test(`a dead active link is left within a fraction of a second while the ${writer} sends`, async t => {
    const pair = handover([path(20, 20), path(20, 30)])
    pair.runUntil(3_000)
    pair[writer].write(PLENTY)
    pair.runFor(2_000)
    const reader = writer === 'client' ? pair.server : pair.client
    pair.cut(0)
    const before = reader.readBytes
    pair.runFor(50)
    const already = reader.readBytes
    pair.runUntilTrue(() => reader.readBytes > already + 100_000, { limitMs: 700 })
    t.ok(reader.readBytes > before)
    t.ok(Number(carriedWithin(pair, writer, 1_000)[1]) > 2_000_000)
  })
}

for (const version of [version010, version097]) {
  t.test(`what ${version.name} sends changes over when the active link dies`, async t => {
    const pair = new SimulatedPair({
      seed: 1,
      links: [path(20, 20), path(20, 30)],
      schedule: { client: 'handover' },
      remoteAcksAll: false,
      createEngine: { server: (options, nowMs) => new ReferenceConnection(version, options, nowMs) },
      spanLimit: { server: version.sentSpan },
    })
    pair.runUntil(3_000)
    pair.server.write(PLENTY)
    pair.runFor(2_000)
    t.equal(pair.auditor.traffic('server', 1).newBytes, 0, 'it keeps off the link that stands by')
    pair.cut(0)
    const cutMs = pair.nowMs
    const allowed = () => pair.server.link(1)?.remotelyBlocked === false
    pair.runUntilTrue(allowed, { limitMs: 1_200 })
    t.ok(pair.nowMs - cutMs < 1_200, `it may use the other one after ${pair.nowMs - cutMs} ms`)
    const before = pair.client.readBytes
    pair.runFor(6_000)
    t.ok(pair.client.readBytes - before > 4_000_000)
  })
}

t.test('both ends may hand over, each as it sees fit', async t => {
  // What the ends measure differs: each would rather have another link.
  const skewed = (up: number, down: number) => ({ ...path(20, 40), up: { delayMs: up }, down: { delayMs: down } })
  const pair = new SimulatedPair({
    seed: 4,
    links: [skewed(10, 30), skewed(30, 10), path(20, 41, 8)],
    schedule: { client: 'handover', server: 'handover' },
  })
  for (const end of pair.sides) end.write(PLENTY)
  pair.runUntil(5_000)
  const before = pair.sides.map(end => end.readBytes)
  pair.runFor(100_000)
  for (const [index, end] of pair.sides.entries()) t.ok(end.readBytes - Number(before[index]) > 200_000_000, end.side)
  pair.cut(pair.links.findIndex((_, index) => pair.client.link(index)?.standby === 'no'))
  pair.runFor(3_000)
  for (const side of ['client', 'server'] as const) {
    const carried = carriedWithin(pair, side, 1_000).reduce((sum, bytes) => sum + bytes)
    t.ok(carried > 2_000_000, `${side} goes on: ${carried} bytes in a second`)
  }
})

t.test('an application block holds whatever the schedule wants', async t => {
  const pair = handover([path(20, 20), path(20, 30)])
  pair.runUntil(2_000)
  pair.block(0, 'client')
  pair.client.write(PLENTY)
  pair.runFor(200)
  t.ok(Number(carriedWithin(pair, 'client', 1_000)[1]) > 2_000_000)
  pair.unblock(0, 'client')
  pair.block(1, 'client')
  pair.runFor(200)
  const [one, two] = carriedWithin(pair, 'client', 1_000)
  t.ok(Number(one) > 2_000_000)
  t.equal(two, 0)
})

for (const writer of ['client', 'server'] as const) {
  t.test(`when the schedule changes back to aggregate all links carry what the ${writer} sends at once`, async t => {
    const pair = handover([path(20, 20), path(20, 20)])
    pair[writer].write(PLENTY)
    pair.runUntil(3_000)
    pair.client.setSchedule('aggregate')
    pair.runFor(500)
    const [one, two] = carriedWithin(pair, writer, 1_000)
    t.ok(Number(one) > 2_000_000 && Number(two) > 2_000_000)
  })
}
