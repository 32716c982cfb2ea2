import t from 'tap'
import { formatRows, type Row, verdicts } from '../../benchmarks/lab/rows.ts'
import { speedOf } from '../../benchmarks/lab/speed-tool.ts'

const silence: Row = {
  subject: 'hawser',
  what: 'longest silence',
  unit: 'ms',
  better: 'less',
  values: [90, 120, 95],
  targets: [
    { of: 'median', limit: 100 },
    { of: 'worst', limit: 110 },
  ],
}
const rate: Row = {
  subject: 'hawser',
  what: 'steady',
  unit: 'Mbit/s',
  better: 'more',
  values: [160, 158, 162],
  ratios: [0.99, 0.98, 1],
  targets: [{ of: 'median ratio', limit: 0.99 }],
}

t.test('a target holds by the median or by the worst of the runs', async t => {
  t.match(verdicts(silence), [
    { value: 95, holds: true },
    { value: 120, holds: false },
  ])
  t.match(verdicts(rate), [{ value: 0.99, holds: true }])
  t.match(verdicts({ ...rate, targets: [{ of: 'worst ratio', limit: 0.99 }] }), [{ value: 0.98, holds: false }])
})

t.test('no target holds that a run never reached, that a run failed or that nothing was measured for', async t => {
  t.match(verdicts({ ...silence, values: [90, null, null] }), [{ holds: false }, { holds: false }])
  t.match(verdicts({ ...rate, failures: ['wrong data'] }), [{ holds: false }])
  t.match(verdicts({ ...rate, values: [], ratios: [] }), [{ holds: false }])
  t.match(verdicts({ ...silence, values: [] }), [{ holds: false }, { holds: false }])
})

t.test('the table tells figures, targets and what failed', async t => {
  const table = formatRows('one link', [
    silence,
    rate,
    { ...rate, targets: [], values: [], ratios: [], failures: ['wrong data'] },
  ])
  t.match(table, '### one link')
  t.match(table, '| longest silence, ms | hawser | 95 | 120 |  | 3 | median <= 100, worst <= 110 | yes, **no**: 120 |')
  t.match(table, '| steady, Mbit/s | hawser | 160 | 158 | 0.990 | 3 | median ratio >= 0.99 | yes |')
  t.match(table, '| - | - |  | 0 (1 failed: wrong data) |')
})

t.test("the speed that the reference's speed test tells is found", async t => {
  const output = 'Upstream:   \u001b[38;5;12m  19.1\u001b[39m \u001b[38;5;7mMB/s\u001b[39m\nDownstream:   0 B/s\n'
  t.equal(speedOf(output, 'up'), (19.1 * 1_048_576 * 8) / 1e6)
  t.equal(speedOf(output, 'down'), 0)
  t.throws(() => speedOf('Exiting...', 'up'), /tells no speed/)
})
