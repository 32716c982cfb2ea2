// A device that moves: every 5 s its address changes, its link dies, and a new one comes. Nothing may be lost, and the
// stream may not stand still for longer than it takes to notice.

import t from 'tap'
import { path } from '../link-shapes.ts'
import type { LinkShape } from '../simulated-link.ts'
import { SimulatedPair } from '../simulated-pair.ts'

const ROAMS = 12
const STAY_MS = 5_000

interface Case {
  readonly title: string
  readonly shape: LinkShape
  /** How the old link dies; `silently`: neither end is told. */
  readonly death: 'silently' | 'reset'
  /** The new link is there so long after the old one died; negative: before. */
  readonly newAfterMs: number
  /** A path that stays. */
  readonly fixed?: LinkShape
  /** Longest time without a byte at either application. */
  readonly gapMs: number
}

const cases: readonly Case[] = [
  { title: 'reset', shape: path(10, 40), death: 'reset', newAfterMs: 300, gapMs: 300 + 3 * 40 },
  { title: 'silent death', shape: path(10, 40), death: 'silently', newAfterMs: 300, gapMs: 300 + 3 * 40 + 100 },
  { title: 'silent death on a long path', shape: path(5, 200), death: 'silently', newAfterMs: 500, gapMs: 500 + 3 * 200 + 100 },
  { title: 'the new link comes before the old one dies', shape: path(10, 40), death: 'silently', newAfterMs: -200, gapMs: 250 },
  {
    title: 'reset beside a path that stays',
    shape: path(10, 40),
    death: 'reset',
    newAfterMs: 300,
    fixed: path(2, 60),
    gapMs: 250,
  },
  {
    title: 'silent death beside a path that stays',
    shape: path(10, 40),
    death: 'silently',
    newAfterMs: 300,
    fixed: path(2, 60),
    gapMs: 350,
  },
]

for (const { title, shape, death, newAfterMs, fixed, gapMs } of cases) {
  t.test(`an address that changes every ${STAY_MS / 1_000} s, ${title}: no gap above ${gapMs} ms, nothing lost`, async t => {
    const pair = new SimulatedPair({ seed: 3, links: fixed ? [fixed, shape] : [shape] })
    let current = pair.links.length - 1
    for (const end of pair.sides) end.write(20_000_000)
    pair.runUntil(2_000)
    const longest = { client: 0, server: 0 }
    for (let roam = 0; roam < ROAMS; roam++) {
      for (const end of pair.sides) end.longestGapMs = 0
      const old = current
      pair.clock.after(Math.max(0, -newAfterMs), () => (death === 'reset' ? pair.reset(old) : pair.cut(old)))
      pair.clock.after(Math.max(0, newAfterMs), () => {
        current = pair.addLink(shape)
      })
      pair.runFor(STAY_MS)
      for (const end of pair.sides) longest[end.side] = Math.max(longest[end.side], end.longestGapMs)
    }
    for (const end of pair.sides) t.ok(longest[end.side] <= gapMs, `${end.side}: longest gap ${longest[end.side].toFixed()} ms`)
    for (const end of pair.sides) end.finish()
    pair.runUntilClosed({ limitMs: 300_000 })
    for (const end of pair.sides) {
      t.equal(end.readBytes, 20_000_000, `${end.side} got everything`)
      t.equal(end.closure?.failure, undefined)
    }
  })
}
