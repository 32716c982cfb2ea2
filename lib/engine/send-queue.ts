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
    if (bytes === 0) return []
    const first = this.#takePiece(bytes)
    if (first.byteLength === bytes) return [first]
    const pieces = [first]
    for (let missing = bytes - first.byteLength; missing > 0; ) {
      const piece = this.#takePiece(missing)
      pieces.push(piece)
      missing -= piece.byteLength
    }
    return pieces.length <= MOST_PIECES ? pieces : [joined(pieces, bytes)]
  }

  /** What the oldest chunk has left, at most `bytes`. */
  #takePiece(bytes: number): Uint8Array {
    const chunk = this.#chunks.peek() as Uint8Array
    const start = this.#offset
    const end = Math.min(start + bytes, chunk.byteLength)
    this.#bytes -= end - start
    this.#offset = end
    if (end === chunk.byteLength) {
      this.#chunks.shift()
      this.#offset = 0
    }
    return start === 0 && end === chunk.byteLength ? chunk : chunk.subarray(start, end)
  }

  clear(): void {
    this.#chunks.clear()
    this.#offset = 0
    this.#bytes = 0
  }
}
