// The cases of the Linux kernel's self-tests of Multipath TCP (simult_flows): 16 MiB over two paths of like or unlike rates
// and delays, in either direction, in no more time than 90 % of the summed rate needs. The time runs from the first
// test of the links until the reader has seen the end.

import t from 'tap'
import { path, rateOf } from '../link-shapes.ts'
import { SimulatedPair } from '../simulated-pair.ts'

const BYTES = 16_777_216
const SHARE = 0.9

interface Case {
  readonly title: string
  /** Of each path: Mbit/s, and the delay of one direction in ms. */
  readonly paths: readonly [readonly [number, number], readonly [number, number]]
}

const cases: readonly Case[] = [
  {
    title: 'like rates',
    paths: [
      [10, 0],
      [10, 0],
    ],
  },
  {
    title: 'like rates, unlike delays',
    paths: [
      [10, 1],
      [10, 25],
    ],
  },
  {
    title: 'unlike rates',
    paths: [
      [10, 0],
      [3, 0],
    ],
  },
  {
    title: 'unlike rates, the slower path with the longer delay',
    paths: [
      [10, 1],
      [3, 25],
    ],
  },
  {
    title: 'unlike rates, the quicker path with the longer delay',
    paths: [
      [10, 25],
      [3, 1],
    ],
  },
]

for (const { title, paths } of cases) {
  for (const writer of ['client', 'server'] as const) {
    t.test(`${title}, the ${writer} writes: at least ${SHARE * 100} % of the summed rate`, async t => {
      const links = paths.map(([megabits, delayMs]) => path(megabits, 2 * delayMs))
      const pair = new SimulatedPair({ seed: 1, links })
      const reader = writer === 'client' ? pair.server : pair.client
      pair[writer].write(BYTES)
      pair[writer].finish()
      const rate = links.reduce((sum, link) => sum + rateOf(link), 0)
      const allowedMs = BYTES / rate / SHARE
      pair.runUntilTrue(() => reader.endMs !== undefined, { limitMs: 2 * allowedMs, what: 'the end' })
      t.equal(reader.readBytes, BYTES)
      t.ok(pair.nowMs <= allowedMs, `${((BYTES / rate / pair.nowMs) * 100).toFixed(1)} % of the summed rate`)
    })
  }
}
