// Links come back (threat model, L5) in worlds in which nothing else happens: among all worlds few are as quiet.

import t from 'tap'
import { Random } from './random.ts'
import { drawPlan } from './world/draw-plan.ts'
import { recovering } from './world/draw-recovery.ts'
import { runWorld } from './world/load.ts'
import { formatPlan } from './world/plan-text.ts'

const WORLDS = 100

t.test(`in ${WORLDS} worlds whose paths carry nothing for a while all links work again in time`, async t => {
  let recovered = 0
  for (let seed = 0; seed < WORLDS; seed++) {
    const plan = recovering(new Random(seed), drawPlan(seed))
    const { failure, faults } = await runWorld(plan)
    recovered += faults.get('recovery working') ?? 0
    if (failure !== undefined) t.fail(`${failure}\n  npm run simulate -- --plan '${formatPlan(plan)}' --trace`)
  }
  t.ok(recovered > WORLDS, `${recovered} links did`)
})
