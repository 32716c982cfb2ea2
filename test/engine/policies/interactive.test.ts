import t from 'tap'
import type { ScheduleName } from '../../../lib/engine/schedulers/schedule.ts'
import { path } from '../../simulation/link-shapes.ts'
import { SimulatedPair } from '../../simulation/simulated-pair.ts'

/** Median and share of the rate of two links under full load: how long the queue makes a ping, and how much gets through. */
function loaded(schedule: ScheduleName): { roundTrip: number; bytes: number } {
  const pair = new SimulatedPair({ seed: 1, links: [path(20, 10), path(20, 10)], schedule: { client: schedule } })
  pair.client.write(1_000_000_000)
  pair.runUntil(3_000)
  const before = pair.server.readBytes
  const found: number[] = []
  for (let round = 0; round < 300; round++) {
    pair.runFor(10)
    found.push(pair.client.link(0)?.path.roundTripMs ?? 0)
  }
  found.sort((one, other) => one - other)
  return { roundTrip: Number(found[150]), bytes: pair.server.readBytes - before }
}

t.test('interactive keeps queues shorter than aggregate and most of the bandwidth', async t => {
  const [aggregate, interactive] = [loaded('aggregate'), loaded('interactive')]
  t.comment(`round trips ${interactive.roundTrip.toFixed(1)} and ${aggregate.roundTrip.toFixed(1)} ms`)
  t.ok(interactive.roundTrip < aggregate.roundTrip - 4)
  t.ok(interactive.bytes > 0.9 * aggregate.bytes, `${interactive.bytes} and ${aggregate.bytes} bytes`)
})

t.test('interactive keeps off a link that would hold up the stream, however much the application has', async t => {
  const used = (schedule: ScheduleName) => {
    const pair = new SimulatedPair({ seed: 1, links: [path(50, 10), path(1, 400)], schedule: { client: schedule } })
    pair.runUntil(3_000)
    for (let round = 0; round < 200; round++) {
      pair.client.write(30_000)
      pair.runFor(10)
    }
    return pair.server.longestGapMs
  }
  t.ok(used('interactive') <= used('aggregate'))
  t.ok(used('interactive') < 60, `longest gap ${used('interactive')} ms`)
})

t.test('everything arrives under interactive', async t => {
  const pair = new SimulatedPair({
    seed: 2,
    links: [path(20, 10), path(2, 200), path(5, 30)],
    schedule: { client: 'interactive', server: 'interactive' },
  })
  for (const end of pair.sides) end.write(3_000_000)
  pair.runUntil(300)
  pair.reset(0)
  pair.runUntilIdle({ limitMs: 60_000 })
  for (const end of pair.sides) t.equal(end.readBytes, 3_000_000)
})
