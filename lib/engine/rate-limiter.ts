// Keeps what is sent on a link below a number of bytes per second: a token bucket whose tokens are time.

/** So much time may be saved up for a burst: about what timers are late. */
const BURST_MS = 10

export class RateLimiter {
  readonly bytesPerMs: number
  #nextMs = 0

  constructor(bytesPerMs: number) {
    this.bytesPerMs = bytesPerMs
  }

  /** When the next message may go out; in the past if it may now. */
  get nextMs(): number {
    return this.#nextMs
  }

  /** Bytes went out, allowed or not: endings do not wait, but what follows them does. */
  charge(bytes: number, nowMs: number): void {
    this.#nextMs = Math.max(this.#nextMs, nowMs - BURST_MS) + bytes / this.bytesPerMs
  }
}
