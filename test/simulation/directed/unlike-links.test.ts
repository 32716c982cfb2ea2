// Links whose rates and delays differ by orders of magnitude: all carry what they can, and the reader waits for none of them.

import t from 'tap'
import { path, rateOf } from '../link-shapes.ts'
import { SimulatedPair } from '../simulated-pair.ts'

const SHARE = 0.95
const LONGEST_GAP_MS = 20

/** Mbit/s, and the round trip in ms. */
const sets: readonly (readonly (readonly [number, number])[])[] = [
  [
    [1_000, 5],
    [50, 40],
  ],
  [
    [57, 2],
    [467, 52],
    [2, 32],
  ],
  [
    [4, 2],
    [767, 8],
    [29, 1],
    [510, 10],
  ],
  [
    [529, 26],
    [22, 109],
    [10, 1],
    [22, 8],
  ],
  [
    [282, 67],
    [787, 23],
    [345, 5],
    [2, 4],
  ],
]

for (const set of sets) {
  const title = set.map(([megabits, roundTripMs]) => `${megabits} Mbit/s, ${roundTripMs} ms`).join('; ')
  t.test(`${title}: ${SHARE * 100} % of the summed rate, no gap of more than ${LONGEST_GAP_MS} ms`, t => {
    const links = set.map(([megabits, roundTripMs]) => path(megabits, roundTripMs))
    const bytesPerMs = links.reduce((sum, link) => sum + rateOf(link), 0)
    const pair = new SimulatedPair({ seed: 1, links })
    pair.client.write(Math.ceil(3_100 * bytesPerMs))
    pair.runUntil(2_000)
    const before = pair.server.readBytes
    pair.server.longestGapMs = 0
    pair.runFor(1_000)
    const share = (pair.server.readBytes - before) / 1_000 / bytesPerMs
    t.ok(share >= SHARE, `${(share * 100).toFixed(1)} %`)
    t.ok(pair.server.longestGapMs <= LONGEST_GAP_MS, `${pair.server.longestGapMs.toFixed(1)} ms`)
    t.end()
  })
}
