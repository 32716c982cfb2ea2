// All links pause together, as when a machine or a radio stands still for a moment: no link is in doubt for it, and next
// to nothing is sent twice.

import t from 'tap'
import { path } from '../link-shapes.ts'
import type { LinkShape } from '../simulated-link.ts'
import { SimulatedPair } from '../simulated-pair.ts'

const PAUSE_MS = 250
const EVERY_MS = 2_000
const DURATION_MS = 20_000
const WRITE_EVERY_MS = 20
/** What is late for its own link, or was predicted to come earlier over the other one. */
const MOST_REPEATED = 0.01

const cases: readonly (readonly [title: string, links: readonly LinkShape[]])[] = [
  ['like links', [path(50, 20), path(50, 20)]],
  ['unlike links with jitter', [path(50, 40, 10), path(20, 80, 20)]],
]

for (const [title, links] of cases) {
  for (const load of ['bulk', 'trickle'] as const) {
    t.test(`${title}, ${load}: pauses of ${PAUSE_MS} ms of all links raise no alarm`, async t => {
      const pair = new SimulatedPair({ seed: 3, links })
      if (load === 'bulk') pair.client.write(DURATION_MS * 100 * 125)
      for (let nextMs = EVERY_MS / 2; pair.nowMs < DURATION_MS; pair.runFor(WRITE_EVERY_MS)) {
        if (load === 'trickle') pair.client.write(300)
        if (pair.nowMs < nextMs) continue
        for (const index of links.keys()) pair.pause(index, PAUSE_MS)
        nextMs += EVERY_MS
      }
      for (const { resent } of pair.client.engine.links) t.equal(resent, 0, 'nothing was sent again for a doubt')
      const traffic = links.map((_, index) => pair.auditor.traffic('client', index))
      const repeated = traffic.reduce((sum, { repeatedBytes }) => sum + repeatedBytes, 0)
      const sent = traffic.reduce((sum, { newBytes }) => sum + newBytes, 0)
      t.ok(sent > 0)
      t.ok(repeated <= MOST_REPEATED * sent, `${repeated} of ${sent} bytes were copied`)
    })
  }
}
