// Makes new inputs of old ones, as AFL and libFuzzer do: a few small changes at random, one on top of the other.

import type { Random } from '../simulation/random.ts'

const INTERESTING_BYTES = [0x00, 0x01, 0x02, 0x7f, 0x80, 0xfe, 0xff]
const INTERESTING_U32 = [
  0, 1, 2, 5, 9, 10, 1_000, 65_535, 65_536, 65_617, 131_072, 0x7fff_fff6, 0x7fff_ffff, 0x8000_0000, 0xffff_fff6, 0xffff_ffff,
  8_388_608, 8_388_609,
]
/** What random changes would hardly ever find: the magic and the version. */
const TOKENS = [Uint8Array.of(0x4c, 0x49, 0x41, 0x47, 0x00), Uint8Array.of(0x4c, 0x49, 0x41, 0x47, 0x00, 0x04)]

export class Mutator {
  readonly #random: Random
  readonly #scratch: Uint8Array
  #length = 0

  constructor(random: Random, bytesMax: number) {
    this.#random = random
    this.#scratch = new Uint8Array(bytesMax)
  }

  /** A changed copy of `input`, which may take pieces of `other`. */
  mutate(input: Uint8Array, other: Uint8Array): Uint8Array {
    this.#length = Math.min(input.length, this.#scratch.length)
    this.#scratch.set(input.subarray(0, this.#length))
    const changes = this.#random.logBetween(1, 8)
    for (let change = 0; change < changes; change++) this.#change(other)
    return this.#scratch.slice(0, this.#length)
  }

  #change(other: Uint8Array): void {
    const random = this.#random
    if (this.#length === 0) {
      this.#insert(0, randomBytes(random, random.between(1, 16)))
      return
    }
    const at = random.below(this.#length)
    const scratch = this.#scratch
    switch (random.below(12)) {
      case 0:
        scratch[at] = (scratch[at] as number) ^ (1 << random.below(8))
        break
      case 1:
        scratch[at] = random.below(256)
        break
      case 2:
        scratch[at] = random.pick(INTERESTING_BYTES)
        break
      case 3:
        scratch[at] = (scratch[at] as number) + random.between(-16, 16)
        break
      case 4:
        this.#writeUint32(at, random.pick(INTERESTING_U32))
        break
      case 5:
        this.#writeUint32(at, this.#readUint32(at) + random.between(-16, 16))
        break
      case 6:
        this.#remove(at, random.logBetween(1, 64))
        break
      case 7:
        this.#insert(at, scratch.slice(at, Math.min(this.#length, at + random.logBetween(1, 64))))
        break
      case 8:
        this.#insert(at, randomBytes(random, random.logBetween(1, 16)))
        break
      case 9:
        this.#insert(at, pieceOf(random, other))
        break
      case 10:
        this.#overwrite(at, pieceOf(random, other))
        break
      case 11:
        this.#overwrite(at, random.pick(TOKENS))
        break
    }
  }

  #insert(at: number, bytes: Uint8Array): void {
    const count = Math.min(bytes.length, this.#scratch.length - this.#length)
    this.#scratch.copyWithin(at + count, at, this.#length)
    this.#scratch.set(bytes.subarray(0, count), at)
    this.#length += count
  }

  #remove(at: number, count: number): void {
    const end = Math.min(this.#length, at + count)
    this.#scratch.copyWithin(at, end, this.#length)
    this.#length -= end - at
  }

  #overwrite(at: number, bytes: Uint8Array): void {
    this.#scratch.set(bytes.subarray(0, this.#length - at), at)
  }

  #readUint32(at: number): number {
    let value = 0
    for (let index = 0; index < 4; index++)
      value = value * 256 + (at + index < this.#length ? (this.#scratch[at + index] ?? 0) : 0)
    return value
  }

  #writeUint32(at: number, value: number): void {
    for (let index = 0; index < 4 && at + index < this.#length; index++) this.#scratch[at + index] = value >>> (24 - 8 * index)
  }
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256))
}

function pieceOf(random: Random, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes
  const start = random.below(bytes.length)
  return bytes.subarray(start, start + random.logBetween(1, 128))
}
