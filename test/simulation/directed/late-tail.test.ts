// The last of what was written is on a path that fails, and nothing else is to be sent: what is late goes out over the other
// link when it is late, although nothing happens then.

import t from 'tap'
import { path, rateOf } from '../link-shapes.ts'
import type { LinkShape } from '../simulated-link.ts'
import { SimulatedPair } from '../simulated-pair.ts'

const WARM_BYTES = 4_000_000

/** A pair that knows its paths and has been idle for a moment. */
function warm(seed: number, links: readonly LinkShape[]): SimulatedPair {
  const pair = new SimulatedPair({ seed, links })
  pair.client.write(WARM_BYTES)
  pair.runUntilIdle({ limitMs: 20_000 })
  pair.runFor(500 + 7 * seed)
  return pair
}

/** The link that carries the newest message. */
function carrierOfNewest(pair: SimulatedPair): number {
  const links = [0, 1]
  const newest = links.map(index => {
    const flights = pair.client.link(index)?.flights
    return flights?.at(flights.length - 1)?.sent.sequence ?? -1
  })
  return newest.indexOf(Math.max(...newest))
}

for (const [first, second, bytes, mostMs] of [
  [path(100, 2), path(10, 2), 14_000, 37],
  [path(50, 2), path(5, 2), 13_500, 48],
  [path(5, 5), path(5, 5), 7_000, 39],
  [path(50, 1), path(20, 1), 65_000, 46],
  // Of the window of one link, which holds more than a round trip.
  [path(50, 5), path(50, 5), 1_000_000, 66],
] as const) {
  const title = [first, second].map(shape => `${rateOf(shape) / 125} Mbit/s, ${2 * (shape.delayMs as number)} ms`).join(' and ')
  t.test(`${title}: the tail of ${bytes} bytes is there ${mostMs} ms after its link failed`, async t => {
    for (let seed = 1; seed <= 10; seed++) {
      const pair = warm(seed, [first, second])
      pair.client.write(bytes)
      pair.runUntilTrue(() => pair.client.engine.queuedBytes === 0, { limitMs: 1_000 })
      pair.cut(carrierOfNewest(pair))
      const cutMs = pair.nowMs
      pair.runUntilTrue(() => pair.server.readBytes === WARM_BYTES + bytes, { limitMs: 1_000 })
      const silenceMs = pair.nowMs - cutMs
      t.ok(silenceMs <= mostMs, `${silenceMs.toFixed(1)} ms`)
    }
  })
}

t.test('all links fall silent just before a message is due: what one answered until then makes it no witness', async t => {
  const pair = warm(1, [path(50, 20), path(50, 16)])
  pair.block(1, 'client')
  pair.client.write(300)
  pair.runFor(1)
  pair.unblock(1, 'client')
  pair.block(0, 'client')
  pair.client.write(300)
  pair.runUntilTrue(() => pair.client.link(1)?.flights.length === 0, { limitMs: 18 })
  t.equal(pair.client.link(0)?.flights.length, 1, 'the older one is still on its way')
  t.equal(pair.client.link(0)?.flights.peek()?.sent.transmissions, 1, 'and nowhere else')
  for (const index of [0, 1]) pair.pause(index, 250)
  const before = pair.auditor.traffic('client', 1).repeatedBytes
  pair.runFor(1_000)
  t.equal(pair.auditor.traffic('client', 1).repeatedBytes, before, 'nothing is sent twice')
  t.equal(pair.server.readBytes, pair.client.writtenBytes)
})
