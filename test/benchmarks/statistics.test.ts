import t from 'tap'
import { median, pairedRatios, quantile } from '../../benchmarks/statistics.ts'

t.test('quantiles take values that occurred', async t => {
  t.equal(quantile([1, 2, 3, 4], 0), 1)
  t.equal(quantile([1, 2, 3, 4], 0.5), 3)
  t.equal(quantile([1, 2, 3, 4], 0.99), 4)
  t.equal(quantile([1, 2, 3, 4], 1), 4)
  t.equal(quantile([], 0.5), 0)
})

t.test('a median needs no order and keeps the one there is', async t => {
  const values = [9, 1, 5]
  t.equal(median(values), 5)
  t.same(values, [9, 1, 5])
})

t.test('ratios pair the values of a round', async t => {
  t.same(pairedRatios([60, 500, 20], [100, 1_000, 200]), [0.6, 0.5, 0.1])
  t.throws(() => pairedRatios([1], [1, 2]), RangeError)
})
