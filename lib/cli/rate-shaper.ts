// One direction of a network link of limited rate: what goes in comes out in order, later. No I/O and no clock.
//
// Bytes wait in a queue before the bottleneck, pass it at the rate, and then travel for the delay. The bottleneck is
// a bucket of credit that fills with the time that passed, however late the caller asks. So a busy machine, whose
// timers come late, changes how bytes are grouped, but not how many pass.

/** Bytes, or with `undefined` the ending, of one of the streams that share the link. */
export interface Parcel<Owner> {
  readonly owner: Owner
  readonly bytes: Buffer | undefined
}

export interface RateShaperOptions {
  /** Bytes per second. */
  readonly rate: number
  /** Milliseconds from the bottleneck to the far end. @defaultValue 0 */
  readonly delay?: number | undefined
  /** Length of the queue before the bottleneck, in milliseconds at the rate. @defaultValue 40 */
  readonly queue?: number | undefined
}

/** Credit that an idle link may save up: hides the coarseness of timers, short enough that it is no burst. */
const BURST_MS = 5
/** Long pieces pass in parts of this length: shorter ones cost more CPU than they make the flow smooth. */
const PART_MS = 2
/** Bytes by which rounding may fall short: without it a caller exactly on time could be told to come back at once. */
const ROUNDING_BYTES = 1e-3

export class RateShaper<Owner> {
  readonly #rateBytesPerMs: number
  readonly #delayMs: number
  readonly #queueBytesLimit: number
  #waiting: Parcel<Owner>[] = []
  #waitingBytes = 0
  #travelling: { readonly dueMs: number; readonly parcel: Parcel<Owner> }[] = []
  #creditBytes = 0
  #creditAtMs: number
  #cut = false

  constructor({ rate, delay = 0, queue = 40 }: RateShaperOptions, nowMs: number) {
    this.#rateBytesPerMs = rate / 1_000
    this.#delayMs = delay
    this.#queueBytesLimit = this.#rateBytesPerMs * queue
    this.#creditAtMs = nowMs
  }

  /** The queue is full: give nothing until it is not. What is given all the same is kept. */
  get full(): boolean {
    return this.#waitingBytes >= this.#queueBytesLimit
  }

  /** Takes a parcel in; its bytes are kept, not copied. */
  push(parcel: Parcel<Owner>, nowMs: number): void {
    this.#fillCredit(nowMs)
    this.#waiting.push(parcel)
    this.#waitingBytes += parcel.bytes?.length ?? 0
  }

  /** Next parcel that has arrived at the far end; `undefined` when there is none. A long one comes in parts. */
  take(nowMs: number): Parcel<Owner> | undefined {
    if (this.#cut) return undefined
    this.#fillCredit(nowMs)
    for (let parcel = this.#passBottleneck(); parcel; parcel = this.#passBottleneck()) {
      this.#travelling.push({ dueMs: nowMs + this.#delayMs, parcel })
    }
    const first = this.#travelling[0]
    if (!first || first.dueMs > nowMs) return undefined
    this.#travelling.shift()
    return first.parcel
  }

  /** Time in ms at which `take` has something again; `undefined`: not before the next `push` or `mend`. */
  get nextDeadlineMs(): number | undefined {
    if (this.#cut) return undefined
    const arrivalMs = this.#travelling[0]?.dueMs ?? Number.POSITIVE_INFINITY
    const head = this.#waiting[0]
    const passMs = head
      ? this.#creditAtMs + (this.#needed(head) - this.#creditBytes) / this.#rateBytesPerMs
      : Number.POSITIVE_INFINITY
    const nextMs = Math.min(arrivalMs, passMs)
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs
  }

  /** Nothing comes out any more. What is inside stays, as a sender's TCP keeps what it may have to send again. */
  cut(): void {
    this.#cut = true
  }

  /** Undoes `cut`; time without the link has earned no credit. */
  mend(nowMs: number): void {
    this.#cut = false
    this.#creditBytes = 0
    this.#creditAtMs = nowMs
  }

  /** Forgets everything inside. */
  clear(): void {
    this.#waiting = []
    this.#waitingBytes = 0
    this.#travelling = []
  }

  #passBottleneck(): Parcel<Owner> | undefined {
    const head = this.#waiting[0]
    if (!head || this.#creditBytes + ROUNDING_BYTES < this.#needed(head)) return undefined
    const { owner, bytes } = head
    const size = Math.min(bytes?.length ?? 0, Math.floor(this.#creditBytes + ROUNDING_BYTES))
    this.#creditBytes -= size
    this.#waitingBytes -= size
    if (bytes && size < bytes.length) {
      this.#waiting[0] = { owner, bytes: bytes.subarray(size) }
      return { owner, bytes: bytes.subarray(0, size) }
    }
    return this.#waiting.shift()
  }

  /** Credit at which (a part of) a parcel passes. */
  #needed({ bytes }: Parcel<Owner>): number {
    return Math.min(bytes?.length ?? 0, Math.max(1, this.#rateBytesPerMs * PART_MS))
  }

  #fillCredit(nowMs: number): void {
    const earned = this.#creditBytes + (nowMs - this.#creditAtMs) * this.#rateBytesPerMs
    // Whoever asked late, the link was busy as long as its queue held something.
    this.#creditBytes = Math.min(earned, Math.max(this.#rateBytesPerMs * BURST_MS, this.#waitingBytes))
    this.#creditAtMs = nowMs
  }
}
