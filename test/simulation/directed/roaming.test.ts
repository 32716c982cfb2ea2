// A device that moves: every 5 s its address changes, its link dies, and a new one comes. Nothing may be lost, and the
// stream may stand still no longer than it takes to notice, to test the new link and to send again what was in flight.

import t from 'tap'
import { path, rateOf } from '../link-shapes.ts'
import type { LinkShape, Side } from '../simulated-link.ts'
import { SimulatedPair } from '../simulated-pair.ts'

const ROAMS = 8
const STAY_MS = 5_000
/** The test data of the new link, and a message. */
const SLACK_MS = 50
/** A silent link is in doubt after about so long when another one works. */
const DOUBT_MS = 150
/** With bulk in both directions acks queue behind data, and there is more to be sent again. */
const BOTH_WAYS_MS = 600

interface Case {
  readonly title: string
  readonly roundTripMs: number
  readonly megabits: number
  /** How the old link dies; `silently`: neither end is told. */
  readonly death: 'silently' | 'reset'
  /** The new link is there so long after the old one died; negative: before. */
  readonly newAfterMs: number
  /** A path that stays. */
  readonly fixed?: LinkShape
}

const cases: readonly Case[] = [
  { title: 'reset', roundTripMs: 40, megabits: 10, death: 'reset', newAfterMs: 300 },
  { title: 'silent death', roundTripMs: 40, megabits: 10, death: 'silently', newAfterMs: 300 },
  { title: 'silent death of a long path', roundTripMs: 200, megabits: 5, death: 'silently', newAfterMs: 500 },
  { title: 'silent death after the new link came', roundTripMs: 40, megabits: 10, death: 'silently', newAfterMs: -200 },
  { title: 'reset beside a path that stays', roundTripMs: 40, megabits: 10, death: 'reset', newAfterMs: 300, fixed: path(4, 60) },
  {
    title: 'silent death beside a path that stays',
    roundTripMs: 40,
    megabits: 10,
    death: 'silently',
    newAfterMs: 300,
    fixed: path(4, 60),
  },
]

/** Longest time that the reader may get nothing. */
function longestGapMs({ roundTripMs, death, newAfterMs, fixed }: Case): number {
  const alone = !fixed && newAfterMs > 0
  const noticeMs = alone ? newAfterMs + roundTripMs : death === 'reset' ? 0 : DOUBT_MS
  // What the path that stays holds comes later in the stream than what was lost: it bridges nothing.
  const resendMs = 2 * Math.max(roundTripMs, fixed ? 60 : 0) + (fixed ? 60 : 0)
  return noticeMs + resendMs + SLACK_MS
}

for (const roaming of cases) {
  const directions: readonly (readonly Side[])[] = [['client'], ['server'], ['client', 'server']]
  for (const writers of directions) {
    const gapMs = longestGapMs(roaming) + (writers.length > 1 ? BOTH_WAYS_MS : 0)
    t.test(`${roaming.title}, ${writers.join(' and ')} writing: no gap above ${gapMs} ms, nothing lost`, async t => {
      const { roundTripMs, megabits, death, newAfterMs, fixed } = roaming
      const shape = path(megabits, roundTripMs)
      const pair = new SimulatedPair({ seed: 3, links: fixed ? [fixed, shape] : [shape] })
      const bytes = (megabits + (fixed ? rateOf(fixed) / 125 : 0)) * 125 * STAY_MS * (ROAMS + 3)
      for (const writer of writers) pair[writer].write(bytes)
      const readers = writers.map(writer => (writer === 'client' ? pair.server : pair.client))
      pair.runUntil(2_000)
      for (const reader of readers) reader.longestGapMs = 0
      let current = pair.links.length - 1
      for (let roam = 0; roam < ROAMS; roam++) {
        const old = current
        pair.clock.after(Math.max(0, -newAfterMs), () => (death === 'reset' ? pair.reset(old) : pair.cut(old)))
        pair.clock.after(Math.max(0, newAfterMs), () => {
          current = pair.addLink(shape)
        })
        pair.runFor(STAY_MS)
      }
      for (const reader of readers) {
        t.ok(reader.readBytes < bytes, 'bytes were under way all the time')
        t.ok(reader.longestGapMs <= gapMs, `${reader.side}: longest gap ${reader.longestGapMs.toFixed()} ms`)
      }
      for (const end of pair.sides) end.finish()
      pair.runUntilClosed({ limitMs: 300_000 })
      for (const end of pair.sides) {
        t.equal(end.readBytes, end.peer?.writtenBytes, `${end.side} got everything`)
        t.equal(end.closure?.failure, undefined)
      }
    })
  }
}
