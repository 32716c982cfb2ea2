// When how many bytes reached the reader.

export class ArrivalLog {
  readonly #arrivals: { readonly atMs: number; readonly bytes: number }[] = []
  #bytes = 0

  /** Times must not go backwards. */
  add(bytes: number, atMs: number): void {
    this.#arrivals.push({ atMs, bytes })
    this.#bytes += bytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Time of the last arrival, `undefined` before the first. */
  get lastMs(): number | undefined {
    return this.#arrivals.at(-1)?.atMs
  }

  /** Bytes that arrived after `fromMs` and not after `toMs`. */
  bytesBetween(fromMs: number, toMs: number): number {
    let sum = 0
    for (const { atMs, bytes } of this.#arrivals) if (atMs > fromMs && atMs <= toMs) sum += bytes
    return sum
  }

  /** Longest time without an arrival that lies at least partly between `fromMs` and `toMs`, told in full length. */
  longestSilence(fromMs: number, toMs: number): number {
    let longestMs = 0
    let previousMs: number | undefined
    for (const { atMs } of this.#arrivals) {
      if (previousMs !== undefined && atMs >= fromMs && previousMs <= toMs) longestMs = Math.max(longestMs, atMs - previousMs)
      previousMs = atMs
    }
    return longestMs
  }
}
