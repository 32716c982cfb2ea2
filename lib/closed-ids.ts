import { now } from '#platform/loop'

/** A link that was on its way when its connection ended must not start a ghost of it. */
const REMEMBERED_MS = 150_000
const MOST_REMEMBERED = 10_000

/** Connection ids that have been used up. */
export class ClosedIds {
  readonly #nowMs: () => number
  /** Id to the time until which it is remembered; in the order of those times. */
  readonly #untilMs = new Map<string, number>()

  constructor(nowMs = now) {
    this.#nowMs = nowMs
  }

  add(id: string): void {
    const nowMs = this.#nowMs()
    for (const [oldest, untilMs] of this.#untilMs) {
      if (untilMs > nowMs && this.#untilMs.size < MOST_REMEMBERED) break
      this.#untilMs.delete(oldest)
    }
    this.#untilMs.set(id, nowMs + REMEMBERED_MS)
  }

  has(id: string): boolean {
    return (this.#untilMs.get(id) ?? 0) > this.#nowMs()
  }
}
