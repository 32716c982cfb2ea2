// Virtual time: what is to happen, in order of time; what happens at the same time, in the order in which it was asked for.

/** Something that is to happen. Give it to `cancel` if it is not wanted any more. */
export interface Appointment {
  readonly timeMs: number
}

interface Entry extends Appointment {
  /** Orders entries of the same time. */
  readonly order: number
  /** Undefined once it ran or was cancelled. */
  run: (() => void) | undefined
}

export class VirtualClock {
  #nowMs: number
  #order = 0
  #cancelled = 0
  /** Binary heap, earliest first. */
  #heap: Entry[] = []

  constructor(startMs = 0) {
    this.#nowMs = startMs
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** Time of the next appointment, `undefined` without one. */
  get nextMs(): number | undefined {
    this.#dropCancelled()
    return this.#heap[0]?.timeMs
  }

  /** Calls `run` at `timeMs`, at the earliest after everything already due now. */
  at(timeMs: number, run: () => void): Appointment {
    if (Number.isNaN(timeMs)) throw new RangeError('an appointment needs a time')
    const entry: Entry = { timeMs: Math.max(timeMs, this.#nowMs), order: this.#order++, run }
    this.#heap.push(entry)
    this.#siftUp(this.#heap.length - 1)
    return entry
  }

  after(delayMs: number, run: () => void): Appointment {
    return this.at(this.#nowMs + delayMs, run)
  }

  /** Does nothing for an appointment that is over. */
  cancel(appointment: Appointment): void {
    const entry = appointment as Entry
    if (!entry.run) return
    entry.run = undefined
    this.#cancelled++
    if (this.#cancelled > 1_024 && this.#cancelled * 2 > this.#heap.length) this.#compact()
  }

  /** Runs the next appointment; false if there is none up to `limitMs`. */
  step(limitMs = Number.POSITIVE_INFINITY): boolean {
    this.#dropCancelled()
    const entry = this.#heap[0]
    if (!entry || entry.timeMs > limitMs) return false
    this.#removeFirst()
    const run = entry.run as () => void
    entry.run = undefined
    this.#nowMs = entry.timeMs
    run()
    return true
  }

  /** Runs everything up to and including `timeMs`, which is the time afterwards. */
  runUntil(timeMs: number): void {
    while (this.step(timeMs));
    if (timeMs > this.#nowMs) this.#nowMs = timeMs
  }

  #dropCancelled(): void {
    while (this.#heap.length > 0 && !(this.#heap[0] as Entry).run) {
      this.#removeFirst()
      this.#cancelled--
    }
  }

  #compact(): void {
    this.#heap = this.#heap.filter(entry => entry.run)
    this.#cancelled = 0
    for (let index = (this.#heap.length >> 1) - 1; index >= 0; index--) this.#siftDown(index)
  }

  #removeFirst(): void {
    const last = this.#heap.pop() as Entry
    if (this.#heap.length === 0) return
    this.#heap[0] = last
    this.#siftDown(0)
  }

  #siftUp(start: number): void {
    const heap = this.#heap
    const entry = heap[start] as Entry
    let index = start
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent] as Entry
      if (!isBefore(entry, above)) break
      heap[index] = above
      index = parent
    }
    heap[index] = entry
  }

  #siftDown(start: number): void {
    const heap = this.#heap
    const entry = heap[start] as Entry
    let index = start
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++
      const below = heap[child] as Entry
      if (!isBefore(below, entry)) break
      heap[index] = below
      index = child
    }
    heap[index] = entry
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order)
}
