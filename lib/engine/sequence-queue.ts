/** Room of a new queue. */
const CAPACITY_INIT = 64
/** An empty queue with more room gives it back. */
const CAPACITY_KEPT = 4_096

/** A queue of sequence numbers, 4 bytes each: a peer decides how many wait. */
export class SequenceQueue {
  /** Ring; its length is a power of two. */
  #ring = new Uint32Array(CAPACITY_INIT)
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(sequence: number): void {
    if (this.#length === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = sequence
    this.#length++
  }

  shift(): number | undefined {
    if (this.#length === 0) return undefined
    const sequence = this.#ring[this.#head]
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#length--
    if (this.#length === 0 && this.#ring.length > CAPACITY_KEPT) {
      this.#ring = new Uint32Array(CAPACITY_INIT)
      this.#head = 0
    }
    return sequence
  }

  #grow(): void {
    const old = this.#ring
    const ring = new Uint32Array(old.length * 2)
    ring.set(old.subarray(this.#head))
    ring.set(old.subarray(0, this.#head), old.length - this.#head)
    this.#ring = ring
    this.#head = 0
  }
}
