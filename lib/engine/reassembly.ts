// Puts reliable messages back into the order of their numbers and passes over copies.

import type { ReliableMessage } from '../protocol/messages.ts'
import { nextSequence, sequenceDistance } from '../protocol/sequence.ts'
import { BLOCK_NUMBERS, contentBytes, WaitingBlock } from './waiting-block.ts'

/**
 * Farthest number behind the next one due that is stored. The wire allows 65,536; aggligator 0.9.7 may go further.
 */
export const REASSEMBLY_SPAN_LIMIT = 131_072

export type Arrival = 'new' | 'copy' | 'conflicting-copy' | 'too-far'

export class Reassembly {
  #next: number
  /** The message of that number, if it is there: the usual case, which goes through no block. */
  #due: ReliableMessage | undefined
  /** What waits behind a gap, by the number of its block. */
  readonly #blocks = new Map<number, WaitingBlock>()
  #stored = 0

  constructor(firstSequence: number) {
    this.#next = firstSequence
  }

  /** Messages that wait behind a gap or to be taken. */
  get stored(): number {
    return this.#stored
  }

  /** What a message with this number and content would be. */
  classify(message: ReliableMessage): Arrival {
    const { sequence } = message
    const ahead = sequenceDistance(this.#next, sequence)
    if (ahead < 0) return 'copy'
    if (ahead >= REASSEMBLY_SPAN_LIMIT) return 'too-far'
    if (ahead === 0 && this.#due) return isSame(this.#due, message) ? 'copy' : 'conflicting-copy'
    const block = this.#stored > 0 ? this.#blocks.get(blockOf(sequence)) : undefined
    if (!block?.has(indexOf(sequence))) return 'new'
    return block.isSame(indexOf(sequence), message) ? 'copy' : 'conflicting-copy'
  }

  /**
   * Stores a message that `classify` called new.
   *
   * @param waitingBytes - payload that waits already; with little of it copying is spared
   */
  store(message: ReliableMessage, waitingBytes = 0): void {
    const { sequence } = message
    this.#stored++
    if (sequence === this.#next) {
      this.#due = message
      return
    }
    let block = this.#blocks.get(blockOf(sequence))
    if (!block) {
      block = new WaitingBlock()
      this.#blocks.set(blockOf(sequence), block)
    }
    block.put(indexOf(sequence), message, waitingBytes)
  }

  /** Removes and returns the message that is due, if it is there. */
  takeNext(): ReliableMessage | undefined {
    if (this.#stored === 0) return undefined
    const message = this.#due ?? this.#takeWaiting()
    if (!message) return undefined
    this.#due = undefined
    this.#stored--
    const block = blockOf(this.#next)
    this.#next = nextSequence(this.#next)
    if (blockOf(this.#next) !== block) this.#blocks.delete(block)
    return message
  }

  #takeWaiting(): ReliableMessage | undefined {
    const block = this.#blocks.get(blockOf(this.#next))
    const index = indexOf(this.#next)
    return block?.has(index) ? block.take(index, this.#next) : undefined
  }
}

function isSame(one: ReliableMessage, other: ReliableMessage): boolean {
  return one.type === other.type && contentBytes(one) === contentBytes(other)
}

function blockOf(sequence: number): number {
  return Math.floor(sequence / BLOCK_NUMBERS)
}

function indexOf(sequence: number): number {
  return sequence % BLOCK_NUMBERS
}
