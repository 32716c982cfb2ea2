// Numbers that look random and are the same for the same seed: sfc32 by Chris Doty-Humphrey (PractRand, public domain).

export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** @param seed - any integer; its lowest 53 bits count */
  constructor(seed: number) {
    this.#a = seed >>> 0
    this.#b = Math.floor(seed / 2 ** 32) >>> 0
    this.#c = 0x9e3779b9
    for (let round = 0; round < 15; round++) this.u32()
  }

  /** 0 to 2^32 - 1. */
  u32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return result >>> 0
  }

  /** 0 up to, not including, 1. */
  fraction(): number {
    return this.u32() / 2 ** 32
  }

  /** An integer from 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit)
  }

  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** Like `between`, each order of magnitude equally likely; `least` must be positive. */
  logBetween(least: number, most: number): number {
    return Math.min(most, Math.floor(least * ((most + 1) / least) ** this.fraction()))
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  /** One of `items`, of which there must be some. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  /** A generator of its own, so that what one part of a simulation draws does not change what others draw. */
  fork(): Random {
    return new Random(this.u32() * 2 ** 21 + (this.u32() >>> 11))
  }
}
