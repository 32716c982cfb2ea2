// A path that swallows everything again and again must not slow down the other one.

import t from 'tap'
import { path, rateOf } from '../link-shapes.ts'
import type { LinkShape } from '../simulated-link.ts'
import { SimulatedPair } from '../simulated-pair.ts'

const STEADY = 0
const BAD = 1
const CYCLES = 8
const SHARE = 0.95

interface Case {
  readonly title: string
  readonly steady: LinkShape
  readonly bad: LinkShape
  readonly blackholeMs: number
  readonly aliveMs: number
}

const cases: readonly Case[] = [
  { title: 'like paths', steady: path(10, 20), bad: path(10, 20), blackholeMs: 5_000, aliveMs: 2_000 },
  { title: 'the bad path is the quicker one', steady: path(5, 40), bad: path(20, 10), blackholeMs: 5_000, aliveMs: 2_000 },
  { title: 'the bad path is the slower one', steady: path(20, 10), bad: path(4, 60), blackholeMs: 5_000, aliveMs: 2_000 },
  { title: 'the bad path is alive for longer', steady: path(10, 20), bad: path(10, 20), blackholeMs: 2_000, aliveMs: 5_000 },
]

for (const { title, steady, bad, blackholeMs, aliveMs } of cases) {
  for (const writer of ['client', 'server'] as const) {
    t.test(`${blackholeMs} ms of blackhole and ${aliveMs} ms without, ${title}, the ${writer} writes`, async t => {
      const pair = new SimulatedPair({ seed: 2, links: [steady, bad] })
      const reader = writer === 'client' ? pair.server : pair.client
      const cycleMs = blackholeMs + aliveMs
      const leastBytes = SHARE * rateOf(steady) * cycleMs
      pair[writer].write(2 * CYCLES * cycleMs * (rateOf(steady) + rateOf(bad)))
      pair.runUntil(3_000)
      const [pipe] = (pair.links[STEADY] as (typeof pair.links)[number]).pipes(writer)
      let resends = 0
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        const readBefore = reader.readBytes
        const arrivedBefore = pipe?.arrivedBytes ?? 0
        pair.pause(BAD, blackholeMs)
        pair.runFor(cycleMs)
        const read = reader.readBytes - readBefore
        const carried = (pipe?.arrivedBytes ?? 0) - arrivedBefore
        t.ok(read >= leastBytes, `cycle ${cycle}: the application gets ${share(read)} of the steady path's rate`)
        t.ok(carried >= leastBytes, `cycle ${cycle}: the steady path carries ${share(carried)} of its rate`)
        resends += pair.auditor.traffic(writer, STEADY).repeatedBytes
      }
      t.ok(resends > 0, 'the blackhole met data in flight')
      t.equal(pair[writer].linkClosure(BAD), undefined, 'a path that comes back is used again, not removed')
      const { newBytes } = pair.auditor.traffic(writer, BAD)
      t.ok(newBytes > CYCLES * 0.3 * aliveMs * rateOf(bad), `the bad path carries ${newBytes} bytes while it is alive`)

      function share(bytes: number): string {
        return `${((bytes / cycleMs / rateOf(steady)) * 100).toFixed(1)} %`
      }
    })
  }
}
