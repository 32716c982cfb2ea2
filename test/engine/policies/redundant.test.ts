import t from 'tap'
import { redundant } from '../../../lib/engine/schedulers/redundant.ts'
import { path } from '../../simulation/link-shapes.ts'
import { Random } from '../../simulation/random.ts'
import type { LinkShape } from '../../simulation/simulated-link.ts'
import { SimulatedPair } from '../../simulation/simulated-pair.ts'
import { SingleEngine } from '../../simulation/single-engine.ts'

t.test('every message goes over all links, and takes credit once', async t => {
  const single = new SingleEngine({ remoteRecvBuffer: 100_000 })
  const links = [0, 1, 2].map(() => single.addWorkingLink())
  single.do((engine, nowMs) => engine.setSchedule('redundant', nowMs))
  single.advance(2_000)
  single.write(1_000)
  single.write(1_000)
  for (const link of links) t.same(single.sequencesOn(link), [0, 1])
  t.equal(single.engine.stats(single.nowMs).unacked, 2_000)
  t.equal(single.engine.stats(single.nowMs).sendSpace, 98_000)
  single.acknowledge(links[2] as never)
  t.equal(single.engine.stats(single.nowMs).unacked, 0, 'the first ack counts')
  t.ok((links[0]?.path.inFlightBytes ?? 0) > 2_000, 'the others are awaited on their links')
})

t.test('redundant(2) takes the two links where the message arrives first', async t => {
  const single = new SingleEngine()
  const links = [50, 10, 20].map(roundTripMs => single.addWorkingLink({ roundTripMs }))
  single.do((engine, nowMs) => engine.setSchedule(redundant(2), nowMs))
  single.advance(2_000)
  single.write(1_000)
  t.same(
    links.map(link => single.sequencesOn(link)),
    [[], [0], [0]],
  )
})

t.test('a copy is not owed to a link whose window is full', async t => {
  const single = new SingleEngine({ remoteRecvBuffer: 10_000_000 })
  const [stalled, quick] = [single.addWorkingLink(), single.addWorkingLink()]
  single.do((engine, nowMs) => engine.setSchedule('redundant', nowMs))
  single.advance(2_000)
  for (let round = 0; round < 100; round++) {
    single.write(4_000)
    single.acknowledge(quick)
  }
  t.equal(single.sequencesOn(quick).length, 100)
  t.ok(single.sequencesOn(stalled).length < 20)
})

t.test('a newcomer gets no copies while a link with a history works', async t => {
  const single = new SingleEngine()
  const proven = single.addWorkingLink({ roundTripMs: 10 })
  single.do((engine, nowMs) => engine.setSchedule('redundant', nowMs))
  single.advance(2_000)
  const newcomer = single.addWorkingLink({ roundTripMs: 50 })
  single.write(1_000)
  t.same(single.sequencesOn(proven), [0])
  t.same(single.sequencesOn(newcomer), [])
  single.acknowledge(proven)
  single.advance(1_000)
  single.write(1_000)
  t.same(single.sequencesOn(newcomer), [1])
})

t.test('what is lost with one link and in doubt on another arrives once', async t => {
  for (let seed = 0; seed < 20; seed++) {
    const pair = new SimulatedPair({
      seed,
      links: [path(10, 20), path(5, 40), path(20, 60)],
      schedule: { client: 'redundant', server: 'redundant' },
    })
    for (const end of pair.sides) end.write(500_000, 1_000)
    pair.runUntil(150)
    pair.reset(0)
    pair.pause(1, 2_000)
    pair.runUntilIdle({ limitMs: 30_000 })
    for (const end of pair.sides) t.equal(end.readBytes, 500_000)
  }
})

/** Round trips in ms of 100 bytes, sorted, while one of the links at a time stalls at random, if they do. */
function roundTrips(links: readonly LinkShape[], stalls: boolean): number[] {
  const random = new Random(7)
  const pair = new SimulatedPair({ seed: 5, links, schedule: { client: 'redundant', server: 'redundant' } })
  pair.runUntil(2_000)
  let stallEndMs = 0
  const found: number[] = []
  for (let round = 1; round <= 5_000; round++) {
    if (stalls && pair.nowMs > stallEndMs + 50 && random.chance(0.1)) {
      const durationMs = random.between(20, 500)
      pair.pause(random.below(links.length), durationMs)
      stallEndMs = pair.nowMs + durationMs
    }
    const sentMs = pair.nowMs
    for (const [from, to] of [
      [pair.client, pair.server],
      [pair.server, pair.client],
    ] as const) {
      from.write(100)
      pair.runUntilTrue(() => to.readBytes === round * 100, { limitMs: 5_000 })
    }
    found.push(pair.nowMs - sentMs)
  }
  return found.sort((one, other) => one - other)
}

t.test('ping-pong with one of three links stalling at random is as quick at p99.9 as on one that never stalls', async t => {
  const at = (sorted: readonly number[]) => Number(sorted[Math.floor(sorted.length * 0.999)])
  const best = at(roundTrips([path(20, 20)], false))
  const stalling = at(roundTrips([path(20, 20), path(20, 20), path(20, 20)], true))
  t.comment(`p99.9 ${stalling.toFixed(2)} ms, without stalls ${best.toFixed(2)} ms`)
  t.ok(stalling <= best + 1, `${stalling.toFixed(2)} ms, ${best.toFixed(2)} ms on the link without stalls`)
})
