// Bytes that the application wrote and that are not yet part of a message.

import { joined } from '../protocol/joined.ts'
import { Fifo } from './fifo.ts'

/** A message of more pieces than this is copied into one: each piece costs a view as long as the message is unacked. */
const MOST_PIECES = 16

export class SendQueue {
  #chunks = new Fifo<Uint8Array>()
  /** Bytes of the oldest chunk that are taken already. */
  #offset = 0
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return
    this.#chunks.push(chunk)
    this.#bytes += chunk.byteLength
  }

  /** Removes the oldest `bytes` bytes, which must be there; slices of what was written, not copies, unless they are many. */
  take(bytes: number): readonly Uint8Array[] {
    const pieces: Uint8Array[] = []
    let missing = bytes
    while (missing > 0) {
      const chunk = this.#chunks.peek() as Uint8Array
      const available = chunk.byteLength - this.#offset
      if (available <= missing) {
        pieces.push(this.#offset === 0 ? chunk : chunk.subarray(this.#offset))
        this.#chunks.shift()
        this.#offset = 0
        missing -= available
      } else {
        pieces.push(chunk.subarray(this.#offset, this.#offset + missing))
        this.#offset += missing
        missing = 0
      }
    }
    this.#bytes -= bytes
    return pieces.length <= MOST_PIECES ? pieces : [joined(pieces, bytes)]
  }

  clear(): void {
    this.#chunks.clear()
    this.#offset = 0
    this.#bytes = 0
  }
}
