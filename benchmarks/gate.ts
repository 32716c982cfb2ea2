// The gate: a few ratios with margins so wide that only a real loss of speed fails them.

import { loopback } from './loopback/suite.ts'
import { type Row, rowsOf } from './report.ts'
import { runRounds } from './run-rounds.ts'
import { median, pairedRatios } from './statistics.ts'

const ROUNDS = 5

interface Check {
  readonly what: string
  readonly row: string
  /** Another row to compare with, instead of the baseline. */
  readonly to?: string
  readonly least?: number
  readonly most?: number
}

const ONE_LINK = 'throughput one-way tcp 64KiB 1 link: speed'
const checks: readonly Check[] = [
  { what: 'speed of one link, of net.Socket', row: ONE_LINK, least: 0.3 },
  ...[4, 8].map(links => ({
    what: `speed of ${links} links, of one link`,
    row: `throughput one-way tcp 64KiB ${links} links: speed`,
    to: ONE_LINK,
    least: 0.5,
  })),
  { what: 'median round trip over one link, of net.Socket', row: 'ping-pong tcp 1 link: p50', most: 2.5 },
]

/** Prints each check, and last how many passed and failed. */
export async function runGate(): Promise<boolean> {
  const wanted = new Set(checks.map(({ row }) => row.slice(0, row.indexOf(':'))))
  const own = loopback.cases.filter(({ name }) => wanted.has(name))
  const cases = loopback.cases.filter(one => own.includes(one) || own.some(({ baseline }) => baseline === one.name))
  const rows = rowsOf(await runRounds(cases, ROUNDS, text => console.error(text)))
  const failed = checks.filter(check => !holds(check, rows)).length
  console.log(`${checks.length - failed} passed, ${failed} failed`)
  return failed === 0
}

function holds({ what, row, to, least, most }: Check, rows: readonly Row[]): boolean {
  const own = rowNamed(rows, row)
  const ratio = to === undefined ? own.ratio : median(pairedRatios(own.values, rowNamed(rows, to).values))
  if (ratio === undefined) throw new Error(`${row} has no ratio`)
  const good = ratio >= (least ?? 0) && ratio <= (most ?? Number.POSITIVE_INFINITY)
  const limit = least === undefined ? `at most ${most}` : `at least ${least}`
  console.log(`${good ? 'ok' : 'not ok'} - ${what}: ${ratio.toFixed(2)}, ${limit}`)
  return good
}

function rowNamed(rows: readonly Row[], name: string): Row {
  const found = rows.find(row => row.name === name)
  if (!found) throw new Error(`no row ${name}`)
  return found
}
