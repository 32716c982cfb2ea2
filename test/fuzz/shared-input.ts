// The input that runs now, where another thread can read it: also when it never comes back or takes all memory.

const HEAD_BYTES = 8

export class SharedInput {
  readonly memory: SharedArrayBuffer
  /** Inputs so far, length of the present one. */
  readonly #head: Int32Array
  readonly #bytes: Uint8Array

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#head = new Int32Array(memory, 0, 2)
    this.#bytes = new Uint8Array(memory, HEAD_BYTES)
  }

  static create(bytesMax: number): SharedInput {
    return new SharedInput(new SharedArrayBuffer(HEAD_BYTES + bytesMax))
  }

  /** Inputs so far, as 32 bits. */
  get count(): number {
    return Atomics.load(this.#head, 0)
  }

  get current(): Uint8Array {
    return this.#bytes.slice(0, Atomics.load(this.#head, 1))
  }

  readonly set = (input: Uint8Array): void => {
    this.#bytes.set(input.subarray(0, this.#bytes.length))
    Atomics.store(this.#head, 1, Math.min(input.length, this.#bytes.length))
    Atomics.add(this.#head, 0, 1)
  }
}
