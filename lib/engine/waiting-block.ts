// Messages behind a gap, of numbers that follow each other: a peer decides how many wait, so each costs a few bytes
// besides its payload. Neighbours are delivered at about the same time, so nothing else is kept alive for one of them.

import { MessageType, type ReliableMessage } from '../protocol/messages.ts'
import { compact } from './held-bytes.ts'

/** Numbers in a block; a power of two. */
export const BLOCK_NUMBERS = 256
/** Smaller payloads are copied together: a view by itself costs about 100 bytes. */
const SMALL_BYTES = 4_096
/** What is copied together grows by this factor: no more than a fifth of it is empty. */
const GROWTH = 1.25
const LEAST_GROWTH_BYTES = 32

export class WaitingBlock {
  /** Message types; 0 where none waits. */
  readonly #types = new Uint8Array(BLOCK_NUMBERS)
  /** Payload lengths of Data, contents of Consumed. */
  readonly #bytes = new Uint32Array(BLOCK_NUMBERS)
  /** Where small payloads begin in `#small`. */
  readonly #offsets = new Uint32Array(BLOCK_NUMBERS)
  #small = new Uint8Array(0)
  #smallBytes = 0
  readonly #large = new Map<number, readonly Uint8Array[]>()

  has(index: number): boolean {
    return this.#types[index] !== 0
  }

  /** Whether what waits in this place could be another transmission of `message`. */
  isSame(index: number, message: ReliableMessage): boolean {
    return this.#types[index] === message.type && this.#bytes[index] === contentBytes(message)
  }

  /** @param waitingBytes - payload that waits already */
  put(index: number, message: ReliableMessage, waitingBytes: number): void {
    this.#types[index] = message.type
    this.#bytes[index] = contentBytes(message)
    if (message.type !== MessageType.Data) return
    if (message.bytes < SMALL_BYTES) this.#copy(index, message.payload, message.bytes)
    else this.#large.set(index, compact(message.payload, waitingBytes))
  }

  /** Removes and returns what waits in this place, which is the message `sequence`. */
  take(index: number, sequence: number): ReliableMessage {
    const type = this.#types[index] as ReliableMessage['type']
    const bytes = this.#bytes[index] as number
    this.#types[index] = 0
    if (type === MessageType.Consumed) return { type, sequence, bytes }
    if (type !== MessageType.Data) return { type, sequence }
    const payload = this.#large.get(index) ?? [
      this.#small.subarray(this.#offsets[index], (this.#offsets[index] as number) + bytes),
    ]
    this.#large.delete(index)
    return { type, sequence, payload, bytes }
  }

  #copy(index: number, payload: readonly Uint8Array[], bytes: number): void {
    const end = this.#smallBytes + bytes
    if (end > this.#small.length) {
      const larger = new Uint8Array(Math.ceil(end * GROWTH) + LEAST_GROWTH_BYTES)
      larger.set(this.#small.subarray(0, this.#smallBytes))
      this.#small = larger
    }
    this.#offsets[index] = this.#smallBytes
    for (const piece of payload) {
      this.#small.set(piece, this.#smallBytes)
      this.#smallBytes += piece.byteLength
    }
  }
}

/** Length of the payload of Data, content of Consumed. */
export function contentBytes(message: ReliableMessage): number {
  return 'bytes' in message ? message.bytes : 0
}
