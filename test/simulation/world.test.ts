// Simulated worlds: 500 seeds, all that once failed, and the same trace on every version of Node.
// `npm run simulate -- --seeds N` runs as many as one likes, on all cores.

import t from 'tap'
import { drawPlan } from './world/draw-plan.ts'
import { mainFaults } from './world/fault-table.ts'
import { runWorld } from './world/load.ts'
import { readRegressions, replayOf } from './world/regressions.ts'

const SEEDS = 500

/** Of the seeds from 0 on. */
const TRACE_HASHES: readonly string[] = [
  'bc86d02e 5e09dc6d 4c0d0aa3 c789c563 8d36dff7 b8c2446c a9e50eea 5e12a5cd 710b5e49 b200ad7f',
  '54f4fea6 c5e6eaaa 97ded78f dbeead19 77de844b 9afc67ac fc4613f6 c9760ad1 71655e02 ccaae521',
  '88f6951e 9c2688b7 b2946f9e 7b486d49 95d7d475 b1680ac5 b0ea974f c6a2b660 9a1f6674 de53e4aa',
]

t.test(`${SEEDS} worlds deliver every byte, end as they should and leave nothing behind`, async t => {
  const happened = new Set<string>()
  for (let seed = 0; seed < SEEDS; seed++) {
    const { failure, faults } = await runWorld(drawPlan(seed))
    for (const key of faults.keys()) happened.add(key)
    if (failure !== undefined) t.fail(`seed ${seed}: ${failure}\n  npm run simulate -- --seed ${seed} --trace`)
  }
  t.same(
    mainFaults().filter(key => !happened.has(key)),
    [],
    'every kind of fault really happened',
  )
})

t.test('worlds that once went wrong go well', async t => {
  for (const { title, plan } of readRegressions()) {
    const { failure } = await runWorld(plan)
    t.equal(failure, undefined, `${title}\n  ${replayOf(plan)}`)
  }
})

t.test('a seed makes the same trace on every version of Node', async t => {
  const hashes: string[] = []
  for (let seed = 0; seed < 30; seed++) {
    const { traceHash } = await runWorld(drawPlan(seed))
    hashes.push(traceHash.toString(16).padStart(8, '0'))
  }
  t.same(hashes.join(' '), TRACE_HASHES.join(' '))
})
