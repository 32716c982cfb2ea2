// One of two like paths fails in a transfer: how long the reader waits, and how soon the rest, and later the whole, is used.

import t from 'tap'
import { path, rateOf } from '../link-shapes.ts'
import type { Side } from '../simulated-link.ts'
import { SimulatedPair } from '../simulated-pair.ts'

const SHAPE = path(50, 20)
const ROUNDS = 10
const WARM_MS = 1_000

function transfer(seed: number, writer: Side): SimulatedPair {
  const pair = new SimulatedPair({ seed, links: [SHAPE, SHAPE] })
  pair[writer].write(12 * 1_000 * 2 * rateOf(SHAPE))
  pair.runUntil(WARM_MS + 3 * seed)
  return pair
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

for (const writer of ['client', 'server'] as const) {
  t.test(`a blackhole, the ${writer} writes: silence of 75 ms in the median, 90 at worst, then the rest of the rate`, async t => {
    const gaps: number[] = []
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const pair = transfer(seed, writer)
      const reader = writer === 'client' ? pair.server : pair.client
      reader.longestGapMs = 0
      pair.cut(1)
      pair.runFor(300)
      gaps.push(reader.longestGapMs)
      const before = reader.readBytes
      pair.runFor(200)
      t.ok(reader.readBytes - before >= 0.8 * 200 * rateOf(SHAPE), 'after 300 ms at least 80 % of what is left')
    }
    t.ok(median(gaps) <= 75, `median ${median(gaps).toFixed()} ms`)
    t.ok(Math.max(...gaps) <= 90, `worst ${Math.max(...gaps).toFixed()} ms`)
  })

  t.test(`a reset, the ${writer} writes: silence of at most 50 ms`, async t => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const pair = transfer(seed, writer)
      const reader = writer === 'client' ? pair.server : pair.client
      reader.longestGapMs = 0
      pair.reset(1)
      pair.runFor(300)
      t.ok(reader.longestGapMs <= 50, `${reader.longestGapMs.toFixed()} ms`)
    }
  })

  t.test(`a path of which a new link comes after 4 s, the ${writer} writes: 85 % of the whole rate within 1 s`, async t => {
    const pair = transfer(1, writer)
    const reader = writer === 'client' ? pair.server : pair.client
    pair.cut(1)
    pair.runFor(4_000)
    pair.addLink(SHAPE)
    pair.runFor(700)
    const before = reader.readBytes
    pair.runFor(300)
    const share = (reader.readBytes - before) / 300 / (2 * rateOf(SHAPE))
    t.ok(share >= 0.85, `${(share * 100).toFixed()} %`)
  })

  t.test(
    `a path that is mended after 4 s and needs no new link, the ${writer} writes: 85 % of the whole rate within 1 s`,
    async t => {
      const pair = transfer(1, writer)
      const reader = writer === 'client' ? pair.server : pair.client
      pair.pause(1, 4_000)
      pair.runFor(4_700)
      const before = reader.readBytes
      pair.runFor(300)
      const share = (reader.readBytes - before) / 300 / (2 * rateOf(SHAPE))
      t.ok(share >= 0.85, `${(share * 100).toFixed()} %`)
    },
  )
}
