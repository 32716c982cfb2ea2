// One end of a simulated link, as the library sees it: a core Duplex over two pipes.

import { Duplex } from 'node:stream'
import type { SimulatedPipe } from '../simulated-pipe.ts'
import type { ProcessName, VirtualLoop } from './virtual-loop.ts'

export interface LinkStreamOptions {
  readonly loop: VirtualLoop
  /** Whose end it is. */
  readonly process: ProcessName
  readonly outgoing: SimulatedPipe
  readonly incoming: SimulatedPipe
  readonly packets: boolean
  /** Bytes, or packets. */
  readonly highWaterMark: number
  /** Sees all that is written and all that arrives. */
  readonly onWritten: (chunk: Uint8Array) => void
  readonly onArrived: (chunk: Uint8Array) => void
}

export class LinkStream extends Duplex {
  readonly #options: LinkStreamOptions
  #written: (() => void) | undefined
  #ended = false
  #unwrittenBytes = 0
  /** Takes what is written and delivers it, but never says so: no write is ever done, no drain comes. */
  withholdsDrain = false

  constructor(options: LinkStreamOptions) {
    const { packets, highWaterMark, outgoing, incoming } = options
    super({ objectMode: packets, highWaterMark, allowHalfOpen: true })
    this.#options = options
    outgoing.onDrained = () => this.#input(() => this.#drained())
    incoming.onArrived = chunks => this.#input(() => this.#arrived(chunks))
    incoming.onEnded = how => this.#input(() => (how === 'end' ? this.#otherEnded() : this.#fail('ECONNRESET')))
  }

  /** Bytes in its own buffers, of both directions. A packet that waits to be read counts as 8 KiB. */
  get waitingBytes(): number {
    return this.#unwrittenBytes + this.readableLength * (this.#options.packets ? 8_192 : 1)
  }

  /** The link fails at this end; nobody tells the other one. */
  fail(code: string): void {
    this.#input(() => this.#fail(code))
  }

  /** Drains again. */
  releaseDrain(): void {
    if (!this.withholdsDrain) return
    this.withholdsDrain = false
    if (this.#options.outgoing.writable) this.#input(() => this.#drained())
  }

  override write(chunk: Uint8Array): boolean {
    this.#options.onWritten(chunk)
    this.#unwrittenBytes += chunk.byteLength
    return super.write(chunk)
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    const { outgoing } = this.#options
    outgoing.write(chunk)
    const written = () => {
      this.#unwrittenBytes -= chunk.byteLength
      done()
    }
    if (outgoing.writable && !this.withholdsDrain) written()
    else this.#written = written
  }

  override _read(): void {
    this.#options.incoming.setReceiving(true)
  }

  override _final(done: () => void): void {
    this.#ended = true
    this.#options.outgoing.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { outgoing, incoming } = this.#options
    this.#written = undefined
    this.#unwrittenBytes = 0
    if (!this.#ended) outgoing.break(outgoing.shape.delayMs)
    incoming.setReceiving(true)
    done(error)
  }

  #input(run: () => void): void {
    this.#options.loop.input(this.#options.process, run)
  }

  #fail(code: string): void {
    // Nobody has accepted it yet: its owner will find it closed.
    if (this.listenerCount('error') === 0) this.destroy()
    else this.destroy(Object.assign(new Error(`simulated ${code}`), { code }))
  }

  #drained(): void {
    const done = this.#written
    if (!done || this.withholdsDrain) return
    this.#written = undefined
    done()
  }

  #arrived(chunks: readonly Uint8Array[]): void {
    const { incoming, outgoing, onArrived, packets } = this.#options
    for (const chunk of chunks) {
      // What comes to a closed end is answered by a reset.
      if (this.destroyed) {
        outgoing.break(outgoing.shape.delayMs)
        return
      }
      onArrived(chunk)
      // As from a socket, what arrives is memory of its own.
      if (!this.push(packets ? new Uint8Array(chunk) : ownBuffer(chunk))) incoming.setReceiving(false)
    }
  }

  #otherEnded(): void {
    if (!this.destroyed) this.push(null)
  }
}

function ownBuffer(chunk: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(chunk.byteLength)
  copy.set(chunk)
  return copy
}
