// Rows of the report: medians over the rounds, ratios to the baseline of the same round, and their Markdown.

import type { Case, Figure } from './case.ts'
import { median, pairedRatios } from './statistics.ts'

export { median, quantile } from './statistics.ts'

/** All rounds of one case, in order. */
export interface Series {
  readonly case: Pick<Case, 'name' | 'table' | 'baseline'>
  readonly rounds: readonly (readonly Figure[])[]
  /** Why it was not measured. */
  readonly leftOut?: string | undefined
}

export interface Row {
  readonly table: string
  readonly name: string
  readonly unit: string
  /** Of each round, in order. */
  readonly values: readonly number[]
  readonly median: number
  /** Name of the case that the ratios are to. */
  readonly baseline?: string
  /** To the baseline's value in the same round. */
  readonly ratios?: readonly number[]
  /** Median of the ratios. */
  readonly ratio?: number
  /** Why there are no values. */
  readonly leftOut?: string
}

/** A case whose baseline was not measured, does not measure the same figure or found it to be 0 has no ratio. */
export function rowsOf(all: readonly Series[]): Row[] {
  const byName = new Map(all.map(series => [series.case.name, series]))
  return all.flatMap(series => {
    const { name, table, baseline } = series.case
    const { rounds, leftOut } = series
    if (leftOut !== undefined) return [{ table, name, unit: '', values: [], median: 0, leftOut }]
    const base = baseline === undefined ? undefined : byName.get(baseline)
    return (rounds[0] ?? []).map(({ what, unit }): Row => {
      const values = valuesOf(series, what)
      const row = { table, name: `${name}: ${what}`, unit, values, median: median(values) }
      const baseValues = base ? valuesOf(base, what).slice(0, values.length) : []
      if (baseline === undefined || baseValues.length < values.length || baseValues.includes(0)) return row
      const ratios = pairedRatios(values, baseValues)
      return { ...row, baseline, ratios, ratio: median(ratios) }
    })
  })
}

const valuesOf = ({ rounds }: Series, what: string): number[] =>
  rounds.flatMap(figures => figures.filter(figure => figure.what === what).map(({ value }) => value))

/** A table for each heading, in the order of their first rows. */
export function formatMarkdown(rows: readonly Row[]): string {
  const tables = [...new Set(rows.map(({ table }) => table))]
  return tables
    .map(table =>
      formatTable(
        table,
        rows.filter(row => row.table === table),
      ),
    )
    .join('\n\n')
}

function formatTable(table: string, rows: readonly Row[]): string {
  const head = [`### ${table}`, '', '| what | median | lowest to highest | ratio | to |', '|---|---|---|---|---|']
  return [...head, ...rows.map(formatRow)].join('\n')
}

function formatRow({ name, unit, values, median, baseline, ratio, leftOut }: Row): string {
  if (leftOut !== undefined) return `| ${name} | left out: ${leftOut} | | | |`
  const range = `${threeDigits(Math.min(...values))} to ${threeDigits(Math.max(...values))}`
  return `| ${[name, `${threeDigits(median)} ${unit}`, range, ratio?.toFixed(2) ?? '', baseline ?? ''].join(' | ')} |`
}

const threeDigits = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3))
