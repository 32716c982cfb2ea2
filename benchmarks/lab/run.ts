// Benchmarks over shaped links, in the link laboratory (network namespaces; needs root). One case of it, quickly:
//
//   npm run bench:lab -- --case blackhole --runs 4 --only hawser
//   npm run bench:lab -- --case slow-long --runs 1 --only hawser,tcp --direction up
//
// and the same for another build beside this one: --build ../other/dist. `--help` tells the rest.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { parseArgs } from 'node:util'
import { Laboratory } from '../../test/lab/laboratory.ts'
import { cases } from './cases.ts'
import { gate } from './gate.ts'
import type { Direction } from './messages.ts'
import { formatRows, type Row, verdicts } from './rows.ts'
import type { Case, Setup } from './setup.ts'
import { type SubjectName, subjectNames, toolPath, whyNot } from './subjects.ts'

const USAGE = `npm run bench:lab -- [options]

  --case NAME,...      only these cases (default: all); a part of a name selects all that have it
  --only NAME,...      only these of: ${subjectNames.join(', ')}
  --build DIR          measures the build in this dist folder, too, as hawser-other
  --runs N             of each measurement (default: as the case has it)
  --direction up|down  only from the client to the server, or only back (default: both)
  --minutes N          length of each search for false alarms (default: 5)
  --json               prints JSON instead of tables
  --gate               only a few quick checks with wide margins; the last line is \`N passed, N failed\`
  --list               prints the names of the cases

While it runs it tells every single run on stderr. Without root or the laboratory it says why it does nothing.
Ratios "x TCP" are to plain TCP, one stream over each link at once, in the same round.`

const { values: options } = parseArgs({
  options: {
    case: { type: 'string', default: '' },
    only: { type: 'string', default: subjectNames.join(',') },
    build: { type: 'string' },
    runs: { type: 'string' },
    direction: { type: 'string', default: 'both' },
    minutes: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (options.help) console.log(USAGE)
else if (options.list) for (const { name, title } of cases) console.log(`${name.padEnd(16)} ${title}`)
else await main()

async function main(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  const selected = selectedCases()
  const { setup, missing } = setUp()
  try {
    Laboratory.up(['max@0ms']).down()
  } catch (error) {
    console.log(`left out: ${(error as Error).message}`)
    if (options.gate) console.log('0 passed, 0 failed')
    return
  }
  if (options.gate) {
    process.exitCode = (await gate(setup)) ? 0 : 1
    return
  }
  const conditions = {
    node: process.version,
    kernel: `${process.platform} ${release()} ${process.arch}`,
    machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    commit: currentCommit(),
    command: `npm run bench:lab -- ${process.argv.slice(2).join(' ')}`.trim(),
    missing,
  }
  if (!options.json) {
    const { node, kernel, machine, commit, command } = conditions
    console.log(`Node ${node}; ${kernel}; ${machine}; commit ${commit}; \`${command}\``)
    for (const line of missing) console.log(`Not measured: ${line}`)
  }
  const results = []
  for (const one of selected) {
    const rows = await measure(one, setup)
    if (!rows) continue
    results.push({ name: one.name, title: one.title, rows: rows.map(row => ({ ...row, verdicts: verdicts(row) })) })
    if (!options.json) console.log(`\n${formatRows(`${one.name}: ${one.title}`, rows)}`)
  }
  if (options.json) console.log(JSON.stringify({ conditions, results }, null, 2))
}

/** A case that cannot be measured says so and costs the others nothing. */
async function measure(one: Case, setup: Setup): Promise<Row[] | undefined> {
  setup.progress(`== ${one.name}: ${one.title}`)
  try {
    return await one.measure(setup)
  } catch (error) {
    console.error(`${one.name} failed: ${(error as Error).message}`)
    process.exitCode = 1
    return undefined
  }
}

function selectedCases(): readonly Case[] {
  const parts = options.case.split(',')
  for (const part of parts) {
    if (!cases.some(({ name }) => name.includes(part))) throw new RangeError(`no case ${part}: --list tells their names`)
  }
  return cases.filter(({ name }) => parts.some(part => name.includes(part)))
}

function setUp(): { setup: Setup; missing: string[] } {
  const asked = options.only.split(',')
  for (const name of asked) {
    if (!(subjectNames as readonly string[]).includes(name))
      throw new RangeError(`--only: not one of ${subjectNames.join(', ')}: ${name}`)
  }
  const minutes = Number(options.minutes)
  if (!(minutes > 0)) throw new RangeError('--minutes must be more than 0')
  const runs = options.runs === undefined ? undefined : Number(options.runs)
  if (runs !== undefined && !(Number.isInteger(runs) && runs > 0)) throw new RangeError('--runs must be a positive integer')
  if (!['up', 'down', 'both'].includes(options.direction)) throw new RangeError('--direction must be up, down or both')
  const directions: Direction[] = options.direction === 'both' ? ['up', 'down'] : [options.direction as Direction]
  const otherBuild = options.build ?? null
  const missing: string[] = []
  const subjects = (asked as SubjectName[]).filter(name => {
    const reason = whyNot(name, otherBuild)
    if (reason !== undefined && !(name === 'hawser-other' && otherBuild === null)) missing.push(`${name}: ${reason}`)
    return reason === undefined
  })
  const speedTool = asked.includes('agg-tunnel') && existsSync(toolPath('agg-speed'))
  if (asked.includes('agg-tunnel') && !speedTool) missing.push(`agg-speed: ${toolPath('agg-speed')} is not there`)
  const progress = (text: string): void => console.error(text)
  return { setup: { subjects, otherBuild, runs, directions, minutes, speedTool, progress }, missing }
}

function currentCommit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return 'unknown'
  }
}
