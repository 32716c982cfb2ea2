// One end of a simulated link, as the library sees it: a core Duplex over two pipes.

import { Duplex } from 'node:stream'
import type { SimulatedPipe } from '../simulated-pipe.ts'
import type { VirtualLoop } from './virtual-loop.ts'

export interface LinkStreamOptions {
  readonly loop: VirtualLoop
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
  /** Takes what is written and delivers it, but never says so: no write is ever done, no drain comes. */
  withholdsDrain = false

  constructor(options: LinkStreamOptions) {
    const { packets, highWaterMark, loop, outgoing, incoming } = options
    super({ objectMode: packets, highWaterMark, allowHalfOpen: true })
    this.#options = options
    outgoing.onDrained = () => loop.input(() => this.#drained())
    incoming.onArrived = chunks => loop.input(() => this.#arrived(chunks))
    incoming.onEnded = how => loop.input(() => (how === 'end' ? this.#otherEnded() : this.fail('ECONNRESET')))
  }

  /** The link fails at this end; nobody tells the other one. */
  fail(code: string): void {
    this.destroy(Object.assign(new Error(`simulated ${code}`), { code }))
  }

  /** Drains again. */
  releaseDrain(): void {
    if (!this.withholdsDrain) return
    this.withholdsDrain = false
    if (this.#options.outgoing.writable) this.#drained()
  }

  override write(chunk: Uint8Array): boolean {
    this.#options.onWritten(chunk)
    return super.write(chunk)
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    const { outgoing } = this.#options
    outgoing.write(chunk)
    if (outgoing.writable && !this.withholdsDrain) done()
    else this.#written = done
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
    if (!this.#ended) outgoing.break(outgoing.shape.delayMs)
    incoming.setReceiving(true)
    done(error)
  }

  #drained(): void {
    const done = this.#written
    if (!done || this.withholdsDrain) return
    this.#written = undefined
    done()
  }

  #arrived(chunks: readonly Uint8Array[]): void {
    const { incoming, outgoing, onArrived } = this.#options
    for (const chunk of chunks) {
      // What comes to a closed end is answered by a reset.
      if (this.destroyed) {
        outgoing.break(outgoing.shape.delayMs)
        return
      }
      onArrived(chunk)
      if (!this.push(chunk)) incoming.setReceiving(false)
    }
  }

  #otherEnded(): void {
    if (!this.destroyed) this.push(null)
  }
}
