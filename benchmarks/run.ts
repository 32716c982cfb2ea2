// Runs all configurations in turn, round by round, and prints medians beside those of a plain net.Socket.
//
//   npm run bench [-- --rounds 5] [--json]

import { execFile } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { type Configuration, configurations, type Result } from './configurations.ts'
import { formatMarkdown, rowsOf, type Series } from './report.ts'

const RUN_LIMIT_MS = 60_000

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
})
const rounds = Number(options.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError('--rounds must be a positive integer')

const run = promisify(execFile)
const series: (Series & { results: Result[] })[] = configurations.map(configuration => ({ configuration, results: [] }))
// Neighbours in time share what else the machine does, so a round holds every configuration once.
for (let round = 0; round < rounds; round++) {
  for (const { configuration, results } of series) results.push(await measure(configuration))
}

const rows = rowsOf(series)
const conditions = {
  node: process.version,
  machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${process.platform} ${process.arch}`,
  commit: await currentCommit(),
  rounds,
}
if (options.json) {
  console.log(JSON.stringify({ conditions, rows, series }, null, 2))
} else {
  const { node, machine, commit } = conditions
  console.log(`Node ${node}; ${machine}; commit ${commit}; medians of ${rounds} rounds\n\n${formatMarkdown(rows)}`)
}

async function measure(configuration: Configuration): Promise<Result> {
  const script = fileURLToPath(new URL('./measure.js', import.meta.url))
  const { stdout } = await run(process.execPath, [script, JSON.stringify(configuration)], { timeout: RUN_LIMIT_MS })
  return JSON.parse(stdout)
}

async function currentCommit(): Promise<string> {
  try {
    const { stdout } = await run('git', ['describe', '--always', '--dirty'])
    return stdout.trim()
  } catch {
    return 'unknown'
  }
}
