// A path that carries bulk data stays usable for others: no more than two bandwidth-delay products, and what hides the
// event loops, wait in it. With data in both directions acks wait behind data, and must not make the windows grow.

import t from 'tap'
import { path, rateOf } from '../link-shapes.ts'
import type { LinkShape } from '../simulated-link.ts'
import { SimulatedPair } from '../simulated-pair.ts'

const WARM_MS = 2_000
const MEASURED_MS = 3_000
const SAMPLE_MS = 5
const LEAST_SHARE = 0.95
/** As the target has it: twice the base round trip and so much. */
const SLACK_MS = 20

interface Case {
  readonly title: string
  readonly roundTripMs: number
  readonly links: readonly LinkShape[]
}

const cases: readonly Case[] = [
  { title: '20 Mbit/s, 20 ms', roundTripMs: 20, links: [path(20, 20)] },
  { title: '20 Mbit/s, 40 ms and 5 ms of jitter', roundTripMs: 40, links: [path(20, 40, 5)] },
  { title: '20 Mbit/s, 100 ms', roundTripMs: 100, links: [path(20, 100)] },
  { title: 'two paths of 10 and 20 Mbit/s, 40 ms', roundTripMs: 40, links: [path(10, 40), path(20, 40)] },
]

for (const { title, roundTripMs, links } of cases) {
  for (const bothWays of [false, true]) {
    t.test(
      `${title}, ${bothWays ? 'both sides write' : 'one side writes'}: the queue stays short, nothing is in doubt`,
      async t => {
        const pair = new SimulatedPair({ seed: 5, links })
        const rate = links.reduce((sum, link) => sum + rateOf(link), 0)
        const writers = bothWays ? pair.sides : [pair.client]
        for (const writer of writers) writer.write(rate * 2 * (WARM_MS + MEASURED_MS))
        pair.runUntil(WARM_MS)
        const before = pair.sides.map(end => end.readBytes)
        const queuesMs: number[] = []
        while (pair.nowMs < WARM_MS + MEASURED_MS) {
          pair.runFor(SAMPLE_MS)
          for (const link of pair.links) {
            const queues = writers.map(({ side }) => queueMs(link.pipes(side)[0]))
            queuesMs.push(queues.reduce((sum, queue) => sum + (queue ?? 0), 0))
          }
        }
        queuesMs.sort((a, b) => a - b)
        const median = queuesMs[Math.floor(queuesMs.length / 2)] as number
        t.ok(median <= roundTripMs + SLACK_MS, `median of what a ping waits for: ${median.toFixed()} ms`)
        for (const [index, { side, readBytes }] of pair.sides.entries()) {
          if (!bothWays && side === 'client') continue
          const share = (readBytes - (before[index] as number)) / MEASURED_MS / rate
          t.ok(share >= LEAST_SHARE, `${side} reads ${(share * 100).toFixed(1)} % of the rate`)
        }
        for (const { engine, side } of pair.sides) {
          for (const link of engine.links) t.equal(link.resent, 0, `${side}: nothing was sent again`)
        }
      },
    )
  }
}

/** What waits in front of the bottleneck, in time at its rate. */
function queueMs(pipe: { heldBytes: number; shape: { rateBytesPerMs: number; delayMs: number } } | undefined): number {
  if (!pipe) return 0
  return Math.max(0, pipe.heldBytes / pipe.shape.rateBytesPerMs - pipe.shape.delayMs)
}
