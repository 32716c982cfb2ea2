// A process that runs worlds for the pool, one after the other.

import { drawPlan } from './draw-plan.ts'
import { runWorld } from './load.ts'
import { formatPlan, parsePlan } from './plan-text.ts'
import type { Job, WorldReport } from './pool.ts'
import { shrink } from './shrink.ts'

async function run(job: Job): Promise<void> {
  const startCpu = process.cpuUsage()
  const plan = job.plan === undefined ? drawPlan(job.seed) : parsePlan(job.plan)
  if (job.shrinks) {
    const shrunk = await shrink(plan, async candidate => (await runWorld(candidate)).failure)
    process.send?.({ kind: 'shrunk', plan: formatPlan(shrunk) })
    return
  }
  const { faults, ...outcome } = await runWorld(plan)
  const { user, system } = process.cpuUsage(startCpu)
  const report: WorldReport = { ...outcome, faults: [...faults], cpuMs: (user + system) / 1_000 }
  process.send?.({ kind: 'ran', report })
}

process.on('message', (job: Job) => {
  void run(job)
})
process.on('disconnect', () => process.exit())
