// Simulated worlds: 500 seeds, all that once failed, and the same trace on every version of Node.
// `npm run simulate -- --seeds N` runs as many as one likes, on all cores.

import t from 'tap'
import { drawPlan } from './world/draw-plan.ts'
import { mainFaults } from './world/fault-table.ts'
import { runWorld } from './world/load.ts'
import { readRegressions, replayOf } from './world/regressions.ts'
import { hashesOfTraces, readHashes } from './world/trace-hashes.ts'

const SEEDS = 500

t.test(`${SEEDS} worlds deliver every byte, end as they should and leave nothing behind`, async t => {
  const happened = new Set<string>()
  const missing = () => mainFaults().filter(key => !happened.has(key))
  // A few more if chance left a kind of fault out.
  for (let seed = 0; seed < SEEDS || (seed < 2 * SEEDS && missing().length > 0); seed++) {
    const { failure, faults } = await runWorld(drawPlan(seed))
    for (const key of faults.keys()) happened.add(key)
    if (failure !== undefined) t.fail(`seed ${seed}: ${failure}\n  npm run simulate -- --seed ${seed} --trace`)
  }
  t.same(missing(), [], 'every kind of fault really happened')
})

t.test('worlds that once went wrong go well', async t => {
  for (const { title, plan } of readRegressions()) {
    const { failure } = await runWorld(plan)
    t.equal(failure, undefined, `${title}\n  ${replayOf(plan)}`)
  }
})

// They change with the library: `npm run simulate -- --write-hashes` writes them anew.
t.test('a seed makes the same trace on every version of Node', async t => {
  t.equal(await hashesOfTraces(), readHashes())
})
