// What an engine should have received: S1, S3 and S7 of the threat model, told by its acks and by what is read from it.

import type { EngineLink } from '../../lib/engine/engine-link.ts'
import { type LinkMessage, MessageType, type ReliableMessage } from '../../lib/protocol/messages.ts'
import { judge } from './target.ts'

/** Farthest message that may be stored (threat model, section 3). */
const SPAN_LIMIT = 131_072

export class InboxModel {
  #next: number
  readonly #waiting = new Map<number, ReliableMessage>()
  /** Bytes in order and not read yet. */
  readonly #unread: Uint8Array[] = []
  #unreadBytes = 0
  #finished = false
  /** Nobody reads any more: what is read is not judged. */
  readerGone = false
  readonly #acksOwed = new Map<EngineLink, number[]>()
  /** Of the Consumed that was acked last; 0 if it was a copy. */
  newestConsumedBytes = 0

  constructor(firstSequence: number) {
    this.#next = firstSequence
  }

  /** All that was sent was read, and it is known that nothing follows. */
  get complete(): boolean {
    return this.#finished && (this.readerGone || this.#unreadBytes === 0)
  }

  /** The number `ahead` of the next one due. */
  sequence(ahead: number): number {
    return (this.#next + ahead) >>> 0
  }

  /** The engine took in a message and owes an ack for it. */
  acked(link: EngineLink, message: LinkMessage): void {
    judge(isReliable(message), 'an ack for a message that needs none')
    const owed = this.#acksOwed.get(link)
    if (owed) owed.push(message.sequence)
    else this.#acksOwed.set(link, [message.sequence])
    this.newestConsumedBytes = 0
    const ahead = (message.sequence - this.#next) | 0
    judge(ahead < SPAN_LIMIT, 'an ack for a message that is too far ahead')
    if (ahead < 0 || this.#waiting.has(message.sequence)) return
    if (message.type === MessageType.Consumed) this.newestConsumedBytes = message.bytes
    this.#waiting.set(message.sequence, message)
    for (let due = this.#waiting.get(this.#next); due; due = this.#waiting.get(this.#next)) this.#take(due)
  }

  ackSent(link: EngineLink, sequence: number): void {
    judge(this.#acksOwed.get(link)?.shift() === sequence, 'an ack out of order')
  }

  read(piece: Uint8Array): void {
    judge(piece.length > 0, 'an empty piece is read')
    judge(!this.readerGone, 'bytes for a reader that is gone')
    this.#unreadBytes -= piece.length
    judge(this.#unreadBytes >= 0, 'more is read than was sent')
    for (let at = 0; at < piece.length; ) {
      const first = this.#unread[0] as Uint8Array
      const count = Math.min(first.length, piece.length - at)
      judge(Buffer.compare(first.subarray(0, count), piece.subarray(at, at + count)) === 0, 'other bytes are read than were sent')
      if (count === first.length) this.#unread.shift()
      else this.#unread[0] = first.subarray(count)
      at += count
    }
  }

  #take(message: ReliableMessage): void {
    this.#waiting.delete(message.sequence)
    this.#next = (this.#next + 1) >>> 0
    if (message.type === MessageType.SendFinish) this.#finished = true
    if (message.type !== MessageType.Data) return
    for (const piece of message.payload) if (piece.length > 0) this.#unread.push(piece)
    this.#unreadBytes += message.bytes
  }
}

function isReliable(message: LinkMessage): message is ReliableMessage {
  switch (message.type) {
    case MessageType.Data:
    case MessageType.Consumed:
    case MessageType.SendFinish:
    case MessageType.ReceiveClose:
    case MessageType.ReceiveFinish:
      return true
    default:
      return false
  }
}
