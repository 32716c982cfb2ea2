/** Room of a queue when its first entry comes. */
const CAPACITY_INIT = 4
/** An empty queue with more room gives it back. */
const CAPACITY_KEPT = 64

/** A queue in a ring: O(1) amortised at both ends, no allocation per entry. */
export class Fifo<T> {
  /** Its length is 0 or a power of two. */
  #ring: (T | undefined)[] = []
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow()
    this.#ring[this.#slot(this.#length)] = item
    this.#length++
  }

  peek(): T | undefined {
    return this.#ring[this.#head]
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = this.#slot(1)
    this.#length--
    if (this.#length === 0 && this.#ring.length > CAPACITY_KEPT) this.clear()
    return item
  }

  /** The entry `index` places behind the oldest. */
  at(index: number): T | undefined {
    return index < this.#length ? this.#ring[this.#slot(index)] : undefined
  }

  last(): T | undefined {
    return this.#length > 0 ? this.#ring[this.#slot(this.#length - 1)] : undefined
  }

  /** Puts another entry in the place of the newest one; the queue must not be empty. */
  replaceLast(item: T): void {
    this.#ring[this.#slot(this.#length - 1)] = item
  }

  clear(): void {
    this.#ring = []
    this.#head = 0
    this.#length = 0
  }

  #slot(index: number): number {
    return (this.#head + index) & (this.#ring.length - 1)
  }

  #grow(): void {
    const ring: (T | undefined)[] = new Array(Math.max(CAPACITY_INIT, 2 * this.#ring.length)).fill(undefined)
    for (let index = 0; index < this.#length; index++) ring[index] = this.#ring[this.#slot(index)]
    this.#ring = ring
    this.#head = 0
  }
}
