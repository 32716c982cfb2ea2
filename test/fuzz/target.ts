// What can be fuzzed: something that takes bytes and must hold out against all of them.

/** Tells the fuzzer about a state worth reaching that no new block of code shows; few different ones. */
export type NoteState = (state: string) => void

export interface FuzzTarget {
  readonly name: string
  /** Longest input that is made. */
  readonly bytesMax: number
  /** Inputs run between two looks at the coverage, which costs about a millisecond. */
  readonly batch: number
  /** Inputs a second that the target should reach; a lower rate is worth a warning, not a failure. */
  readonly rateWanted?: number
  readonly seeds: readonly Uint8Array[]
  /** Throws, or rejects, when something does not hold that must. */
  run(input: Uint8Array, note: NoteState): void | Promise<void>
  /** Makes what depends on other bytes right again in place: numbers, lengths, checksums. */
  repair?(input: Uint8Array): void
}

/** Stops at something that must hold whatever the input is. */
export function judge(condition: boolean, broken: string): asserts condition {
  if (!condition) throw new Judgement(broken)
}

/** Something did not hold. */
export class Judgement extends Error {
  override readonly name = 'Judgement'
}
