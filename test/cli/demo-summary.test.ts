import t from 'tap'
import { ArrivalLog } from '../../lib/cli/demo/arrival-log.ts'
import { type Facts, formatSummary, summarize } from '../../lib/cli/demo/summary.ts'

/** 3 MB/s, of which 2 MB/s are cut from 2 s to 4 s and back at 4.5 s; 6 s in all. `rates` are MB/s in each 100 ms. */
function factsOf(rates: (atMs: number) => number, changes: Partial<Facts> = {}): Facts {
  const arrivals = new ArrivalLog()
  for (let atMs = 100; atMs <= 6_000; atMs += 100) if (rates(atMs) > 0) arrivals.add(rates(atMs) * 100_000, atMs)
  const ledger = { bytes: arrivals.bytes, digest: 'same' }
  return {
    sumRate: 3_000_000,
    cutRate: 2_000_000,
    cutName: 'fast',
    sent: ledger,
    received: ledger,
    arrivals,
    startMs: 0,
    cutMs: 2_000,
    mendMs: 4_000,
    backMs: 4_500,
    endMs: 6_000,
    ...changes,
  }
}

const perfect = (atMs: number): number => (atMs > 2_000 && atMs <= 4_500 ? 1 : 3)

t.test('a perfect run reaches all of what works and passes', async t => {
  const summary = summarize(factsOf(perfect))
  t.strictSame(summary.allWork, { ms: 3_500, bytes: 10_500_000, capacityBytes: 10_500_000 })
  t.strictSame(summary.oneCut, { ms: 2_000, bytes: 2_000_000, capacityBytes: 2_000_000 })
  t.strictSame(summary.whole, { ms: 6_000, bytes: 13_000_000, capacityBytes: 14_000_000 }, 'the mended link counts at once')
  t.equal(summary.costBytes, 0)
  t.equal(summary.backAfterMs, 500)
  t.ok(summary.passed)
})

t.test('the summary says it in few lines', async t => {
  const stalled = (atMs: number): number => (atMs > 2_000 && atMs <= 2_300 ? 0 : perfect(atMs))
  t.strictSame(formatSummary(summarize(factsOf(stalled))), [
    'data            12.7 MB, 0 bytes lost, SHA-256 the same at both ends',
    'all links work  3.0 MB/s of 3.0 MB/s in 3.5 s: 100.0 %, target 90.0 %',
    'fast cut        0.8 MB/s of 1.0 MB/s in 2.0 s: 85.0 %',
    'whole           2.1 MB/s of 2.3 MB/s in 6.0 s: 90.7 %',
    'the cut cost    0.3 MB, or 300 ms of the other links; longest silence 400 ms',
    'fast mended     in use again 500 ms after it was mended',
    'result          passed',
  ])
})

t.test('less than 90 % while all links work fails, and is not rounded up', async t => {
  const slow = summarize(factsOf(atMs => perfect(atMs) * 0.8999))
  t.notOk(slow.passed)
  t.match(formatSummary(slow)[1], /: 89\.9 %/)
  t.ok(summarize(factsOf(atMs => perfect(atMs) * 0.9001)).passed)
})

t.test('a slow time while the link is cut or comes back does not fail, but shows', async t => {
  const summary = summarize(factsOf(atMs => (perfect(atMs) === 1 ? 0.1 : 3)))
  t.ok(summary.passed)
  t.equal(summary.costBytes, 1_800_000)
  t.equal(summary.costMs, 1_800)
})

t.test('lost bytes and a wrong digest fail', async t => {
  const good = factsOf(perfect)
  const lost = summarize({ ...good, sent: { ...good.sent, bytes: good.sent.bytes + 1 } })
  t.notOk(lost.passed)
  t.match(formatSummary(lost)[0], / 1 bytes lost/)
  const wrong = summarize({ ...good, received: { ...good.received, digest: 'other' } })
  t.notOk(wrong.passed)
  t.match(formatSummary(wrong)[0], /DIFFERS/)
  t.match(formatSummary(wrong).at(-1), /FAILED/)
})

t.test('a mended link that is not used again fails', async t => {
  const summary = summarize(factsOf(perfect, { backMs: undefined }))
  t.notOk(summary.passed)
  t.match(formatSummary(summary)[5], /not used again/)
  t.equal(summary.allWork.ms, 2_000, 'only the time before the cut is judged')
})
