// One side of a simulated connection: a driver with an application that writes and reads a pattern by position, and
// judges what it reads (S1) and the order of the events.

import type { Pattern } from './pattern.ts'
import { Queue } from './queue.ts'
import { type ConnectionEvent, type DriverOptions, FLUSH_BYTES, SimulatedDriver } from './simulated-driver.ts'
import type { Appointment } from './virtual-clock.ts'

/** How the application reads. */
export type ReaderMode =
  /** Everything as soon as it is there. */
  | 'all'
  /** Nothing. */
  | 'stalled'
  /** So many bytes per ms on average; waits after each piece. */
  | { readonly rateBytesPerMs: number }

export interface EndpointOptions extends DriverOptions {
  readonly writes: Pattern
  readonly reads: Pattern
}

interface WriteJob {
  bytesLeft: number
  /** Size of each write. */
  readonly sizeOf: (index: number) => number
  /** Called before each write with its number and the position of its first byte. */
  readonly onWrite: ((index: number, position: number) => void) | undefined
  index: number
}

export class SimulatedEndpoint extends SimulatedDriver {
  /** Bytes given to the engine so far. */
  writtenBytes = 0
  /** Bytes read from the engine so far. */
  readBytes = 0
  /** Writes that the engine was given. */
  writes = 0
  firstWriteMs: number | undefined
  /** When the last write was on its way. */
  lastWriteMs = 0
  lastReadMs = 0
  /** Longest time between two reads. */
  longestGapMs = 0
  finishedMs: number | undefined
  endMs: number | undefined
  writeRefusedMs: number | undefined
  /** When the peer's Terminate came. */
  terminatedMs: number | undefined
  /** Set by the pair: nothing may arrive that was not written there. */
  peer: SimulatedEndpoint | undefined

  readonly #writes: Pattern
  readonly #reads: Pattern
  readonly #jobs = new Queue<WriteJob>()
  #writeOutstanding = false
  #finishWanted = false
  #finishCalled = false
  #terminated = false
  #reader: ReaderMode = 'all'
  #readable = false
  #readTimer: Appointment | undefined
  #readerGone = false

  constructor(options: EndpointOptions) {
    super(options)
    this.#writes = options.writes
    this.#reads = options.reads
    this.pump()
  }

  /** Writes the next `bytes` of the pattern behind what waits, in writes of `size` bytes, the last one shorter. */
  write(
    bytes: number,
    size: number | ((index: number) => number) = FLUSH_BYTES,
    onWrite?: (index: number, position: number) => void,
  ): void {
    if (bytes === 0) return
    this.#jobs.push({ bytesLeft: bytes, sizeOf: typeof size === 'number' ? () => size : size, onWrite, index: 0 })
    this.pump()
  }

  /** Ends the writing behind everything that waits. */
  finish(): void {
    this.#finishWanted = true
    this.pump()
  }

