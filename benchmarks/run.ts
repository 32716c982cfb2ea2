// Benchmarks. `npm run bench -- --help` tells the options.

import { parseArgs } from 'node:util'
import { conditionsOf, formatConditions } from './conditions.ts'
import { runGate } from './gate.ts'
import { formatMarkdown, rowsOf } from './report.ts'
import { runRounds, selectCases } from './run-rounds.ts'
import { suites } from './suites.ts'

const USAGE = `npm run bench -- [options]

  --suite NAME  only this suite: ${suites.map(({ name }) => name).join(', ')}
  --only PART   only cases whose name has this part, and what they are compared with; may be given several times
  --rounds N    how often each is measured (default: 5; medians of 13 and more can be trusted)
  --json        prints JSON instead of Markdown
  --markdown    prints Markdown, the default
  --gate        only a few ratios with wide margins; the last line is \`N passed, N failed\`
  --list        prints the names of the cases

Every case runs in a process of its own, once in each round. What is running is told on stderr.`

const { values: options } = parseArgs({
  options: {
    suite: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (options.help) console.log(USAGE)
else if (options.list) for (const { name } of selected()) console.log(name)
else if (options.gate) process.exitCode = (await runGate()) ? 0 : 1
else await main()

async function main(): Promise<void> {
  const rounds = Number(options.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError('--rounds must be a positive integer')
  if (options.json && options.markdown) throw new RangeError('either --json or --markdown')
  const series = await runRounds(selected(), rounds, text => console.error(text))
  const conditions = conditionsOf(rounds)
  const rows = rowsOf(series)
  console.log(
    options.json ? JSON.stringify({ conditions, rows }, null, 2) : `${formatConditions(conditions)}\n\n${formatMarkdown(rows)}`,
  )
}

function selected() {
  const chosen = suites.filter(({ name }) => options.suite === undefined || name === options.suite)
  if (chosen.length === 0) throw new RangeError(`no suite ${options.suite}`)
  const cases = chosen.flatMap(({ cases }) => cases)
  return selectCases(cases, options.only)
}
