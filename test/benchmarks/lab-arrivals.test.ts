import t from 'tap'
import { bytesUntil, goodput, longestSilence, rateReached } from '../../benchmarks/lab/arrivals.ts'
import type { ArrivalLog } from '../../benchmarks/lab/messages.ts'

/** A piece of 1,000 bytes every ms: 8 Mbit/s, but where `silent` says so. */
function steady(lengthMs: number, silent = (_: number): boolean => false): ArrivalLog {
  const timesMs: number[] = []
  for (let atMs = 0; atMs < lengthMs; atMs++) if (!silent(atMs)) timesMs.push(atMs)
  return { timesMs, totals: timesMs.map((_, index) => (index + 1) * 1_000) }
}

const stalled = steady(2_000, atMs => atMs >= 500 && atMs < 700)

t.test('bytes are counted up to and with the moment asked for', async t => {
  const log = { timesMs: [10, 20, 20, 30], totals: [1, 3, 6, 10] }
  t.same(
    [9.9, 10, 19, 20, 25, 30, 1_000].map(atMs => bytesUntil(log, atMs)),
    [0, 1, 1, 6, 6, 10, 10],
  )
  t.equal(bytesUntil({ timesMs: [], totals: [] }, 5), 0)
})

t.test('goodput is that of all streams between two moments', async t => {
  t.equal(goodput([steady(1_000)], 100, 600), 8)
  t.equal(goodput([steady(1_000), steady(1_000)], 100, 600), 16)
  t.equal(goodput([stalled], 400, 800), 4, 'less what did not come')
})

t.test('the longest silence is found, also one that begins before or lasts beyond', async t => {
  t.same(longestSilence(stalled, 100, 1_000), { startMs: 499, lengthMs: 201 })
  t.same(longestSilence(stalled, 600, 1_000), { startMs: 499, lengthMs: 201 })
  t.same(longestSilence(stalled, 800, 1_000), { startMs: 799, lengthMs: 1 })
  t.same(longestSilence(steady(100), 50, 400), { startMs: 99, lengthMs: 301 }, 'nothing comes any more')
  t.same(longestSilence({ timesMs: [], totals: [] }, 50, 400), { startMs: 50, lengthMs: 350 })
})

t.test('a rate is reached when it is kept for 300 ms', async t => {
  t.equal(rateReached(steady(1_000), 8, 100, 1_000), 100, 'at once')
  t.equal(rateReached(stalled, 8, 450, 2_000), 700, 'after the silence')
  t.equal(rateReached(stalled, 9, 0, 2_000), undefined, 'never')
  const burst = steady(2_000, atMs => atMs >= 500 && atMs < 900 && !(atMs >= 600 && atMs < 700))
  t.equal(rateReached(burst, 8, 550, 2_000), 900, 'not by a burst')
})
