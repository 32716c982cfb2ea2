// Medians over the rounds, ratios to the plain socket of the same round, and their Markdown table.

import type { Configuration, Result } from './configurations.ts'

/** All rounds of one configuration, in order. */
export interface Series {
  readonly configuration: Configuration
  readonly results: readonly Result[]
}

export interface Row {
  readonly name: string
  readonly unit: string
  readonly median: number
  /** Median of the ratios to the plain socket, round by round; 1 for itself. */
  readonly ratio: number
}

/** Value at the share `q` of ascending values; 0 when there are none. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0
}

export const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  )

/** Every measure must come with a series of the plain socket (0 links). */
export function rowsOf(all: readonly Series[]): Row[] {
  return all.flatMap(({ configuration, results }) => {
    const { measure, links } = configuration
    const baseline = all.find(other => other.configuration.measure === measure && other.configuration.links === 0)
    const who = links === 0 ? 'net.Socket' : `hawser, ${links} ${links === 1 ? 'link' : 'links'}`
    return columns[measure].map(({ label, unit, value }) => {
      const values = results.map(value)
      const ratios = values.map((own, round) => own / value(baseline?.results[round] as Result))
      return { name: `${label}: ${who}`, unit, median: median(values), ratio: median(ratios) }
    })
  })
}

export function formatMarkdown(rows: readonly Row[]): string {
  const lines = rows.map(({ name, unit, median, ratio }) => `| ${name} | ${threeDigits(median)} ${unit} | ${ratio.toFixed(2)} |`)
  return ['| what | median | x net.Socket |', '|---|---|---|', ...lines].join('\n')
}

const threeDigits = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))

interface Column {
  readonly label: string
  readonly unit: string
  value(result: Result): number
}

const columns: Record<Configuration['measure'], readonly Column[]> = {
  throughput: [
    {
      label: 'one way, 64 KiB writes',
      unit: 'MB/s',
      value: result => (result.measure === 'throughput' ? result.megabytesPerSecond : 0),
    },
    {
      label: 'CPU of both ends',
      unit: 's/GB',
      value: result => (result.measure === 'throughput' ? result.cpuSecondsPerGigabyte : 0),
    },
  ],
  'ping-pong': [
    { label: '100-byte ping-pong p50', unit: 'us', value: result => (result.measure === 'ping-pong' ? result.p50 : 0) },
    { label: '100-byte ping-pong p99', unit: 'us', value: result => (result.measure === 'ping-pong' ? result.p99 : 0) },
  ],
}
