// Medians, quantiles and ratios of paired runs.

/** Value at the share `q` of ascending values; 0 when there are none. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0
}

/** Of an even count the upper of the two in the middle. */
export const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  )

/** Ratios of what was measured in the same round; both must have as many values. */
export function pairedRatios(values: readonly number[], baseline: readonly number[]): number[] {
  if (values.length !== baseline.length) throw new RangeError(`${values.length} values cannot be paired with ${baseline.length}`)
  return values.map((value, round) => value / (baseline[round] as number))
}
