import t from 'tap'
import { type Case, Unavailable } from '../../benchmarks/case.ts'
import { runRounds, selectCases } from '../../benchmarks/run-rounds.ts'

function recorded(log: string[], name: string, more: Partial<Case> = {}): Case {
  const measure = async () => {
    log.push(name)
    return [{ what: 'runs', unit: '', value: log.length }]
  }
  return { name, table: 'T', measure, ...more }
}

t.test('every round holds every case once', async t => {
  const log: string[] = []
  const series = await runRounds([recorded(log, 'a'), recorded(log, 'b', { rounds: 1 }), recorded(log, 'c')], 2)
  t.same(log, ['a', 'b', 'c', 'a', 'c'])
  t.same(
    series.map(({ rounds }) => rounds.flat().map(({ value }) => value)),
    [[1, 4], [2], [3, 5]],
  )
})

t.test('what cannot run is left out with its reason, what fails ends everything', async t => {
  const unavailable = recorded([], 'tool', { measure: () => Promise.reject(new Unavailable('not installed')) })
  const [series] = await runRounds([unavailable], 3)
  t.match(series, { rounds: [], leftOut: 'not installed' })
  const failing = recorded([], 'broken', { measure: () => Promise.reject(new Error('wrong data')) })
  await t.rejects(runRounds([failing], 3), { message: 'broken failed', cause: { message: 'wrong data' } })
})

t.test('what is selected brings its baseline along', async t => {
  const cases = [recorded([], 'plain'), recorded([], 'bonded 1', { baseline: 'plain' }), recorded([], 'bonded 2')]
  const names = (parts: string[]) => selectCases(cases, parts).map(({ name }) => name)
  t.same(names([]), ['plain', 'bonded 1', 'bonded 2'])
  t.same(names(['1']), ['plain', 'bonded 1'])
  t.same(names(['2']), ['bonded 2'])
  t.throws(() => names(['1', 'none']), RangeError)
})
