// Test data over streams whose content follows from its position and a salt, made and checked piece by piece.

import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { patternOf } from '../simulation/pattern.ts'

const WRITE_BYTES = 65_536
/** Two salts read the one table at places so far apart. */
const SALT_STEP_BYTES = 7_919

/** Bytes of the stream of `salt` at `position`, in a buffer of their own. */
export function patternBytes(salt: number, position: number, bytes: number): Buffer {
  return Buffer.concat(patternOf(0).slices(start(salt) + position, bytes), bytes)
}

/** Checks a stream as it comes. */
export class PatternChecker {
  /** Bytes so far. */
  position = 0
  /** Position of the first wrong byte. */
  wrongAt: number | undefined
  readonly #start: number

  constructor(salt: number) {
    this.#start = start(salt)
  }

  take(piece: Uint8Array): void {
    if (this.wrongAt === undefined) {
      const wrong = patternOf(0).firstWrong(this.#start + this.position, piece)
      if (wrong >= 0) this.wrongAt = wrong - this.#start
    }
    this.position += piece.byteLength
  }
}

/** Writes so much of the stream of `salt`, as fast as it is taken. */
export async function writePattern(to: Duplex, salt: number, bytes: number): Promise<void> {
  for (let position = 0; position < bytes; position += WRITE_BYTES) {
    if (!to.write(patternBytes(salt, position, Math.min(WRITE_BYTES, bytes - position)))) await once(to, 'drain')
  }
}

function start(salt: number): number {
  return salt * SALT_STEP_BYTES
}
