// The option `onread`: received bytes go into a buffer of the application's, and to a callback, not through the stream.

import { wrongType } from './argument-checks.ts'
import { runForeign } from './run-foreign.ts'

/** As `net.Socket` has it. */
export interface OnReadOptions {
  /** Where received bytes are put; or what gives such a place, asked again after each call of `callback`. */
  buffer: Uint8Array | (() => Uint8Array)
  /** Called with every chunk; `false` stops reading until `resume`. */
  callback: (bytesWritten: number, buffer: Uint8Array) => boolean | undefined | void
}

/** @throws {HawserError} `ERR_INVALID_ARG_TYPE` */
export function checkOnRead(options: OnReadOptions | undefined | null): void {
  if (options === undefined || options === null) return
  const { buffer, callback } = options
  if (typeof callback !== 'function') throw wrongType('onread.callback', 'a function', callback)
  if (typeof buffer === 'function' || buffer instanceof Uint8Array) return
  throw wrongType('onread.buffer', 'a Uint8Array or a function', buffer)
}

export class OnRead {
  readonly #callback: OnReadOptions['callback']
  readonly #nextBuffer: (() => Uint8Array) | undefined
  #buffer: Uint8Array | undefined
  /** Taken in, but not given out yet. */
  #rest: Uint8Array = NOTHING
  #giving = false
  /** The application wants bytes as they come. */
  #open: boolean

  /** @param open - whether the application wants bytes from the beginning */
  constructor({ buffer, callback }: OnReadOptions, open: boolean) {
    this.#callback = callback
    this.#open = open
    if (typeof buffer === 'function') this.#nextBuffer = buffer
    else this.#buffer = buffer
  }

  get open(): boolean {
    return this.#open
  }

  /** Bytes taken in that the callback has not got. */
  get waitingBytes(): number {
    return this.#rest.byteLength
  }

  pause(): void {
    this.#open = false
  }

  /** Goes on with what waits. @throws {HawserError} the application has no buffer for it */
  resume(): void {
    this.#open = true
    this.#give()
  }

  /** Takes in bytes, while none wait. @throws {HawserError} the application has no buffer for them */
  take(piece: Uint8Array): void {
    this.#rest = piece
    this.#give()
  }

  /** Nobody is to get what waits. */
  drop(): void {
    this.#open = false
    this.#rest = NOTHING
  }

  #give(): void {
    if (this.#giving) return
    this.#giving = true
    try {
      while (this.#open && this.#rest.byteLength > 0) this.#giveOne(this.#place())
    } finally {
      this.#giving = false
    }
  }

  #giveOne(buffer: Uint8Array): void {
    const chunk = this.#rest.subarray(0, buffer.byteLength)
    this.#rest = this.#rest.subarray(chunk.byteLength)
    buffer.set(chunk)
    let goOn: unknown
    runForeign(() => {
      goOn = this.#callback(chunk.byteLength, buffer)
    })
    if (goOn === false) this.#open = false
    if (this.#nextBuffer) this.#buffer = undefined
  }

  #place(): Uint8Array {
    this.#buffer ??= this.#nextBuffer?.()
    if (this.#buffer instanceof Uint8Array && this.#buffer.byteLength > 0) return this.#buffer
    throw wrongType('onread.buffer', 'a Uint8Array that is not empty, or return one', this.#buffer)
  }
}

const NOTHING = new Uint8Array(0)
