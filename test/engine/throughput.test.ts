// Bulk data gets nearly all of what its links can carry, also over unlike links, in both directions at once and with
// jitter. Virtual time makes the figures exact; what is left out are other users of the path and losses.

import t from 'tap'
import { path, rateOf } from '../simulation/link-shapes.ts'
import type { LinkShape } from '../simulation/simulated-link.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'

interface Case {
  readonly title: string
  readonly links: readonly LinkShape[]
  readonly bothWays?: boolean
  /** Share of the sum of the rates that must be reached after the first 3 s. */
  readonly share: number
}

const cases: readonly Case[] = [
  { title: 'one link', links: [path(20, 20)], share: 0.95 },
  { title: 'two like links', links: [path(20, 20), path(20, 20)], share: 0.95 },
  { title: 'links of 20, 10 and 4 Mbit/s on a LAN', links: [path(20, 0.2), path(10, 0.2), path(4, 0.2)], share: 0.95 },
  { title: 'a quick link and a long slow one', links: [path(20, 5), path(2, 100)], share: 0.95 },
  {
    title: 'eight unlike links',
    links: [path(2, 80), path(4, 70), path(6, 60), path(8, 50), path(10, 40), path(14, 20), path(18, 5), path(20, 1)],
    share: 0.95,
  },
  { title: 'one link in both directions at once', links: [path(20, 20)], bothWays: true, share: 0.9 },
  { title: 'one long link in both directions at once', links: [path(20, 100)], bothWays: true, share: 0.9 },
  { title: 'two unlike links in both directions at once', links: [path(20, 20), path(10, 50)], bothWays: true, share: 0.85 },
  { title: 'a link with half of its round trip as jitter', links: [path(20, 60, 30)], share: 0.9 },
]

for (const { title, links, bothWays, share } of cases) {
  t.test(`${title}: at least ${share * 100} %`, async t => {
    const pair = new SimulatedPair({ seed: 1, links })
    const rate = links.reduce((sum, link) => sum + rateOf(link), 0)
    const writers = bothWays ? pair.sides : [pair.client]
    for (const writer of writers) writer.write(rate * 20_000)
    pair.runUntil(3_000)
    const before = pair.sides.map(end => end.readBytes)
    pair.runUntil(8_000)
    for (const [index, end] of pair.sides.entries()) {
      if (!bothWays && end === pair.client) continue
      const reached = (end.readBytes - (before[index] as number)) / 5_000 / rate
      t.ok(reached >= share, `${end.side} reads ${(reached * 100).toFixed(1)} %`)
    }
  })
}
