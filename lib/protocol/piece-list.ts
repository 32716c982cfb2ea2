// Payload that comes in pieces, held until it is whole.
//
// A piece is a view of the chunk it came in. Were all of them kept so, a peer that sends single bytes could make 8 MiB
// cost a hundred times as much; short pieces are therefore copied together into small slabs.

/** Shorter pieces are copied. */
const COPY_BELOW_BYTES = 1_024
/** The first slab is small, for often it holds just one piece at the edge of a chunk; the following ones double. */
const SLAB_BYTES_INIT = 1_024
const SLAB_BYTES_MAX = 8_192

export class PieceList {
  #pieces: Uint8Array[] = []
  #slab: Uint8Array | undefined
  /** What lies in the slab from here to `#slabEnd` belongs to the piece that is last. */
  #slabStart = 0
  #slabEnd = 0

  /** Appends bytes of `chunk`. */
  add(chunk: Uint8Array, start: number, end: number): void {
    if (end - start >= COPY_BELOW_BYTES) {
      this.#closeSlabPiece()
      this.#pieces.push(viewOf(chunk, start, end))
      return
    }
    for (let at = start; at < end; ) {
      const slab = this.#slabWithRoom()
      const count = Math.min(end - at, slab.length - this.#slabEnd)
      slab.set(chunk.subarray(at, at + count), this.#slabEnd)
      this.#slabEnd += count
      at += count
    }
  }

  /** Removes and returns all pieces, in order. */
  take(): Uint8Array[] {
    this.#closeSlabPiece()
    this.#slab = undefined
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }

  #slabWithRoom(): Uint8Array {
    if (this.#slab === undefined || this.#slabEnd === this.#slab.length) {
      this.#closeSlabPiece()
      const bytes = this.#slab === undefined ? SLAB_BYTES_INIT : Math.min(2 * this.#slab.length, SLAB_BYTES_MAX)
      this.#slab = new Uint8Array(bytes)
      this.#slabStart = 0
      this.#slabEnd = 0
    }
    return this.#slab
  }

  #closeSlabPiece(): void {
    if (this.#slab === undefined || this.#slabEnd === this.#slabStart) return
    this.#pieces.push(this.#slab.subarray(this.#slabStart, this.#slabEnd))
    this.#slabStart = this.#slabEnd
  }
}

/** Bytes of `chunk`, without a copy. */
export function viewOf(chunk: Uint8Array, start: number, end: number): Uint8Array {
  return start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end)
}
