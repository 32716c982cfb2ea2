// Received payload that must wait, in order or behind a gap, without holding more memory than its own size.
//
// A payload is a view into the chunk that came from the link and keeps all of it alive: one byte could pin 64 KiB.
// In order, small payloads are therefore copied into shared slabs, which are let go of in that order, unless one is alone
// in a small chunk; behind a gap each lies with its neighbours. Larger ones are kept as views as long as little waits, which is
// the normal case of a quick reader, and copied beyond, unless they fill their chunk nearly whole.

/** Smaller payloads are copied at once: a view costs about 100 bytes by itself. */
const SMALL_BYTES = 4_096
const SLAB_BYTES = 65_536
/**
 * While less than `below` waits, views are kept that pin at most `most` times their own size. Most messages lie in two chunks, each of
 * which they share with neighbours that come just as soon: to copy them took more time over several quick links than anything else.
 */
const PINNED = [
  { below: 131_072, most: 16 },
  { below: 1_572_864, most: 3 },
]
/** What fills its chunk so far is kept at any time. */
const LEAST_FILL = 0.8

const NO_SLAB = new Uint8Array(0)

export class Slabs {
  #slab: Uint8Array = NO_SLAB
  #used = 0

  /** A view or copy of `piece` that may be kept while `waitingBytes` wait, itself included. Copies lie behind one another. */
  keep(piece: Uint8Array, waitingBytes: number): Uint8Array {
    if (piece.byteLength < SMALL_BYTES) {
      const alone = waitingBytes <= piece.byteLength
      return alone && piece.buffer.byteLength <= SMALL_BYTES ? piece : this.#copy(piece)
    }
    return isWorthKeeping(piece, waitingBytes) ? piece : copyOf([piece])
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

/** `payload` as views or copies that keep little else alive, while `waitingBytes` wait already. */
export function compact(payload: readonly Uint8Array[], waitingBytes: number): readonly Uint8Array[] {
  const isKept = (piece: Uint8Array): boolean => piece.byteLength >= SMALL_BYTES && isWorthKeeping(piece, waitingBytes)
  if (payload.every(isKept)) return payload
  const pieces: Uint8Array[] = []
  let copied: Uint8Array[] = []
  for (const piece of payload) {
    if (!isKept(piece)) copied.push(piece)
    else {
      if (copied.length > 0) pieces.push(copyOf(copied))
      copied = []
      pieces.push(piece)
    }
  }
  if (copied.length > 0) pieces.push(copyOf(copied))
  return pieces
}

/** One array of its own; `slice` of a Buffer would be a view. */
function copyOf(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}

function isWorthKeeping(piece: Uint8Array, waitingBytes: number): boolean {
  const pinned = piece.buffer.byteLength
  if (piece.byteLength >= pinned * LEAST_FILL) return true
  return PINNED.some(({ below, most }) => waitingBytes < below && piece.byteLength * most >= pinned)
}
