// The reliable messages of one direction, from when they get their number until they are acknowledged.

import { MessageType, type ReliableMessage } from '../protocol/messages.ts'
import { addSequence, nextSequence, sequenceDistance } from '../protocol/sequence.ts'
import { assert } from './assert.ts'
import type { Flight } from './flight.ts'

/**
 * Most numbers between the oldest unacknowledged message and the newest one; aggligator 0.9.12 and later end the
 * connection beyond (docs/protocol.md, section 5).
 */
export const SEQUENCE_SPAN_LIMIT = 65_536
/** Numbers that data leaves free for Consumed and the endings, which must never wait for an ack of data. */
const SEQUENCE_RESERVE = 1_024

/** Room of a new window; most connections are idle. */
const CAPACITY_INIT = 4

/** A reliable message that has its number. */
export class SentMessage {
  readonly sequence: number
  /** `undefined` once acknowledged: its payload must not be kept alive by copies still in flight. */
  #message: ReliableMessage | undefined
  /** Payload bytes; 0 but for Data. */
  readonly bytes: number
  /** Waits in the resend queue. */
  queued = false
  /** Transmissions in flight on links that are not in doubt. */
  liveFlights = 0
  /** Transmissions so far. */
  transmissions = 0
  /** The newest transmission. */
  flight: Flight | undefined

  constructor(message: ReliableMessage) {
    this.sequence = message.sequence
    this.#message = message
    this.bytes = message.type === MessageType.Data ? message.bytes : 0
  }

  get acked(): boolean {
    return this.#message === undefined
  }

  /** What to send; only while not acknowledged. */
  get message(): ReliableMessage {
    // Asked several times for each message: the text is not made before it is needed.
    if (this.#message === undefined) assert(false, `message ${this.sequence} was acknowledged`)
    return this.#message
  }

  /** The peer has it. */
  release(): void {
    this.#message = undefined
  }
}

export class SendWindow {
  /** Ring by sequence number; its length is a power of two. */
  #ring: (SentMessage | undefined)[] = new Array(CAPACITY_INIT)
  #oldest: number
  #next: number
  #unackedBytes = 0
  #unconsumedBytes = 0
  /** Acknowledged behind a message that is not. */
  #ackedAheadBytes = 0

  constructor(firstSequence: number) {
    this.#oldest = firstSequence
    this.#next = firstSequence
  }

  /** Number of the next new message. */
  get nextSequence(): number {
    return this.#next
  }

  /** Messages from the oldest unacknowledged one to the newest. */
  get span(): number {
    return (this.#next - this.#oldest) >>> 0
  }

  /** Payload bytes that are not acknowledged. */
  get unackedBytes(): number {
    return this.#unackedBytes
  }

  /** Payload bytes that the peer's application has not taken as far as known here. */
  get unconsumedBytes(): number {
    return this.#unconsumedBytes
  }

  /** Acknowledged payload bytes that wait at the peer behind a message still missing there. */
  get unconsumableBytes(): number {
    // The ack of the older message may be what is missing, not the message.
    return Math.min(this.#ackedAheadBytes, this.#unconsumedBytes)
  }

  get hasRoomForData(): boolean {
    return this.span < SEQUENCE_SPAN_LIMIT - SEQUENCE_RESERVE
  }

  get hasRoomForControl(): boolean {
    return this.span < SEQUENCE_SPAN_LIMIT
  }

  /** Takes in a message numbered `nextSequence`. */
  append(message: ReliableMessage): SentMessage {
    if (this.span === this.#ring.length) this.#grow()
    const sent = new SentMessage(message)
    this.#ring[message.sequence & (this.#ring.length - 1)] = sent
    this.#next = nextSequence(this.#next)
    this.#unackedBytes += sent.bytes
    this.#unconsumedBytes += sent.bytes
    return sent
  }

  /** Whether a message with this number was ever sent, as far as 2^31 numbers tell. */
  wasSent(sequence: number): boolean {
    return sequenceDistance(this.#next, sequence) < 0
  }

  /** Marks a message as received by the peer; a second call does nothing. */
  acknowledge(sent: SentMessage): void {
    if (sent.acked) return
    sent.release()
    this.#unackedBytes -= sent.bytes
    this.#ackedAheadBytes += sent.bytes
    const mask = this.#ring.length - 1
    while (this.#oldest !== this.#next) {
      const oldest = this.#ring[this.#oldest & mask] as SentMessage
      if (!oldest.acked) break
      this.#ring[this.#oldest & mask] = undefined
      this.#ackedAheadBytes -= oldest.bytes
      this.#oldest = nextSequence(this.#oldest)
    }
  }

  /** The peer's application took `bytes`; false if that is more than it was sent. */
  consumed(bytes: number): boolean {
    if (bytes > this.#unconsumedBytes) return false
    this.#unconsumedBytes -= bytes
    return true
  }

  /** The message `index` numbers behind the oldest unacknowledged one. */
  fromOldest(index: number): SentMessage | undefined {
    return index < this.span ? this.#ring[addSequence(this.#oldest, index) & (this.#ring.length - 1)] : undefined
  }

  #grow(): void {
    const old = this.#ring
    const ring: (SentMessage | undefined)[] = new Array(old.length * 2)
    for (let index = 0; index < old.length; index++) {
      const sequence = addSequence(this.#oldest, index)
      ring[sequence & (ring.length - 1)] = old[sequence & (old.length - 1)]
    }
    this.#ring = ring
  }
}
