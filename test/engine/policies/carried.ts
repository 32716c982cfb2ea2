// How much of the data went over which link.

import type { Side } from '../../simulation/simulated-link.ts'
import type { SimulatedPair } from '../../simulation/simulated-pair.ts'

/** Payload bytes that `side` sent on each link, copies included. */
export function carriedBytes(pair: SimulatedPair, side: Side): number[] {
  return pair.links.map((_, index) => {
    const { newBytes, repeatedBytes } = pair.auditor.traffic(side, index)
    return newBytes + repeatedBytes
  })
}

/** The same of what goes out in the next time. */
export function carriedWithin(pair: SimulatedPair, side: Side, durationMs: number): number[] {
  const before = carriedBytes(pair, side)
  pair.runFor(durationMs)
  return carriedBytes(pair, side).map((bytes, index) => bytes - (before[index] as number))
}
