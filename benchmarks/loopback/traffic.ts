// Streams of data as fast as they go, and what arrives, checked.

import type { Duplex } from 'node:stream'
import { checkPattern, patternAt } from '../pattern.ts'

/** Writes pieces of one size until told to stop. */
export class Writer {
  readonly #socket: Duplex
  readonly #writeSize: number
  #written = 0
  #stopped = false

  constructor(socket: Duplex, writeSize: number) {
    this.#socket = socket
    this.#writeSize = writeSize
  }

  start(): void {
    this.#socket.on('drain', this.#fill)
    this.#fill()
  }

  readonly #fill = (): void => {
    let more = !this.#stopped
    while (more) {
      more = this.#socket.write(patternAt(this.#written, this.#writeSize))
      this.#written += this.#writeSize
    }
  }

  /** @returns bytes written in all */
  stop(): number {
    this.#stopped = true
    this.#socket.off('drain', this.#fill)
    return this.#written
  }
}

export class Reader {
  readonly #done: Promise<void>
  #resolve: () => void = () => {}
  #received = 0
  #expected = Number.POSITIVE_INFINITY

  constructor(socket: Duplex) {
    this.#done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      socket.on('error', reject)
    })
    socket.on('data', (bytes: Buffer) => {
      checkPattern(bytes, this.#received)
      this.#received += bytes.length
      this.#see()
    })
  }

  get received(): number {
    return this.#received
  }

  /** Resolves when exactly so many bytes have arrived since the beginning. */
  expect(bytes: number): Promise<void> {
    this.#expected = bytes
    this.#see()
    return this.#done
  }

  #see(): void {
    if (this.#received > this.#expected) throw new Error(`${this.#received} bytes arrived of ${this.#expected} sent`)
    if (this.#received === this.#expected) this.#resolve()
  }
}
