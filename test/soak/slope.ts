// How fast memory grows.

export interface Point {
  readonly timeMs: number
  readonly bytes: number
  /** Links that live. */
  readonly links: number
}

export interface Slope {
  readonly bytesPerMinute: number
  /** Standard error of it, bytes per minute. */
  readonly errorBytesPerMinute: number
}

/** Standard errors that make a slope certain enough. */
const CERTAIN_ERRORS = 2
const MS_PER_MINUTE = 60_000

/**
 * Growth by least squares over time and number of links: what links cost that happen to live at a moment is no growth.
 * `undefined` for too few samples to tell.
 */
export function slopeOf(points: readonly Point[]): Slope | undefined {
  if (points.length < 5) return undefined
  const links = points.map(point => point.links)
  const times = without(
    points.map(point => point.timeMs),
    links,
  )
  const bytes = without(
    points.map(point => point.bytes),
    links,
  )
  const spread = product(times, times)
  const slope = product(times, bytes) / spread
  const rest = bytes.map((value, index) => value - slope * (times[index] as number))
  return {
    bytesPerMinute: slope * MS_PER_MINUTE,
    errorBytesPerMinute: Math.sqrt(product(rest, rest) / (points.length - 3) / spread) * MS_PER_MINUTE,
  }
}

/** Whether it is clear on which side of the limit the slope is. */
export function isClear(slope: Slope | undefined, limitBytesPerMinute: number): boolean {
  if (!slope) return false
  const distance = Math.abs(slope.bytesPerMinute - limitBytesPerMinute)
  return distance >= CERTAIN_ERRORS * slope.errorBytesPerMinute
}

/** What of `values` a straight line over `others` does not explain. */
function without(values: readonly number[], others: readonly number[]): number[] {
  const centeredValues = centered(values)
  const centeredOthers = centered(others)
  const spread = product(centeredOthers, centeredOthers)
  const slope = spread > 0 ? product(centeredValues, centeredOthers) / spread : 0
  return centeredValues.map((value, index) => value - slope * (centeredOthers[index] as number))
}

function centered(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.map(value => value - mean)
}

function product(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] as number), 0)
}
