// A few quick checks with wide margins: nothing that a busy machine could fail, nothing that a real loss of speed passes.

import { cut, faultCase, mend } from './faults.ts'
import { verdicts } from './rows.ts'
import type { Case, Setup } from './setup.ts'
import { throughputCase } from './throughput.ts'

/** Only what is checked and what it is compared with. */
const SUBJECTS = ['hawser', 'tcp'] as const
const throughput = { target: 0.9, steadyMs: 4_000, directions: ['up'], only: SUBJECTS } as const

const checks: readonly { readonly case: Case; readonly runs: number }[] = [
  { case: throughputCase({ ...throughput, name: 'three-rates', specs: ['100mbit', '50mbit', '20mbit'] }), runs: 3 },
  { case: throughputCase({ ...throughput, name: 'equal', specs: ['100mbit', '100mbit'] }), runs: 3 },
  {
    case: faultCase({
      name: 'blackhole',
      title: 'one of two links blackholed',
      fault: cut,
      mend,
      runs: 3,
      only: ['hawser'],
      silence: [{ of: 'median', limit: 600 }],
    }),
    runs: 3,
  },
]

/** Returns whether all hold, and prints each and the count. */
export async function gate(setup: Setup): Promise<boolean> {
  let passed = 0
  let failed = 0
  for (const { case: one, runs } of checks) {
    const rows = await one.measure({ ...setup, subjects: SUBJECTS, runs, speedTool: false })
    for (const row of rows) {
      for (const { of, limit, value, holds } of verdicts(row)) {
        if (holds) passed++
        else failed++
        const sign = row.better === 'less' ? '<=' : '>='
        const failure = row.failures?.[0] ? `; ${row.failures[0]}` : ''
        console.log(
          `${holds ? 'ok    ' : 'FAIL  '}${one.title}: ${row.what}: ${of} ${value.toFixed(2)} ${sign} ${limit}${failure}`,
        )
      }
    }
  }
  console.log(`${passed} passed, ${failed} failed`)
  return passed > 0 && failed === 0
}
