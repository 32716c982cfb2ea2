// Received payload that must wait, in order or behind a gap, without holding more memory than its own size.
//
// A payload is a view into the chunk that came from the link and keeps all of it alive: one byte could pin 64 KiB.
// Small payloads are therefore copied into shared slabs; larger ones are kept as views as long as little waits, which
// is the normal case of a quick reader, and copied beyond, unless they fill their chunk nearly whole.

/** Smaller payloads are copied at once: a view costs about 100 bytes by itself. */
const SMALL_BYTES = 4_096
const SLAB_BYTES = 65_536
/** As long as less waits, views are kept even if they pin more than they show. */
const LITTLE_BYTES = 262_144
/** A view may pin so many times its own size while little waits. */
const MOST_PINNED = 16
/** And this much at any time. */
const LEAST_FILL = 0.8

export class Slabs {
  #slab = new Uint8Array(0)
  #used = 0

  /** A view or copy of `payload` that may be kept while `waitingBytes` wait already. */
  keep(payload: Uint8Array, waitingBytes: number): Uint8Array {
    const bytes = payload.byteLength
    const pinned = payload.buffer.byteLength
    if (bytes < SMALL_BYTES) return this.#copy(payload)
    if (bytes >= pinned * LEAST_FILL) return payload
    if (waitingBytes < LITTLE_BYTES && bytes * MOST_PINNED >= pinned) return payload
    return payload.slice()
  }

  /** `last` and `next` as one view if `next` lies right behind `last` in the same slab. */
  static join(last: Uint8Array, next: Uint8Array): Uint8Array | undefined {
    if (last.buffer !== next.buffer || last.byteOffset + last.byteLength !== next.byteOffset) return undefined
    return new Uint8Array(last.buffer, last.byteOffset, last.byteLength + next.byteLength)
  }

  #copy(payload: Uint8Array): Uint8Array {
    const bytes = payload.byteLength
    if (this.#used + bytes > this.#slab.byteLength) {
      this.#slab = new Uint8Array(SLAB_BYTES)
      this.#used = 0
    }
    const copy = this.#slab.subarray(this.#used, this.#used + bytes)
    copy.set(payload)
    this.#used += bytes
    return copy
  }
}
