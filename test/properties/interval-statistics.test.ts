import { deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { IntervalStatistics } from '../../lib/engine/interval-statistics.ts'
import { holds } from './holds.ts'

type Entry = { readonly atMs: number } & ({ readonly sent: number; readonly received: number } | { readonly idle: true })

const START_MS = 1_000
const entries = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.nat(60), fc.nat(500), fc.constantFrom(0, 100, 200)),
    sent: fc.nat(2_000),
    received: fc.nat(2_000),
    idle: fc.integer({ min: 0, max: 4 }).map(number => number === 0),
  }),
  { maxLength: 60, size: 'max' },
)

/** From all that ever happened. */
function lastWhole(interval: number, history: readonly Entry[], nowMs: number) {
  const endMs = START_MS + Math.floor((nowMs - START_MS) / interval) * interval
  const within = history.filter(({ atMs }) => atMs >= endMs - interval && atMs < endMs)
  const sum = (of: 'sent' | 'received') => within.reduce((total, entry) => total + ('idle' in entry ? 0 : entry[of]), 0)
  const idled = within.some(entry => 'idle' in entry)
  return { interval, sent: sum('sent'), received: sum('received'), busy: sum('sent') > 0 && !idled }
}

holds(
  'each interval tells what passed in its last whole one, also when nobody looked for long',
  fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 4 }), entries, (lengths, entries) => {
    const statistics = new IntervalStatistics(lengths, START_MS)
    const history: Entry[] = []
    let nowMs = START_MS
    for (const { afterMs, sent, received, idle } of entries) {
      nowMs += afterMs
      if (idle) {
        statistics.idle(nowMs)
        history.push({ atMs: nowMs, idle: true })
      } else {
        statistics.record(sent, received, nowMs)
        history.push({ atMs: nowMs, sent, received })
      }
      deepEqual(
        statistics.last(nowMs),
        lengths.map(interval => lastWhole(interval, history, nowMs)),
      )
    }
  }),
)
