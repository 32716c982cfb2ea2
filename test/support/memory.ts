import { setImmediate } from 'node:timers'
import { setFlagsFromString } from 'node:v8'

// A thread that optimizes a function keeps alive what the function closes over: on a busy machine a whole world that is long over.
// Where memory is weighed, every function is too large to be optimized. V8 heeds this at any time, unlike its flags about threads.
setFlagsFromString('--max-optimized-bytecode-size=0')

const ROUNDS_MAX = 10
const LITTLE_BYTES = 10_000

/** Bytes of the heap and of what it holds outside, garbage not counted. */
export async function memoryBytes(): Promise<number> {
  // Array buffers are let go of beside the collection that found them dead: it is over when nothing more gets free.
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS_MAX; round++) {
    globalThis.gc?.()
    await new Promise(resolve => setImmediate(resolve))
    const { heapUsed, external } = process.memoryUsage()
    if (heapUsed + external > least - LITTLE_BYTES && round >= 2) return Math.min(least, heapUsed + external)
    least = Math.min(least, heapUsed + external)
  }
  return least
}

const MIB = 1_048_576

export interface Measured {
  /** Receive buffer and send buffer together. */
  readonly buffers: number
  readonly links?: number
  readonly connections?: number
}

/** Most bytes that connections may cost, whatever their peers do (threat model, B1). */
export function memoryLimit({ buffers, links = 1, connections = 1 }: Measured): number {
  return connections * (1.25 * buffers + 8 * MIB) + links * (MIB / 2)
}
