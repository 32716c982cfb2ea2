// The byte stream that agg-speed 0.18.7 sends and checks: a random seed as big-endian u64, then the output of
// Xoroshiro128** (crate `rand_xoshiro` 0.7, `seed_from_u64`) as little-endian 64-bit words.

import { endianness } from 'node:os'

const MASK_64 = (1n << 64n) - 1n
const TWO_32 = 2 ** 32

export const SEED_BYTES = 8
/** The tool writes blocks of this size; it checks any whole words. */
export const BLOCK_BYTES = 8_192

export class SpeedBlocks {
  // The two words of the state as halves: 64-bit integers of JavaScript are too slow for this.
  #low0: number
  #high0: number
  #low1: number
  #high1: number

  constructor(seed: bigint) {
    const [first, second] = splitMix(seed)
    this.#low0 = Number(first & 0xffff_ffffn)
    this.#high0 = Number(first >> 32n)
    this.#low1 = Number(second & 0xffff_ffffn)
    this.#high1 = Number(second >> 32n)
  }

  /** @param bytes - a multiple of 8 */
  take(bytes: number): Buffer {
    const halves = new Uint32Array(bytes / 4)
    for (let index = 0; index < halves.length; index += 2) this.#word(halves, index)
    const block = Buffer.from(halves.buffer)
    return endianness() === 'LE' ? block : block.swap32()
  }

  #word(halves: Uint32Array, index: number): void {
    // result = rotateLeft(s0 * 5, 7) * 9; the products of halves stay below 2^53
    const low5 = this.#low0 * 5
    const high5 = (this.#high0 * 5 + Math.floor(low5 / TWO_32)) >>> 0
    const lowRotated = ((low5 << 7) | (high5 >>> 25)) >>> 0
    const highRotated = ((high5 << 7) | ((low5 >>> 0) >>> 25)) >>> 0
    const low9 = lowRotated * 9
    halves[index] = low9
    halves[index + 1] = highRotated * 9 + Math.floor(low9 / TWO_32)

    // s1 ^= s0; s0 = rotateLeft(s0, 24) ^ s1 ^ (s1 << 16); s1 = rotateLeft(s1, 37)
    const low = this.#low1 ^ this.#low0
    const high = this.#high1 ^ this.#high0
    const lowNext = ((this.#low0 << 24) | (this.#high0 >>> 8)) ^ low ^ (low << 16)
    const highNext = ((this.#high0 << 24) | (this.#low0 >>> 8)) ^ high ^ ((high << 16) | (low >>> 16))
    this.#low0 = lowNext >>> 0
    this.#high0 = highNext >>> 0
    this.#low1 = ((high << 5) | (low >>> 27)) >>> 0
    this.#high1 = ((low << 5) | (high >>> 27)) >>> 0
  }
}

/** The first two outputs of SplitMix64. */
function splitMix(seed: bigint): [bigint, bigint] {
  const mix = (state: bigint): bigint => {
    let z = state
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK_64
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK_64
    return z ^ (z >> 31n)
  }
  const increment = 0x9e3779b97f4a7c15n
  return [mix((seed + increment) & MASK_64), mix((seed + 2n * increment) & MASK_64)]
}
