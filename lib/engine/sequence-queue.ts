/** Room of a queue when its first entry comes: as much as the engine keeps without a buffer outside of its heap. */
const CAPACITY_INIT = 16
/** An empty queue with more room gives it back. */
const CAPACITY_KEPT = 4_096

const NO_ROOM = new Uint32Array(0)

/** A queue of sequence numbers, 4 bytes each: a peer decides how many wait. */
export class SequenceQueue {
  /** Ring; its length is 0 or a power of two. */
  #ring = NO_ROOM
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
      this.#ring = NO_ROOM
      this.#head = 0
    }
    return sequence
  }

  #grow(): void {
    const old = this.#ring
    const ring = new Uint32Array(Math.max(CAPACITY_INIT, 2 * old.length))
    ring.set(old.subarray(this.#head))
    ring.set(old.subarray(0, this.#head), old.length - this.#head)
    this.#ring = ring
    this.#head = 0
  }
}
