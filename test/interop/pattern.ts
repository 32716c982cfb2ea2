// Test data that the Rust peer makes, too: the words of an xorshift32 generator, little-endian. Also its checksum.

import { crc32 } from 'node:zlib'

export interface Digest {
  readonly received: number
  /** CRC-32 of everything, as `recv` of the peer reports it. */
  readonly checksum: number
}

export class Pattern {
  #state: number
  #rest = Buffer.alloc(0)

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1
  }

  take(bytes: number): Buffer {
    const taken = Buffer.allocUnsafe(bytes)
    let offset = this.#rest.copy(taken)
    this.#rest = this.#rest.subarray(offset)
    let state = this.#state
    for (; offset + 4 <= bytes; offset += 4) {
      state = next(state)
      taken.writeInt32LE(state, offset)
    }
    if (offset < bytes) {
      state = next(state)
      const word = Buffer.alloc(4)
      word.writeInt32LE(state)
      this.#rest = word.subarray(word.copy(taken, offset))
    }
    this.#state = state
    return taken
  }
}

function next(state: number): number {
  const first = state ^ (state << 13)
  const second = first ^ (first >>> 17)
  return second ^ (second << 5)
}

/** What arrives when the first `bytes` bytes of the pattern of `seed` were sent. */
export function digestOf(bytes: number, seed: number): Digest {
  const pattern = new Pattern(seed)
  const digester = new Digester()
  for (let done = 0; done < bytes; done += 65_536) digester.update(pattern.take(Math.min(65_536, bytes - done)))
  return digester.digest
}

export class Digester {
  #received = 0
  #checksum = 0

  update(chunk: Uint8Array): void {
    this.#received += chunk.byteLength
    this.#checksum = crc32(chunk, this.#checksum)
  }

  get digest(): Digest {
    return { received: this.#received, checksum: this.#checksum }
  }
}
