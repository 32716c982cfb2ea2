// How many handshakes begin: each costs a key pair and an exchange, about 0.1 ms, and strangers may ask for any number.

import { now } from '#platform/loop'

const PER_SECOND = 200
/** So many may begin at once after a rest. */
const BURST = 400

/** Lets tasks begin at a limited rate, in the order in which they came. */
export class HandshakeRate {
  readonly #waiting = new Set<() => void>()
  readonly #nowMs: () => number
  #allowance = BURST
  #lastMs: number
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(nowMs = now) {
    this.#nowMs = nowMs
    this.#lastMs = nowMs()
  }

  /** Runs `begin` at once or later. Its caller bounds how many wait. Returns what withdraws it. */
  add(begin: () => void): () => void {
    this.#waiting.add(begin)
    this.#run()
    return () => this.#withdraw(begin)
  }

  #withdraw(begin: () => void): void {
    this.#waiting.delete(begin)
    if (this.#waiting.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  readonly #run = (): void => {
    const nowMs = this.#nowMs()
    this.#allowance = Math.min(BURST, this.#allowance + ((nowMs - this.#lastMs) / 1_000) * PER_SECOND)
    this.#lastMs = nowMs
    for (const begin of this.#waiting) {
      if (this.#allowance < 1) break
      this.#allowance -= 1
      this.#waiting.delete(begin)
      begin()
    }
    if (this.#waiting.size > 0) this.#timer ??= setTimeout(this.#runLater, 1_000 / PER_SECOND)
  }

  readonly #runLater = (): void => {
    this.#timer = undefined
    this.#run()
  }
}
