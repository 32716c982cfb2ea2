// Runs worlds: one seed or plan with its trace, or very many on all cores.
//
//   npm run simulate -- --seed N [--trace]
//   npm run simulate -- --plan '<plan>' [--trace]
//   npm run simulate -- --seeds N [--from N] [--jobs N]
//   npm run simulate -- --write-hashes
//
// The last one writes the hashes of traces that all versions of Node must agree on. Seeds from `--from` (0) on, and before them the regressions. What fails is printed with how to see it again, the first
// ones also as a plan that is as small as it gets. The last line is always `N passed, N failed`.

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { drawPlan } from './draw-plan.ts'
import type { WorldPlan } from './plan.ts'
import { formatPlan, parsePlan } from './plan-text.ts'
import { type Job, runJobs, shrinkInProcess } from './pool.ts'
import { readRegressions } from './regressions.ts'
import { Summary } from './summary.ts'

/** Failing seeds that are shrunk. */
const MOST_SHRUNK = 3

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string' },
    plan: { type: 'string' },
    trace: { type: 'boolean', default: false },
    seeds: { type: 'string' },
    from: { type: 'string', default: '0' },
    'write-hashes': { type: 'boolean', default: false },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
})

if (options['write-hashes']) {
  const { writeHashes } = await import('./trace-hashes.ts')
  await writeHashes()
} else if (options.seed !== undefined) await runOne(drawPlan(numberOf('seed', options.seed)))
else if (options.plan !== undefined) await runOne(parsePlan(options.plan))
else await runMany(numberOf('seeds', options.seeds ?? '500'), numberOf('from', options.from), numberOf('jobs', options.jobs))

function numberOf(name: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  console.error(`--${name} must be a whole number, not '${text}'`)
  process.exit(2)
}

async function runOne(plan: WorldPlan): Promise<void> {
  const { runWorld } = await import('./load.ts')
  const trace = options.trace ? (line: string) => process.stdout.write(`${line}\n`) : undefined
  if (options.trace) console.log(formatPlan(plan))
  const { failure, traceHash, steps, virtualMs, bytes } = await runWorld(plan, { trace })
  const figures = `${steps} steps, ${(virtualMs / 1_000).toFixed(1)} s, ${bytes} bytes, trace ${hex(traceHash)}`
  console.log(failure === undefined ? figures : `${failure}\n${figures}`)
  console.log(failure === undefined ? '1 passed, 0 failed' : '0 passed, 1 failed')
  process.exitCode = failure === undefined ? 0 : 1
}

async function runMany(count: number, first: number, processes: number): Promise<void> {
  const summary = new Summary()
  const failed: Job[] = []
  await runJobs(jobs(count, first), processes, (job, report) => {
    summary.add(report)
    if (report.failure === undefined) return
    failed.push(job)
    const again = job.plan === undefined ? `--seed ${job.seed}` : `--plan '${job.plan}'`
    console.log(`FAILED ${job.plan === undefined ? `seed ${job.seed}` : 'a regression'}: ${report.failure}`)
    console.log(`  npm run simulate -- ${again} --trace`)
  })
  for (const job of failed.slice(0, MOST_SHRUNK)) {
    const shrunk = await shrinkInProcess(job)
    if (shrunk !== undefined) console.log(`shrunk from seed ${job.seed}:\n  npm run simulate -- --plan '${shrunk}' --trace`)
  }
  process.exitCode = summary.finish(line => console.log(line)).failed > 0 ? 1 : 0
}

function* jobs(count: number, first: number): Generator<Job, undefined, undefined> {
  for (const { plan } of readRegressions()) yield { seed: plan.seed, plan: formatPlan(plan) }
  for (let seed = first; seed < first + count; seed++) yield { seed }
}

function hex(hash: number): string {
  return hash.toString(16).padStart(8, '0')
}
