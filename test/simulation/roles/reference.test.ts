// The library's engine with one that behaves like the reference: whatever links do, everything arrives, both sides
// close, and the strict one finds nothing to complain of.

import t from 'tap'
import { path, rateOf } from '../link-shapes.ts'
import type { LinkShape } from '../simulated-link.ts'
import { SimulatedPair } from '../simulated-pair.ts'
import { ReferenceConnection } from './reference-connection.ts'
import { playHistory } from './reference-histories.ts'
import { type ReferenceVersion, version010, version097 } from './reference-version.ts'

const SEEDS = 200
const versions = [version097, version010]

for (const version of versions) {
  t.test(`${SEEDS} random histories with ${version.name}`, async t => {
    const ways = new Map<string, number>()
    for (let seed = 0; seed < SEEDS; seed++) {
      const { pair, reference, ending } = playHistory(version, seed)
      for (const end of pair.sides) {
        const { closure, readBytes, peer } = end
        const who = `seed ${seed}: ${end.side === reference ? version.name : 'hawser'}, ${ending}`
        ways.set(`${ending} ${end.side === reference}`, 1)
        if (closure?.failure === 'protocol-error') t.fail(`${who}: ${closure.detail}`)
        if (ending !== 'terminate' && closure?.failure) t.fail(`${who}: ${closure.failure}`)
        if (ending !== 'finish') continue
        if (readBytes !== peer?.writtenBytes) t.fail(`${who}: read ${readBytes} of ${peer?.writtenBytes}`)
        if (end.endMs === undefined) t.fail(`${who}: no end`)
      }
    }
    t.equal(ways.size, 6, 'both sides met every ending')
  })

  const paths: readonly (readonly LinkShape[])[] = [[path(20, 20)], [path(20, 20), path(10, 40)], [path(50, 2), path(50, 2)]]
  for (const reference of ['server', 'client'] as const) {
    // Acks that come half a second late hide how much a path carries.
    const least = reference === 'server' && version === version097 ? 0.8 : 0.95
    t.test(`with ${version.name} as ${reference === 'server' ? 'reader' : 'writer'}, ${least * 100} % are reached`, async t => {
      for (const links of paths) {
        const pair = pairWith(version, reference, links)
        const rate = links.reduce((sum, link) => sum + rateOf(link), 0)
        pair.client.write(rate * 20_000)
        pair.runUntil(2_000)
        const before = pair.server.readBytes
        pair.runUntil(10_000)
        const share = (pair.server.readBytes - before) / 8_000 / rate
        t.ok(share >= least, `${(share * 100).toFixed()} %`)
      }
    })
  }
}

function pairWith(version: ReferenceVersion, reference: 'client' | 'server', links: readonly LinkShape[]): SimulatedPair {
  return new SimulatedPair({
    seed: 1,
    links,
    remoteAcksAll: false,
    createEngine: { [reference]: (options: never, nowMs: number) => new ReferenceConnection(version, options, nowMs) },
    spanLimit: { [reference]: version.sentSpan },
  })
}
