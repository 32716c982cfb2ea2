// One direction of a simulated link:
//
//   sender buffer (the sending Duplex) -> pipe buffer -> bottleneck (rate) -> way (delay, jitter) -> receiver
//
// What is in the pipe counts against its buffer until the receiver has it; what does not fit stays in the sender buffer,
// and a full sender buffer makes the Duplex ask for a drain. Order is always kept.

import { Queue } from './queue.ts'
import type { Random } from './random.ts'
import type { Appointment, VirtualClock } from './virtual-clock.ts'

export interface PipeShape {
  /** Bytes per ms through the bottleneck; `Infinity`: no limit. */
  rateBytesPerMs: number
  delayMs: number
  /** Each chunk takes up to so much longer, evenly spread. */
  jitterMs: number
  /** High water mark of the sending Duplex. 0: it takes no more as soon as the pipe buffer is full. */
  senderBufferBytes: number
  /** The Duplex drains when its buffer is down to so many bytes; a core stream drains when it is empty. */
  drainBytes: number
  /** Most bytes between the sender buffer and the receiver; a chunk may go beyond if there was room for its first byte. */
  pipeBufferBytes: number
  /** Most chunks there. */
  pipeBufferItems: number
}

export const defaultPipeShape: PipeShape = {
  rateBytesPerMs: Number.POSITIVE_INFINITY,
  delayMs: 0,
  jitterMs: 0,
  senderBufferBytes: 16_384,
  drainBytes: 0,
  pipeBufferBytes: 1_048_576,
  pipeBufferItems: Number.POSITIVE_INFINITY,
}

/** How a direction ended for its receiver: in good order behind the last byte, or broken. */
export type PipeEnd = 'end' | 'reset'

interface Flight {
  /** `undefined`: the end of the stream. */
  readonly chunk: Uint8Array | undefined
  readonly arriveMs: number
}

const END = Symbol('end')

/** What may happen to a chunk on its way. */
export type Damage = 'flip-bit' | 'drop' | 'double'

export class SimulatedPipe {
  /** Called with everything that arrived at one time. */
  onArrived: (chunks: Uint8Array[]) => void = () => {}
  /** Called at most once, after all that arrived. */
  onEnded: (how: PipeEnd) => void = () => {}
  onDrained: () => void = () => {}
  /** A chunk was damaged as `damageNext` asked for. */
  onDamaged: (damage: Damage) => void = () => {}
  /** It breaks as `breakAfter` asked for. */
  onCut: () => void = () => {}
  /** Bytes that arrived so far. */
  arrivedBytes = 0

  readonly #clock: VirtualClock
  readonly #random: Random
  readonly #cutsChunks: boolean
  #shape: PipeShape

  #state: 'open' | 'ending' | 'over' = 'open'
  #endQueued = false
  #needsDrain = false
  #waiting = new Queue<Uint8Array>()
  #waitingBytes = 0
  #queued = new Queue<Uint8Array | typeof END>()
  #flying = new Queue<Flight>()
  #insideBytes = 0
  #insideItems = 0

  #inBottleneck: Uint8Array | undefined
  #bottleneckLeftBytes = 0
  #bottleneckSinceMs = 0
  #bottleneckTimer: Appointment | undefined
  #arrivalTimer: Appointment | undefined
  #lastArrivalMs = 0

  #pausedUntilMs: number | undefined
  #resumeTimer: Appointment | undefined
  #stalled = false
  #swallows = false
  #lossy = false
  #receiving = true
  #damages: Damage[] = []
  #breakPending = false
  /** Bytes that still leave before the pipe breaks. */
  #leftBeforeBreakBytes = Number.POSITIVE_INFINITY

  /** @param cutsChunks - cut what is written at random places, as byte streams may; packets stay whole */
  constructor(clock: VirtualClock, random: Random, shape: PipeShape, cutsChunks: boolean) {
    this.#clock = clock
    this.#random = random
    this.#shape = shape
    this.#cutsChunks = cutsChunks
  }

  get shape(): Readonly<PipeShape> {
    return this.#shape
  }

  /** Whether the sending Duplex needs no drain. */
  get writable(): boolean {
    return !this.#needsDrain
  }

