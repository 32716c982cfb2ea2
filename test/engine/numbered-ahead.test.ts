// Messages that have their number but were not sent yet, because a slower link carries what comes behind them.

import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { path } from '../simulation/link-shapes.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

t.test('the peer may not consume what has only its number', async t => {
  for (const [more, closed] of [
    [0, false],
    [1, true],
  ] as const) {
    const single = new SingleEngine()
    const quick = single.addWorkingLink({ roundTripMs: 5 })
    const slow = single.addWorkingLink({ roundTripMs: 200 })
    single.write(2_000_000)
    t.ok(Number(single.sequencesOn(slow)[0]) > single.sequencesOn(quick).length, 'the slow link is far ahead')
    const { unconsumed } = single.engine.stats(single.nowMs)
    single.receive(quick, { type: MessageType.Consumed, sequence: 0, bytes: unconsumed + more })
    t.equal(single.engine.closed, closed)
  }
})

t.test('they are as large as the quick link likes, and the slow link carries its own', t => {
  const pair = new SimulatedPair({ seed: 7, links: [path(100, 5), path(4, 200)] })
  pair.client.write(60_000_000)
  const sizes: number[][] = [[], []]
  for (let round = 0; round < 30; round++) {
    pair.runUntil(2_000 + 50 * round)
    pair.client.engine.links.forEach(({ flights }, index) => {
      for (let flight = 0; flight < flights.length; flight++) sizes[index]?.push(flights.at(flight)?.wireBytes ?? 0)
    })
  }
  const [quick = [], slow = []] = sizes
  // 3 ms of 100 Mbit/s, and the least there is, which is more than 3 ms of 4 Mbit/s; Consumed and the like are small.
  const large = quick.filter(bytes => bytes > 30_000)
  t.ok(large.length > 0.9 * quick.length, `${large.length} of ${quick.length}`)
  t.ok(slow.length > 0 && slow.every(bytes => bytes <= 8_300), `${Math.max(...slow)} bytes`)
  t.end()
})
