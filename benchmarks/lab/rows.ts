// Rows of the table: what was measured, of whom, and whether it reaches its target.

import { median } from '../report.ts'

export interface Target {
  /** What must reach the limit: the median or the worst of the runs, or of their ratios to plain TCP. */
  readonly of: 'median' | 'worst' | 'median ratio' | 'worst ratio'
  readonly limit: number
}

export interface Row {
  readonly subject: string
  readonly what: string
  readonly unit: string
  /** Of each run; `null`: never reached. */
  readonly values: readonly (number | null)[]
  /** To what plain TCP carries over all links at once, in the same round; none for what is no rate. */
  readonly ratios?: readonly number[] | undefined
  readonly better: 'more' | 'less'
  readonly targets?: readonly Target[] | undefined
  /** Why runs are missing. */
  readonly failures?: readonly string[] | undefined
}

export interface Verdict extends Target {
  readonly value: number
  readonly holds: boolean
}

/** A value that was never reached is worse than any. */
export function valuesOf({ values, better }: Row): number[] {
  return values.map(value => value ?? (better === 'less' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY))
}

export function worst(values: readonly number[], better: Row['better']): number {
  return better === 'less' ? Math.max(...values) : Math.min(...values)
}

/** A row without a single run holds nothing. */
export function verdicts(row: Row): Verdict[] {
  return (row.targets ?? []).map(target => {
    const all = target.of.endsWith('ratio') ? (row.ratios ?? []) : valuesOf(row)
    const value = target.of.startsWith('median') ? median(all) : worst(all, row.better)
    const reached = row.better === 'less' ? value <= target.limit : value >= target.limit
    return { ...target, value, holds: all.length > 0 && !row.failures?.length && reached }
  })
}

export function formatRows(title: string, rows: readonly Row[]): string {
  const head = [
    `### ${title}`,
    '',
    '| what | of | median | worst | x TCP | runs | target | holds |',
    '|---|---|---|---|---|---|---|---|',
  ]
  return [...head, ...rows.map(formatRow)].join('\n')
}

function formatRow(row: Row): string {
  const { what, subject, unit, ratios, better, failures = [] } = row
  const values = valuesOf(row)
  const figures = values.length > 0 ? [format(median(values)), format(worst(values, better))] : ['-', '-']
  const ratio = ratios && ratios.length > 0 ? median(ratios).toFixed(3) : ''
  const all = verdicts(row)
  const targets = all.map(({ of, limit }) => `${of} ${better === 'less' ? '<=' : '>='} ${format(limit)}`).join(', ')
  const holds = all.map(verdict => (verdict.holds ? 'yes' : `**no**: ${format(verdict.value)}`)).join(', ')
  const runs = failures.length > 0 ? `${values.length} (${failures.length} failed: ${failures[0]})` : `${values.length}`
  return `| ${[`${what}, ${unit}`, subject, ...figures, ratio, runs, targets, holds].join(' | ')} |`
}

/** Ratios need three digits behind the point, milliseconds none. */
function format(value: number): string {
  if (!Number.isFinite(value)) return 'never'
  return Math.abs(value) < 10 ? String(Number(value.toFixed(3))) : String(Number(value.toFixed(1)))
}
