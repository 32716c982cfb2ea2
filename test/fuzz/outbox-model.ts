// What an engine may send: S2, S4 and S5 of the threat model, told by its messages.

import { payloadLimit } from '../../lib/engine/receiver.ts'
import { type LinkMessage, MessageType, type ReliableMessage } from '../../lib/protocol/messages.ts'
import { nextSequence, sequenceDistance } from '../../lib/protocol/sequence.ts'
import { sameMessage } from './same-message.ts'
import { judge } from './target.ts'

/** The application writes this over and over. */
const PATTERN = Uint8Array.from({ length: 251 }, (_, index) => index)

export class OutboxModel {
  readonly #remoteRecvBuffer: number
  /** The first number that was not sent. */
  #next: number
  readonly #sent = new Map<number, ReliableMessage>()
  /** Numbers beyond `#next` that were sent: a slower link carries what comes behind what waits for the quicker ones. */
  #ahead = 0
  #writtenBytes = 0
  /** As far as the numbers are complete. */
  #sentBytes = 0
  unconsumedBytes = 0
  /** The application writes no more. */
  finished = false
  #finishSent = false

  constructor(firstSequence: number, remoteRecvBuffer: number) {
    this.#next = firstSequence
    this.#remoteRecvBuffer = remoteRecvBuffer
  }

  /** All that may go out now has gone out, but for `queuedBytes`. */
  settled(queuedBytes: number): void {
    judge(this.#ahead === 0 || queuedBytes > 0, 'a number was left out')
  }

  /** The number `ahead` of the first that was not sent. */
  sequence(ahead: number): number {
    return (this.#next + ahead) >>> 0
  }

  /** The application's next bytes. */
  written(bytes: number): Uint8Array[] {
    const chunk = patternAt(this.#writtenBytes, bytes)
    this.#writtenBytes += bytes
    return [chunk]
  }

  consumed(bytes: number): void {
    this.unconsumedBytes -= bytes
    judge(this.unconsumedBytes >= 0, 'more was consumed than was sent, and it passed')
  }

  sent(message: LinkMessage): void {
    if (!('sequence' in message) || message.type === MessageType.Ack) return
    const first = this.#sent.get(message.sequence)
    if (first) judge(sameMessage(first, message), 'one number for two messages')
    else this.#sentFirst(message)
  }

  #sentFirst(message: ReliableMessage): void {
    judge(sequenceDistance(this.#next, message.sequence) >= 0, 'a number that was sent before')
    this.#sent.set(message.sequence, message)
    this.#ahead++
    if (message.type === MessageType.Data) {
      const { bytes } = message
      judge(bytes > 0 && bytes <= payloadLimit(this.#remoteRecvBuffer), 'a payload that is too long or empty')
      this.unconsumedBytes += bytes
      judge(this.unconsumedBytes <= this.#remoteRecvBuffer, 'more is sent than the peer takes')
    }
    for (let next = this.#sent.get(this.#next); next; next = this.#sent.get(this.#next)) this.#inOrder(next)
  }

  #inOrder(message: ReliableMessage): void {
    this.#next = nextSequence(this.#next)
    this.#ahead--
    if (message.type === MessageType.SendFinish) this.#finishSent = true
    if (message.type !== MessageType.Data) return
    const { payload, bytes } = message
    judge(!this.#finishSent, 'data after SendFinish')
    judge(Buffer.compare(Buffer.concat(payload), patternAt(this.#sentBytes, bytes)) === 0, 'other bytes than were written')
    this.#sentBytes += bytes
    judge(this.#sentBytes <= this.#writtenBytes, 'more is sent than was written')
  }
}

function patternAt(position: number, bytes: number): Uint8Array {
  const chunk = new Uint8Array(bytes)
  for (let at = 0, from = position % PATTERN.length; at < bytes; from = 0) {
    const piece = PATTERN.subarray(from, from + bytes - at)
    chunk.set(piece, at)
    at += piece.length
  }
  return chunk
}
