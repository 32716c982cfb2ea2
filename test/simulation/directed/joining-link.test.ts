// A link that joins a transfer carries its share within a second.

import t from 'tap'
import { path, rateOf } from '../link-shapes.ts'
import { SimulatedPair } from '../simulated-pair.ts'

const SHARE = 0.9

for (const [title, first, second] of [
  ['a like link', path(20, 20), path(20, 20)],
  ['a slower link with a long delay', path(20, 10), path(10, 100)],
  ['a link with a long delay', path(10, 10), path(10, 200)],
] as const) {
  t.test(`${title} that joins is used to ${SHARE * 100} % after a second`, async t => {
    const pair = new SimulatedPair({ seed: 4, links: [first] })
    pair.client.write(6_000 * (rateOf(first) + rateOf(second)))
    pair.runUntil(2_000)
    const joined = pair.addLink(second)
    pair.runFor(1_000)
    const [pipe] = (pair.links[joined] as (typeof pair.links)[number]).pipes('client')
    const before = pipe?.arrivedBytes ?? 0
    pair.runFor(1_000)
    const share = ((pipe?.arrivedBytes ?? 0) - before) / 1_000 / rateOf(second)
    t.ok(share >= SHARE, `${(share * 100).toFixed(1)} % of its rate`)
  })
}