  /** Bytes that may be written before the Duplex asks for a drain; 0 if it does already. */
  get roomBytes(): number {
    if (this.#needsDrain) return 0
    const pipeRoomBytes = Math.max(0, this.#shape.pipeBufferBytes - this.#insideBytes)
    return Math.max(0, pipeRoomBytes + this.#shape.senderBufferBytes - this.#waitingBytes)
  }

  /** Bytes written and not yet arrived. */
  get heldBytes(): number {
    return this.#waitingBytes + this.#insideBytes
  }

  /** Always takes the chunk; `writable` tells whether more should follow. */
  write(chunk: Uint8Array): void {
    if (this.#state !== 'open') return
    this.#waiting.push(chunk)
    this.#waitingBytes += chunk.byteLength
    this.#fill()
    if (this.#isFull()) this.#needsDrain = true
  }

  /** The receiver gets an end behind everything written. */
  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#fill()
  }

  /** Drops everything on its way; the receiver learns of it after `delayMs`, or once a pause is over. */
  break(delayMs: number): void {
    if (this.#state === 'over') return
    this.#close()
    if (this.#pausedUntilMs === undefined) this.#clock.after(delayMs, () => this.onEnded('reset'))
    else {
      this.#breakPending = true
      if (Number.isFinite(this.#pausedUntilMs)) this.#resumeTimer = this.#clock.at(this.#pausedUntilMs, () => this.resume())
    }
  }

  /** Breaks once so many more bytes have left. */
  breakAfter(bytes: number): void {
    this.#leftBeforeBreakBytes = bytes
  }

  /** Whether anything is to arrive; what does not waits and counts against the pipe buffer. */
  setReceiving(receiving: boolean): void {
    if (this.#receiving === receiving) return
    this.#receiving = receiving
    if (receiving && this.#pausedUntilMs === undefined) this.#armArrival()
  }

  /** Nothing moves until `untilMs`; then what should have arrived arrives at once. `Infinity`: until `resume`. */
  pause(untilMs: number): void {
    if (this.#state !== 'over') this.#suspend()
    if (this.#resumeTimer) this.#clock.cancel(this.#resumeTimer)
    this.#resumeTimer = undefined
    this.#pausedUntilMs = Math.max(untilMs, this.#pausedUntilMs ?? 0)
    if (Number.isFinite(this.#pausedUntilMs)) this.#resumeTimer = this.#clock.at(this.#pausedUntilMs, () => this.resume())
  }

  resume(): void {
    if (this.#resumeTimer) this.#clock.cancel(this.#resumeTimer)
    this.#resumeTimer = undefined
    this.#pausedUntilMs = undefined
    if (this.#breakPending) {
      this.#breakPending = false
      this.#clock.after(this.#shape.delayMs, () => this.onEnded('reset'))
    }
    if (this.#state === 'over') return
    this.#continue()
  }

  /** Whether something written got lost while the pipe was open. */
  get lossy(): boolean {
    return this.#lossy
  }

  /** Time at which a pause ends, `undefined` without one. */
  get pausedUntilMs(): number | undefined {
    return this.#pausedUntilMs
  }

  /** While stalled nothing leaves the sender, so that its buffer fills and never drains. */
  setStalled(stalled: boolean): void {
    if (this.#state === 'over') return
    this.#suspend()
    this.#stalled = stalled
    if (this.#pausedUntilMs === undefined) this.#continue()
  }

  /** While swallowing, what is written is taken and never arrives. */
  setSwallowing(swallows: boolean): void {
    this.#swallows = swallows
  }

  /** Does that to the next chunk that leaves; several in the order in which they were asked for. */
  damageNext(damage: Damage): void {
    this.#damages.push(damage)
  }

  /** Takes effect at once; what is on its way keeps its time of arrival. */
  change(shape: Partial<PipeShape>): void {
    if (this.#state === 'over') return
    this.#suspend()
    this.#shape = { ...this.#shape, ...shape }
    if (this.#pausedUntilMs === undefined) this.#continue()
  }

  /** Neither breaks nor damages anything that has not met it. */
  mend(): void {
    this.#damages = []
    this.#leftBeforeBreakBytes = Number.POSITIVE_INFINITY
  }

  #close(): void {
    this.#suspend()
    if (this.#resumeTimer) this.#clock.cancel(this.#resumeTimer)
    this.#state = 'over'
    this.#waiting.clear()
    this.#queued.clear()
    this.#flying.clear()
    this.#waitingBytes = 0
    this.#insideBytes = 0
    this.#inBottleneck = undefined
  }

  #hasRoom(): boolean {
    return this.#insideBytes < this.#shape.pipeBufferBytes && this.#insideItems < this.#shape.pipeBufferItems
  }

  #isFull(): boolean {
    return this.#shape.senderBufferBytes > 0 ? this.#waitingBytes >= this.#shape.senderBufferBytes : !this.#hasRoom()
  }

  #drainIfPossible(): void {
    if (!this.#needsDrain || this.#state !== 'open') return
    const drained = this.#shape.senderBufferBytes > 0 ? this.#waitingBytes <= this.#shape.drainBytes : this.#hasRoom()
    if (!drained) return
    this.#needsDrain = false
    this.onDrained()
  }

  /** Moves what fits from the sender buffer into the pipe. */
  #fill(): void {
    while (this.#hasRoom()) {
      const chunk = this.#waiting.shift()
      if (!chunk) break
      this.#waitingBytes -= chunk.byteLength
      this.#insideBytes += chunk.byteLength
      this.#insideItems++
      this.#queued.push(chunk)
    }
    if (this.#state === 'ending' && this.#waiting.length === 0 && !this.#endQueued) {
      this.#endQueued = true
      this.#queued.push(END)
    }
    this.#serve()
  }

  /** Keeps the bottleneck busy. */
  #serve(): void {
    while (!this.#inBottleneck && !this.#stalled && this.#pausedUntilMs === undefined) {
      const piece = this.#takePiece()
      if (piece === undefined) return
      if (piece === END) this.#depart(undefined)
      else if (this.#shape.rateBytesPerMs === Number.POSITIVE_INFINITY) this.#depart(piece)
      else {
        this.#inBottleneck = piece
        this.#bottleneckLeftBytes = piece.byteLength
        this.#armBottleneck()
      }
    }
  }

  #takePiece(): Uint8Array | typeof END | undefined {
    const first = this.#queued.peek()
    if (!this.#cutsChunks || first === undefined || first === END || first.byteLength < 2 || !this.#random.chance(0.15)) {
      return this.#queued.shift()
    }
    const longest = this.#random.chance(0.2) ? Math.min(first.byteLength - 1, 20) : first.byteLength - 1
    const length = this.#random.between(1, longest)
    this.#queued.replaceFirst(first.subarray(length))
    this.#insideItems++
    return first.subarray(0, length)
  }

  #armBottleneck(): void {
    this.#bottleneckSinceMs = this.#clock.nowMs
    this.#bottleneckTimer = this.#clock.after(this.#bottleneckLeftBytes / this.#shape.rateBytesPerMs, () => {
      const piece = this.#inBottleneck as Uint8Array
      this.#bottleneckTimer = undefined
      this.#inBottleneck = undefined
      this.#depart(piece)
      this.#serve()
    })
  }

  #depart(piece: Uint8Array | undefined): void {
    const damage = piece ? this.#damages.shift() : undefined
    if (damage) this.onDamaged(damage)
    if (piece && (this.#swallows || damage === 'drop')) {
      this.#lose(piece.byteLength)
      return
    }
    const { delayMs, jitterMs } = this.#shape
    const arriveMs = this.#clock.nowMs + delayMs + (jitterMs > 0 ? this.#random.fraction() * jitterMs : 0)
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, arriveMs)
    let chunk = piece && damage === 'flip-bit' ? this.#corrupted(piece) : piece
    const left = this.#leftBeforeBreakBytes
    if (chunk && chunk.byteLength > left) {
      const rest = this.#cutsChunks ? left : 0
      this.#insideBytes -= chunk.byteLength - rest
      chunk = chunk.subarray(0, rest)
      this.#leftBeforeBreakBytes = rest
    }
    if (chunk?.byteLength !== 0) this.#flying.push({ chunk, arriveMs: this.#lastArrivalMs })
    else this.#insideItems--
    if (chunk && damage === 'double') this.#flying.push({ chunk: this.#doubled(chunk), arriveMs: this.#lastArrivalMs })
    this.#armArrival()
    this.#leftBeforeBreakBytes -= chunk?.byteLength ?? 0
    if (this.#leftBeforeBreakBytes > 0) return
    this.onCut()
    this.#clock.at(this.#lastArrivalMs, () => this.break(0))
  }

  #lose(bytes: number): void {
    this.#lossy = true
    this.#insideBytes -= bytes
    this.#insideItems--
    this.#clock.after(0, () => this.#refill())
  }

  #doubled(piece: Uint8Array): Uint8Array {
    this.#insideBytes += piece.byteLength
    this.#insideItems++
    return piece
  }

  #corrupted(piece: Uint8Array): Uint8Array {
    const copy = new Uint8Array(piece) // `slice` of a Buffer is no copy
    const index = this.#random.below(copy.byteLength)
    copy[index] = (copy[index] as number) ^ (1 << this.#random.below(8))
    return copy
  }

  #armArrival(): void {
    const first = this.#flying.peek()
    if (this.#arrivalTimer || !first || !this.#receiving) return
    this.#arrivalTimer = this.#clock.at(first.arriveMs, () => {
      this.#arrivalTimer = undefined
      this.#arrive()
    })
  }

  #arrive(): void {
    const chunks: Uint8Array[] = []
    let ended = false
    if (!this.#receiving) return
    for (let flight = this.#flying.peek(); flight && flight.arriveMs <= this.#clock.nowMs; flight = this.#flying.peek()) {
      this.#flying.shift()
      if (!flight.chunk) ended = true
      else {
        chunks.push(flight.chunk)
        this.#insideBytes -= flight.chunk.byteLength
        this.#insideItems--
        this.arrivedBytes += flight.chunk.byteLength
      }
    }
    this.#armArrival()
    if (chunks.length > 0) this.onArrived(chunks)
    if (ended) {
      this.#close()
      this.onEnded('end')
    } else if (this.#state !== 'over') this.#refill()
  }

  #refill(): void {
    this.#fill()
    this.#drainIfPossible()
  }

  #suspend(): void {
    if (this.#bottleneckTimer) {
      this.#clock.cancel(this.#bottleneckTimer)
      this.#bottleneckTimer = undefined
      const servedBytes = (this.#clock.nowMs - this.#bottleneckSinceMs) * this.#shape.rateBytesPerMs
      this.#bottleneckLeftBytes = Math.max(0, this.#bottleneckLeftBytes - servedBytes)
    }
    if (this.#arrivalTimer) this.#clock.cancel(this.#arrivalTimer)
    this.#arrivalTimer = undefined
  }

  #continue(): void {
    this.#armArrival()
    if (this.#stalled) return
    if (this.#inBottleneck) this.#armBottleneck()
    this.#refill()
  }
}
