import t from 'tap'
import type { LinkRole } from '../../../lib/engine/link-policy.ts'
import { MessageType } from '../../../lib/protocol/messages.ts'
import { path } from '../../simulation/link-shapes.ts'
import { SimulatedPair } from '../../simulation/simulated-pair.ts'
import { SingleEngine } from '../../simulation/single-engine.ts'
import { carriedWithin } from './carried.ts'

const PLENTY = 1_000_000_000

function pairOf(roles: readonly LinkRole[], megabits = 20): SimulatedPair {
  const pair = new SimulatedPair({ seed: 1, links: roles.map(() => path(megabits, 20)) })
  for (const [index, role] of roles.entries()) pair.client.setPolicy(index, { role })
  return pair
}

for (const writer of ['client', 'server'] as const) {
  t.test(`a backup carries nothing that the ${writer} sends while a primary works`, async t => {
    const pair = pairOf(['primary', 'backup'])
    pair.runUntil(500)
    pair[writer].write(PLENTY)
    const [primary, backup] = carriedWithin(pair, writer, 5_000)
    t.ok(Number(primary) > 10_000_000)
    t.equal(backup, 0)
    t.equal(pair.server.link(1)?.remotelyBlocked, true, 'the peer is kept off it by a block')
    t.equal(pair.client.link(1)?.blocked, false, 'though the application has blocked nothing')
  })
}

t.test('a backup takes over in both directions when the primary is lost, and stands by again when one is back', async t => {
  const pair = pairOf(['primary', 'backup'])
  pair.runUntil(2_000)
  for (const end of pair.sides) end.write(PLENTY)
  pair.runFor(1_000)
  pair.reset(0)
  pair.runFor(50)
  for (const side of ['client', 'server'] as const) t.ok(Number(carriedWithin(pair, side, 1_000)[1]) > 1_500_000, `${side} sends`)
  pair.addLink(path(20, 20))
  pair.runFor(3_000)
  for (const side of ['client', 'server'] as const) {
    const [, backup, primary] = carriedWithin(pair, side, 1_000)
    t.equal(backup, 0, `${side} leaves the backup`)
    t.ok(Number(primary) > 1_500_000)
  }
})

t.test('a backup with a history is not given up for a primary that has just joined', async t => {
  const pair = new SimulatedPair({ seed: 1, links: [path(20, 20)] })
  pair.client.setPolicy(0, { role: 'backup' })
  pair.client.write(PLENTY)
  pair.runUntil(3_000)
  pair.addLink(path(100, 2))
  pair.runFor(100)
  const [backup] = carriedWithin(pair, 'client', 500)
  t.ok(Number(backup) > 400_000, `${backup} bytes in the first half second`)
  pair.runFor(1_000)
  t.equal(carriedWithin(pair, 'client', 1_000)[0], 0)
})

t.test('a secondary joins when the primaries cannot keep up', async t => {
  const pair = pairOf(['primary', 'secondary'])
  pair.runUntil(2_000)
  // 20 Mbit/s carry 2.5 MB/s.
  for (let round = 0; round < 100; round++) {
    pair.client.write(10_000)
    pair.runFor(10)
  }
  t.equal(pair.auditor.traffic('client', 1).newBytes, 0, '8 Mbit/s are for the primary alone')
  pair.client.write(PLENTY)
  pair.runFor(2_000)
  const [primary, secondary] = carriedWithin(pair, 'client', 2_000)
  t.ok(Number(primary) > 4_000_000 && Number(secondary) > 4_000_000, `${primary} and ${secondary} bytes`)
  t.equal(pair.server.link(1)?.remotelyBlocked, false, 'what the peer sends over it is up to the peer')
})

t.test('a secondary leaves when the primary can keep up again, though it is quicker', async t => {
  const pair = new SimulatedPair({ seed: 1, links: [path(20, 40), path(20, 10)] })
  pair.client.setPolicy(1, { role: 'secondary' })
  pair.runUntil(2_000)
  pair.client.write(2_000_000)
  const [, helped] = carriedWithin(pair, 'client', 3_000)
  t.ok(Number(helped) > 500_000, `${helped} bytes`)
  t.equal(pair.server.readBytes, 2_000_000)
  const before = pair.auditor.traffic('client', 1).newBytes
  for (let round = 0; round < 20; round++) {
    pair.client.write(1_000)
    pair.runFor(100)
  }
  t.equal(pair.server.readBytes, 2_020_000)
  t.equal(pair.auditor.traffic('client', 1).newBytes, before)
})

t.test('a secondary replaces primaries that are gone, and comes before a backup', async t => {
  const pair = pairOf(['primary', 'secondary', 'backup'])
  pair.client.write(PLENTY)
  pair.runUntil(3_000)
  pair.reset(0)
  pair.runFor(500)
  const [, secondary, backup] = carriedWithin(pair, 'client', 1_000)
  t.ok(Number(secondary) > 2_000_000)
  t.equal(backup, 0)
})

