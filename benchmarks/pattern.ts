// Data that can be written and checked at any position without copying: a block that looks random, repeated endlessly.
// It is the same in every process, so that one can check what another wrote.

import { createCipheriv } from 'node:crypto'

/** A prime, so that bytes shifted by any power of two do not match. */
const PERIOD = 1_000_003
/** Longest piece that can be asked for at once. */
export const PIECE_LIMIT = 1_048_576

const block = createCipheriv('aes-128-ctr', Buffer.alloc(16, 'hawser'), Buffer.alloc(16)).update(Buffer.alloc(PERIOD))
const pattern = Buffer.concat([block, block, block], PERIOD + PIECE_LIMIT)

/** The bytes at `position`; shared memory, not to be written to. */
export function patternAt(position: number, length: number): Buffer {
  const start = position % PERIOD
  return pattern.subarray(start, start + length)
}

/** @throws when `bytes` are not those at `position` */
export function checkPattern(bytes: Buffer, position: number): void {
  for (let offset = 0; offset < bytes.length; offset += PIECE_LIMIT) {
    const end = Math.min(bytes.length, offset + PIECE_LIMIT)
    const start = (position + offset) % PERIOD
    const order = bytes.compare(pattern, start, start + end - offset, offset, end)
    if (order !== 0) throw new Error(`wrong data near byte ${position + offset}`)
  }
}
