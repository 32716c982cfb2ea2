import t from 'tap'
import type { Result } from '../../benchmarks/configurations.ts'
import { formatMarkdown, median, quantile, rowsOf } from '../../benchmarks/report.ts'

const throughput = (megabytesPerSecond: number): Result => ({
  measure: 'throughput',
  megabytesPerSecond,
  cpuSecondsPerGigabyte: 2,
})

t.test('quantiles take values that occurred', async t => {
  t.equal(quantile([1, 2, 3, 4], 0), 1)
  t.equal(quantile([1, 2, 3, 4], 0.99), 4)
  t.equal(quantile([], 0.5), 0)
  t.equal(median([9, 1, 5]), 5)
})

t.test('ratios pair the results of a round before the median is taken', async t => {
  const rows = rowsOf([
    { configuration: { measure: 'throughput', links: 0 }, results: [100, 1_000, 200].map(throughput) },
    { configuration: { measure: 'throughput', links: 2 }, results: [60, 500, 20].map(throughput) },
  ])
  t.match(rows[0], { name: 'one way, 64 KiB writes: net.Socket', median: 200, ratio: 1 })
  t.match(rows[2], { name: 'one way, 64 KiB writes: hawser, 2 links', median: 60, ratio: 0.5 })
  t.equal(
    formatMarkdown(rows.slice(2, 3)),
    '| what | median | x net.Socket |\n|---|---|---|\n| one way, 64 KiB writes: hawser, 2 links | 60.0 MB/s | 0.50 |',
  )
})
