/** A queue in an array: O(1) amortised at both ends, no allocation per entry. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  peek(): T | undefined {
    return this.#items[this.#head]
  }

  shift(): T | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) this.clear()
    else if (this.#head >= 1_024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** The entry `index` places behind the oldest. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index]
  }

  last(): T | undefined {
    return this.length > 0 ? this.#items[this.#items.length - 1] : undefined
  }

  /** Puts another entry in the place of the newest one; the queue must not be empty. */
  replaceLast(item: T): void {
    this.#items[this.#items.length - 1] = item
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }
}
