// Bytes whose content follows from their position, so that what arrives can be checked without keeping what was sent.

import { Random } from './random.ts'

/** A prime, so that a piece moved by any size that a program uses does not match. */
const PERIOD_BYTES = 1_048_573

export class Pattern {
  readonly #table: Uint8Array

  constructor(seed: number) {
    const random = new Random(seed)
    const words = new Uint32Array(Math.ceil(PERIOD_BYTES / 4))
    for (let index = 0; index < words.length; index++) words[index] = random.u32()
    this.#table = new Uint8Array(words.buffer, 0, PERIOD_BYTES)
  }

  /** The bytes at `position`, as views that nobody may write to. */
  slices(position: number, bytes: number): Uint8Array[] {
    const slices: Uint8Array[] = []
    let offset = position % PERIOD_BYTES
    let missing = bytes
    while (missing > 0) {
      const piece = this.#table.subarray(offset, Math.min(offset + missing, PERIOD_BYTES))
      slices.push(piece)
      missing -= piece.byteLength
      offset = 0
    }
    return slices
  }

  /** First position in `piece`, found at `position`, that is not as it should be; -1 if all are. */
  firstWrong(position: number, piece: Uint8Array): number {
    let offset = 0
    for (const slice of this.slices(position, piece.byteLength)) {
      const part = piece.subarray(offset, offset + slice.byteLength)
      if (Buffer.compare(part, slice) !== 0) return position + offset + part.findIndex((byte, index) => byte !== slice[index])
      offset += slice.byteLength
    }
    return -1
  }
}

const patterns = new Map<number, Pattern>()

/** The pattern of a number; made once and kept. */
export function patternOf(seed: number): Pattern {
  let pattern = patterns.get(seed)
  if (!pattern) {
    pattern = new Pattern(seed)
    patterns.set(seed, pattern)
  }
  return pattern
}
