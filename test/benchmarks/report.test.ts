import t from 'tap'
import type { Figure } from '../../benchmarks/case.ts'
import { formatMarkdown, rowsOf } from '../../benchmarks/report.ts'

const speeds = (...values: number[]): Figure[][] => values.map(value => [{ what: 'speed', unit: 'MB/s', value }])
const table = 'Speed'

t.test('ratios pair the results of a round before the median is taken', async t => {
  const rows = rowsOf([
    { case: { name: 'plain', table }, rounds: speeds(100, 1_000, 200) },
    { case: { name: 'bonded', table, baseline: 'plain' }, rounds: speeds(60, 500, 20) },
  ])
  t.same(rows, [
    { table, name: 'plain: speed', unit: 'MB/s', values: [100, 1_000, 200], median: 200 },
    {
      table,
      name: 'bonded: speed',
      unit: 'MB/s',
      values: [60, 500, 20],
      median: 60,
      baseline: 'plain',
      ratios: [0.6, 0.5, 0.1],
      ratio: 0.5,
    },
  ])
})

t.test('a figure that the baseline lacks has no ratio', async t => {
  const [, row] = rowsOf([
    { case: { name: 'plain', table }, rounds: [[{ what: 'CPU', unit: 's', value: 1 }]] },
    { case: { name: 'bonded', table, baseline: 'plain' }, rounds: speeds(60) },
  ])
  t.same(row, { table, name: 'bonded: speed', unit: 'MB/s', values: [60], median: 60 })
})

t.test('nothing has a ratio to 0', async t => {
  const [, row] = rowsOf([
    { case: { name: 'plain', table }, rounds: speeds(100, 0) },
    { case: { name: 'bonded', table, baseline: 'plain' }, rounds: speeds(60, 40) },
  ])
  t.same(row, { table, name: 'bonded: speed', unit: 'MB/s', values: [60, 40], median: 60 })
})

t.test('rows of one heading make one table', async t => {
  const rows = rowsOf([
    { case: { name: 'plain', table }, rounds: speeds(100, 200, 1_000) },
    { case: { name: 'other', table: 'Rest' }, rounds: [], leftOut: 'no such tool' },
    { case: { name: 'bonded', table, baseline: 'plain' }, rounds: speeds(60, 20, 500) },
  ])
  const head = ['', '| what | median | lowest to highest | ratio | to |', '|---|---|---|---|---|']
  t.same(formatMarkdown(rows).split('\n'), [
    '### Speed',
    ...head,
    '| plain: speed | 200 MB/s | 100 to 1000 |  |  |',
    '| bonded: speed | 60.0 MB/s | 20.0 to 500 | 0.50 | plain |',
    '',
    '### Rest',
    ...head,
    '| other | left out: no such tool | | | |',
  ])
})
