// What the log of a reader tells: goodput, silences, when a rate is reached again.

import type { ArrivalLog } from './messages.ts'

const WINDOW_MS = 100
/** So many windows in a row must reach the rate. */
const WINDOWS = 3
const STEP_MS = 5

/** Bytes that had arrived by `atMs`. */
export function bytesUntil({ timesMs, totals }: ArrivalLog, atMs: number): number {
  let low = 0
  let high = timesMs.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((timesMs[middle] as number) <= atMs) low = middle + 1
    else high = middle
  }
  return low === 0 ? 0 : (totals[low - 1] as number)
}

/** Mbit/s of payload that arrived from `fromMs` to `toMs`, over all streams together. */
export function goodput(logs: readonly ArrivalLog[], fromMs: number, toMs: number): number {
  const bytes = logs.reduce((sum, log) => sum + bytesUntil(log, toMs) - bytesUntil(log, fromMs), 0)
  return (bytes * 8) / (toMs - fromMs) / 1_000
}

export interface Silence {
  readonly startMs: number
  readonly lengthMs: number
}

/** Longest time without an arrival that touches `fromMs` to `toMs`; it may have begun before and end after. */
export function longestSilence({ timesMs }: ArrivalLog, fromMs: number, toMs: number): Silence {
  let longest: Silence = { startMs: fromMs, lengthMs: 0 }
  const consider = (startMs: number, endMs: number): void => {
    if (endMs >= fromMs && startMs <= toMs && endMs - startMs > longest.lengthMs) longest = { startMs, lengthMs: endMs - startMs }
  }
  let lastMs = timesMs[0] ?? fromMs
  for (const atMs of timesMs) {
    consider(lastMs, atMs)
    lastMs = atMs
  }
  if (lastMs < toMs) consider(lastMs, toMs)
  return longest
}

/**
 * When the stream comes to a rate and keeps it: the first moment from `fromMs` on from which each of the next three 100 ms
 * brings at least `rate` Mbit/s. `undefined` when that is never before `toMs`.
 */
export function rateReached(log: ArrivalLog, rate: number, fromMs: number, toMs: number): number | undefined {
  for (let atMs = fromMs; atMs + WINDOW_MS * WINDOWS <= toMs; atMs += STEP_MS) {
    const reached = Array.from({ length: WINDOWS }, (_, index) => {
      const startMs = atMs + index * WINDOW_MS
      return goodput([log], startMs, startMs + WINDOW_MS) >= rate
    })
    if (reached.every(Boolean)) return atMs
  }
  return undefined
}
