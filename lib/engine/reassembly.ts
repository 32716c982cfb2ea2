// Puts reliable messages back into the order of their numbers and passes over copies.

import type { ReliableMessage } from '../protocol/messages.ts'
import { nextSequence, sequenceDistance } from '../protocol/sequence.ts'

/**
 * Farthest number behind the next one due that is stored. The wire allows 65,536; aggligator 0.9.7 may go further.
 */
export const REASSEMBLY_SPAN_LIMIT = 131_072

export type Arrival = 'new' | 'copy' | 'conflicting-copy' | 'too-far'

export class Reassembly {
  /** Ring by sequence number; its length is a power of two. */
  #ring: (ReliableMessage | undefined)[] = new Array(64)
  #next: number
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
    const ahead = sequenceDistance(this.#next, message.sequence)
    if (ahead < 0) return 'copy'
    if (ahead >= REASSEMBLY_SPAN_LIMIT) return 'too-far'
    const held = ahead < this.#ring.length ? this.#ring[message.sequence & (this.#ring.length - 1)] : undefined
    if (!held) return 'new'
    return isSame(held, message) ? 'copy' : 'conflicting-copy'
  }

  /** Stores a message that `classify` called new. */
  store(message: ReliableMessage): void {
    const ahead = sequenceDistance(this.#next, message.sequence)
    while (ahead >= this.#ring.length) this.#grow()
    this.#ring[message.sequence & (this.#ring.length - 1)] = message
    this.#stored++
  }

  /** Removes and returns the message that is due, if it is there. */
  takeNext(): ReliableMessage | undefined {
    const slot = this.#next & (this.#ring.length - 1)
    const message = this.#ring[slot]
    if (!message) return undefined
    this.#ring[slot] = undefined
    this.#next = nextSequence(this.#next)
    this.#stored--
    return message
  }

  #grow(): void {
    const old = this.#ring
    const ring: (ReliableMessage | undefined)[] = new Array(old.length * 2)
    for (const message of old) if (message) ring[message.sequence & (ring.length - 1)] = message
    this.#ring = ring
  }
}

function isSame(held: ReliableMessage, message: ReliableMessage): boolean {
  if (held.type !== message.type) return false
  return !('bytes' in held) || !('bytes' in message) || held.bytes === message.bytes
}
