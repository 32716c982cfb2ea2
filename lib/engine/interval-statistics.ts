// Bytes sent and received in the last whole interval, for several interval lengths, without a timer.

/** What passed a link in the last whole interval. */
export interface IntervalStats {
  /** Length in ms. */
  readonly interval: number
  /** Bytes, framing included. */
  readonly sent: number
  /** Bytes, framing included. */
  readonly received: number
  /** Whether the link never was without something to send. */
  readonly busy: boolean
}

class Interval {
  readonly lengthMs: number
  #startMs: number
  #sent = 0
  #received = 0
  #busy = false
  #idled = false
  /** `undefined`: nothing happened in it. */
  #last: IntervalStats | undefined

  constructor(lengthMs: number, nowMs: number) {
    this.lengthMs = lengthMs
    this.#startMs = nowMs
  }

  record(sent: number, received: number, nowMs: number): void {
    this.#roll(nowMs)
    this.#sent += sent
    this.#received += received
    if (sent > 0) this.#busy = true
  }

  idle(nowMs: number): void {
    this.#roll(nowMs)
    this.#idled = true
  }

  last(nowMs: number): IntervalStats {
    this.#roll(nowMs)
    return this.#last ?? { interval: this.lengthMs, sent: 0, received: 0, busy: false }
  }

  #roll(nowMs: number): void {
    const elapsedMs = nowMs - this.#startMs
    if (elapsedMs < this.lengthMs) return
    const skipped = elapsedMs >= 2 * this.lengthMs
    this.#last = skipped
      ? undefined
      : { interval: this.lengthMs, sent: this.#sent, received: this.#received, busy: this.#busy && !this.#idled }
    this.#startMs += Math.floor(elapsedMs / this.lengthMs) * this.lengthMs
    this.#sent = 0
    this.#received = 0
    this.#busy = false
    this.#idled = false
  }
}

export class IntervalStatistics {
  readonly #intervals: readonly Interval[]

  constructor(lengthsMs: readonly number[], nowMs: number) {
    this.#intervals = lengthsMs.map(lengthMs => new Interval(lengthMs, nowMs))
  }

  record(sent: number, received: number, nowMs: number): void {
    for (const interval of this.#intervals) interval.record(sent, received, nowMs)
  }

  /** The link has nothing to send. */
  idle(nowMs: number): void {
    for (const interval of this.#intervals) interval.idle(nowMs)
  }

  last(nowMs: number): readonly IntervalStats[] {
    return this.#intervals.map(interval => interval.last(nowMs))
  }
}
