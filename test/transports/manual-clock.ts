// A clock that stands still until it is told otherwise, for what takes its timers from outside.

interface ManualTimer {
  atMs: number
  readonly callback: () => void
  referenced: boolean
  ref(): void
  unref(): void
  refresh(): void
}

export class ManualClock {
  /** What `random` gives: 0.5 makes every jittered delay its mean. */
  chance = 0.5
  #nowMs = 0
  readonly #timers = new Set<ManualTimer>()

  get timers(): number {
    return this.#timers.size
  }

  get referencedTimers(): number {
    return [...this.#timers].filter(timer => timer.referenced).length
  }

  readonly nowMs = (): number => this.#nowMs

  readonly random = (): number => this.chance

  readonly setTimer = (callback: () => void, ms: number): unknown => {
    const timer: ManualTimer = {
      atMs: this.#nowMs + ms,
      callback,
      referenced: true,
      ref: () => {
        timer.referenced = true
      },
      unref: () => {
        timer.referenced = false
      },
      refresh: () => {
        timer.atMs = this.#nowMs + ms
        this.#timers.add(timer)
      },
    }
    this.#timers.add(timer)
    return timer
  }

  readonly clearTimer = (timer: unknown): void => {
    this.#timers.delete(timer as ManualTimer)
  }

  /** Lets so much time pass: fires what is due in order, and lets all promises settle before, between and after. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settled()
    for (let next = this.#next(); next && next.atMs <= untilMs; next = this.#next()) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      this.#timers.delete(next)
      next.callback()
      await settled()
    }
    this.#nowMs = untilMs
  }

  #next(): ManualTimer | undefined {
    let next: ManualTimer | undefined
    for (const timer of this.#timers) if (!next || timer.atMs < next.atMs) next = timer
    return next
  }
}

/** Every promise that waits for nothing but other promises has settled. */
export function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