t.test('a link that is never to be used carries control messages only, in both directions, and stays up', async t => {
  const pair = pairOf(['primary', 'never'])
  for (const end of pair.sides) end.write(PLENTY)
  pair.runUntil(2_000)
  t.equal(pair.auditor.traffic('client', 1).reliable, 0)
  pair.reset(0)
  pair.runFor(5_000)
  t.equal(pair.auditor.traffic('client', 1).reliable, 0, 'not even when there is no other')
  for (const end of pair.sides) {
    t.equal(end.isWorking(1), true)
    t.equal(end.closure, undefined)
  }
  pair.client.setPolicy(1, { role: 'primary' })
  pair.runFor(1_000)
  for (const side of ['client', 'server'] as const) t.ok(Number(carriedWithin(pair, side, 1_000)[1]) > 1_500_000, side)
})

t.test('a spent byte budget takes the link out of use for both sides; raised, it is used again', async t => {
  const pair = new SimulatedPair({ seed: 1, links: [path(20, 20), path(20, 20)] })
  pair.client.setPolicy(1, { byteBudget: 3_000_000 })
  for (const end of pair.sides) end.write(PLENTY)
  pair.runUntil(5_000)
  const spent = pair.client.link(1)?.totalBytes ?? 0
  // What was on its way when it was spent, and pings and acks.
  t.ok(spent >= 3_000_000 && spent < 3_400_000, `${spent} bytes`)
  for (const side of ['client', 'server'] as const) t.equal(carriedWithin(pair, side, 1_000)[1], 0)
  pair.client.setPolicy(1, { byteBudget: 10_000_000 })
  for (const side of ['client', 'server'] as const) t.ok(Number(carriedWithin(pair, side, 300)[1]) > 300_000, side)
})

t.test('a budget that is spent by a message is told the peer right behind it', t => {
  const single = new SingleEngine()
  const metered = single.addWorkingLink({ roundTripMs: 10 })
  single.engine.setPolicy(
    metered,
    { role: 'primary', weight: 1, rateLimit: null, byteBudget: metered.totalBytes + 4_000 },
    single.nowMs,
  )
  const before = single.sent.length
  single.write(20_000)
  const types = single.sent.slice(before).map(({ message }) => message.type)
  t.same(types, [MessageType.Data, MessageType.SetBlock])
  t.end()
})

t.test('a rate limit caps what is sent on the link, while it changes, and not what comes', async t => {
  const pair = new SimulatedPair({ seed: 1, links: [path(20, 20)] })
  pair.client.setPolicy(0, { rateLimit: 100_000 })
  for (const end of pair.sides) end.write(PLENTY)
  pair.runUntil(1_000)
  const sent = () => Number(carriedWithin(pair, 'client', 5_000)[0])
  const slow = sent()
  t.ok(slow > 400_000 && slow <= 510_000, `${slow} bytes in 5 s of 100,000 a second`)
  t.ok(Number(carriedWithin(pair, 'server', 1_000)[0]) > 2_000_000)
  pair.client.setPolicy(0, { rateLimit: 1_000_000 })
  const quick = sent()
  t.ok(quick > 4_500_000 && quick <= 5_100_000, `${quick} bytes in 5 s of 1,000,000 a second`)
  pair.client.setPolicy(0, {})
  pair.runFor(1_000)
  t.ok(sent() > 10_000_000)
})

t.test('with nothing to wake it but the rate limit the rest goes out', async t => {
  const pair = new SimulatedPair({ seed: 1, links: [path(20, 20)] })
  pair.runUntil(200)
  pair.client.setPolicy(0, { rateLimit: 1_000 })
  pair.client.write(20_000)
  pair.runUntilIdle({ limitMs: 30_000 })
  t.equal(pair.server.readBytes, 20_000)
})

t.test('weight decides between links that are alike while neither is full', async t => {
  const pair = new SimulatedPair({ seed: 1, links: [path(20, 20), path(20, 20)] })
  pair.client.setPolicy(1, { weight: 4 })
  pair.runUntil(2_000)
  for (let round = 0; round < 100; round++) {
    pair.client.write(10_000)
    pair.runFor(20)
  }
  const [one = 0, other = 0] = [0, 1].map(index => pair.auditor.traffic('client', index).newBytes)
  t.ok(other > 2 * one, `${other} bytes on the heavier, ${one} on the lighter`)
})

for (const [clients, servers] of [
  [
    ['primary', 'backup'],
    ['backup', 'primary'],
  ],
  [
    ['backup', 'primary', 'secondary'],
    ['primary', 'secondary', 'backup'],
  ],
] as const) {
  t.test(`both ends may contradict each other: ${clients} and ${servers}`, async t => {
    const pair = new SimulatedPair({ seed: 1, links: clients.map(() => path(20, 20)) })
    for (const [index, role] of clients.entries()) pair.client.setPolicy(index, { role })
    for (const [index, role] of servers.entries()) pair.server.setPolicy(index, { role })
    pair.runUntil(5_000)
    const toggles = pair.sides.map(end => end.changes(0).length)
    for (let round = 0; round < 1_000; round++) {
      for (const end of pair.sides) end.write(100_000)
      pair.runFor(100)
    }
    pair.sides.forEach((end, index) => {
      t.ok(end.readBytes > 99_000_000, `${end.side} reads at the rate of the writer`)
      t.ok(
        end.changes(0).length - Number(toggles[index]) <= 4,
        `blocks come to rest: ${end.changes(0).length - Number(toggles[index])} changes`,
      )
    })
    t.equal(pair.auditor.traffic('client', clients.indexOf('backup')).newBytes < 1_000_000, true, 'the client has its way')
  })
}