  set reader(mode: ReaderMode) {
    this.#reader = mode
    if (this.#readTimer) this.clock.cancel(this.#readTimer)
    this.#readTimer = undefined
    this.pump()
  }

  get reader(): ReaderMode {
    return this.#reader
  }

  /** Wants no more, but lets the peer send what it has. */
  closeRead(): void {
    this.#readerGone = true
    this.engine.closeRead(this.clock.nowMs)
    this.pump()
  }

  /** Processes nothing any more. */
  dropRead(): void {
    this.#readerGone = true
    this.engine.dropRead(this.clock.nowMs)
    this.pump()
  }

  override terminate(): void {
    this.#terminated = true
    super.terminate()
  }

  /** Bytes per second from the first write until the last one was on its way. */
  get sendSpeed(): number {
    return (this.writtenBytes * 1_000) / (this.lastWriteMs - (this.firstWriteMs ?? 0))
  }

  /** Bytes per second from the time on at which the peer began to write until the last byte was read. */
  get receiveSpeed(): number {
    return (this.readBytes * 1_000) / (this.lastReadMs - (this.peer?.firstWriteMs ?? 0))
  }

  /** The application waits for nothing that it asked for. */
  get isIdle(): boolean {
    if (this.closure) return true
    if (this.#terminated) return false
    const isWriting = this.#writeOutstanding || this.#jobs.length > 0
    const isFinishing = this.#finishWanted && this.finishedMs === undefined
    return this.writeRefusedMs !== undefined || !(isWriting || isFinishing)
  }

  /** Both directions are over as far as this side's application knows. */
  get isDone(): boolean {
    const writingDone = this.finishedMs !== undefined || this.writeRefusedMs !== undefined
    return writingDone && (this.endMs !== undefined || this.#readerGone)
  }

  /** Everything that the peer wrote has been read, or nobody will read it. */
  get hasReadAll(): boolean {
    if (this.#readerGone || this.#reader === 'stalled') return true
    return this.readBytes === (this.peer?.writtenBytes ?? 0)
  }

  protected take(event: ConnectionEvent): void {
    const { nowMs } = this.clock
    switch (event.kind) {
      case 'readable':
        this.#readable = true
        break
      case 'writable':
        this.#writeOutstanding = false
        this.lastWriteMs = nowMs
        break
      case 'end':
        this.#once(this.endMs, 'end')
        this.endMs = nowMs
        if (this.readBytes !== this.peer?.writtenBytes && !this.#readerGone) this.fail(`${this.side}: end before the last byte`)
        break
      case 'finished':
        this.#once(this.finishedMs, 'finished')
        this.finishedMs = nowMs
        break
      case 'writeRefused':
        this.#once(this.writeRefusedMs, 'writeRefused')
        this.writeRefusedMs = nowMs
        this.#jobs.clear()
        break
      case 'terminated':
        this.#once(this.terminatedMs, 'terminated')
        this.terminatedMs = nowMs
    }
  }

  protected act(): boolean {
    const canRead = this.#readable && !this.#readerGone && this.#reader !== 'stalled' && !this.#readTimer
    if (canRead) this.#read()
    const canWrite = !this.#writeOutstanding && this.writeRefusedMs === undefined
    return (canWrite && this.#writeNext()) || canRead
  }

  #once(before: number | undefined, kind: string): void {
    if (before !== undefined) this.fail(`${this.side}: ${kind} twice`)
  }

  #read(): void {
    const { nowMs } = this.clock
    for (let piece = this.engine.read(); piece; piece = this.engine.read()) {
      this.#judge(piece)
      if (this.lastReadMs > 0) this.longestGapMs = Math.max(this.longestGapMs, nowMs - this.lastReadMs)
      this.lastReadMs = nowMs
      if (typeof this.#reader !== 'object') continue
      this.#readTimer = this.clock.after(piece.byteLength / this.#reader.rateBytesPerMs, () => {
        this.#readTimer = undefined
        this.pump()
      })
      return
    }
    this.#readable = false
  }

  #judge(piece: Uint8Array): void {
    const wrong = this.#reads.firstWrong(this.readBytes, piece)
    if (wrong >= 0) this.fail(`${this.side}: byte ${wrong} is not what was written`)
    this.readBytes += piece.byteLength
    if (this.readBytes > (this.peer?.writtenBytes ?? 0)) this.fail(`${this.side}: read more than was written`)
  }

  /** True if the engine was given a write or the end. */
  #writeNext(): boolean {
    const job = this.#jobs.peek()
    if (!job) return this.#finishIfWanted()
    const bytes = Math.min(job.bytesLeft, job.sizeOf(job.index))
    job.onWrite?.(job.index++, this.writtenBytes)
    // What `onWrite` did may have ended all of it.
    if (this.writeRefusedMs !== undefined || this.#jobs.peek() !== job) return true
    job.bytesLeft -= bytes
    if (job.bytesLeft === 0) this.#jobs.shift()
    const chunks = this.#writes.slices(this.writtenBytes, bytes)
    this.firstWriteMs ??= this.clock.nowMs
    this.writtenBytes += bytes
    this.writes++
    this.#writeOutstanding = true
    this.engine.moreWaiting = this.#jobs.length > 0
    this.engine.write(chunks, this.clock.nowMs)
    return true
  }

  #finishIfWanted(): boolean {
    if (!this.#finishWanted || this.#finishCalled) return false
    this.#finishCalled = true
    this.engine.finish(this.clock.nowMs)
    return true
  }
}
