// A link that joins a transfer carries its share within a second, and never lets the stream wait for it.

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

/** Of a stream whose messages are delivered one by one. */
const SHORT_GAP_MS = 35

for (const [title, first, second] of [
  ['a tenth of the rate, 20 times the delay', path(100, 10), path(10, 200)],
  ['a tenth of the rate, 60 times the delay', path(50, 5), path(5, 300)],
  ['half the rate, 5 times the delay', path(20, 20), path(10, 100)],
  ['the same rate, 20 times the delay', path(10, 10), path(10, 200)],
  ['a fifth of the rate, 20 times the delay', path(100, 2), path(20, 40)],
  ['less than half the rate, three times the delay', path(50, 20), path(20, 60)],
] as const) {
  for (const writer of ['client', 'server'] as const) {
    t.test(`a link of ${title} joins, the ${writer} writes: no gap of more than ${SHORT_GAP_MS} ms`, async t => {
      const pair = new SimulatedPair({ seed: 5, links: [first] })
      const reader = writer === 'client' ? pair.server : pair.client
      pair[writer].write(6_000 * (rateOf(first) + rateOf(second)))
      pair.runUntil(2_000)
      reader.longestGapMs = 0
      pair.addLink(second)
      pair.runFor(1_000)
      const before = reader.readBytes
      pair.runFor(2_000)
      t.ok(reader.longestGapMs <= SHORT_GAP_MS, `${reader.longestGapMs.toFixed()} ms`)
      const share = (reader.readBytes - before) / 2_000 / (rateOf(first) + rateOf(second))
      t.ok(share >= SHARE, `then ${(share * 100).toFixed(1)} % of both rates`)
    })
  }
}
