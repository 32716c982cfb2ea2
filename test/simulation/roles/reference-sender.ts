// What the reference sends reliably: numbered in the order of the application's writes, never merged, given to the first
// link that is ready; an ack counts only on the link that was used last.

import { type LinkMessage, MessageType, type ReliableMessage } from '../../../lib/protocol/messages.ts'
import { Queue } from '../queue.ts'
import type { ReferenceLink } from './reference-link.ts'
import type { ReferenceVersion } from './reference-version.ts'

export interface SentReliable {
  readonly sequence: number
  readonly message: ReliableMessage
  readonly bytes: number
  /** That it was sent on last. */
  link: ReferenceLink | undefined
  /** Waits to be sent again. */
  waits: boolean
  acked: boolean
}

export class ReferenceSender {
  readonly #version: ReferenceVersion
  readonly #sendBuffer: number
  remoteRecvBuffer = 0
  readonly #writes = new Queue<Uint8Array>()
  #queuedBytes = 0
  /** From the oldest without an ack on. */
  readonly #outstanding = new Queue<SentReliable>()
  readonly #resends: SentReliable[] = []
  #next: number
  unackedBytes = 0
  unconsumedBytes = 0
  #finishWanted = false
  #receiveFinishWanted = false
  #receiveCloseWanted = false
  /** SendFinish is on its way. */
  finishSent = false
  /** The peer processes nothing any more. */
  refused = false

  constructor(version: ReferenceVersion, sendBuffer: number, firstSequence: number) {
    this.#version = version
    this.#sendBuffer = sendBuffer
    this.#next = firstSequence
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  get open(): boolean {
    return !this.#finishWanted && !this.refused
  }

  get finished(): boolean {
    return this.finishSent || this.refused
  }

  get outstanding(): number {
    return this.#outstanding.length
  }

  get resendCount(): number {
    return this.#resends.length
  }

  /** Everything was received, and taken where that matters. */
  get settled(): boolean {
    if (this.#receiveCloseWanted || this.#receiveFinishWanted) return false
    return this.#outstanding.length === 0 && this.delivered
  }

  /** All data was taken, or never will be. */
  get delivered(): boolean {
    return this.refused || this.unconsumedBytes === 0
  }

  write(chunk: Uint8Array): void {
    const size = this.#version.writeBytes
    for (let at = 0; at < chunk.byteLength; at += size) this.#writes.push(chunk.subarray(at, at + size))
    this.#queuedBytes += chunk.byteLength
  }

  finish(): void {
    this.#finishWanted = true
  }

  /** Drops what has no number yet: the peer wants no more. */
  drop(): void {
    this.#writes.clear()
    this.#queuedBytes = 0
    this.#finishWanted = true
  }

  wantReceiveClose(): void {
    this.#receiveCloseWanted = true
  }

  wantReceiveFinish(): void {
    this.#receiveFinishWanted = true
  }

  /** Whether a message of this number was sent and is not acknowledged, or was acknowledged before. */
  wasSent(sequence: number): boolean {
    return ((sequence - this.#next) | 0) < 0
  }

  acknowledged(sent: SentReliable, link: ReferenceLink): void {
    if (sent.acked || sent.waits || sent.link !== link) return
    sent.acked = true
    this.unackedBytes -= sent.bytes
    while (this.#outstanding.peek()?.acked) this.#outstanding.shift()
  }

  /** What the link was used for last is to be sent again. */
  requeue(link: ReferenceLink): void {
    let added = false
    for (const sent of this.#outstandingOn(link)) {
      sent.waits = true
      this.#resends.push(sent)
      added = true
    }
    if (added) this.#resends.sort((one, other) => (one.sequence - other.sequence) | 0)
  }

  /** The next message for a link that is ready, which counts as sent. */
  next(link: ReferenceLink, consumed: () => number, nowMs: number): LinkMessage | undefined {
    const bytes = this.#outstanding.length < this.#version.sentSpan ? consumed() : 0
    if (bytes > 0) return this.#send(link, { type: MessageType.Consumed, sequence: this.#next, bytes }, nowMs)
    const again = this.#resends.shift()
    if (again) {
      again.waits = false
      again.link = link
      link.carry(again, true, nowMs)
      return again.message
    }
    if (this.#outstanding.length >= this.#version.sentSpan) return undefined
    return this.#ending(link, nowMs) ?? this.#data(link, nowMs)
  }

  #ending(link: ReferenceLink, nowMs: number): LinkMessage | undefined {
    const sequence = this.#next
    if (this.#receiveCloseWanted) {
      this.#receiveCloseWanted = false
      return this.#send(link, { type: MessageType.ReceiveClose, sequence }, nowMs)
    }
    if (this.#receiveFinishWanted) {
      this.#receiveFinishWanted = false
      return this.#send(link, { type: MessageType.ReceiveFinish, sequence }, nowMs)
    }
    if (!this.#finishWanted || this.finishSent || this.refused || this.#writes.length > 0) return undefined
    this.finishSent = true
    return this.#send(link, { type: MessageType.SendFinish, sequence }, nowMs)
  }

  #data(link: ReferenceLink, nowMs: number): LinkMessage | undefined {
    const first = this.#writes.peek()
    if (!first || this.#outstanding.length >= this.#version.sentSpan - 1_024) return undefined
    const most = Math.max(Math.floor(this.remoteRecvBuffer / 2), 2) - 1
    const payload = first.subarray(0, Math.min(most, this.#sendBuffer))
    const bytes = payload.byteLength
    if (this.unackedBytes + bytes > this.#sendBuffer || this.unconsumedBytes + bytes > this.remoteRecvBuffer) return undefined
    if (bytes < first.byteLength) this.#writes.replaceFirst(first.subarray(bytes))
    else this.#writes.shift()
    this.#queuedBytes -= bytes
    this.unackedBytes += bytes
    this.unconsumedBytes += bytes
    return this.#send(link, { type: MessageType.Data, sequence: this.#next, payload: [payload], bytes }, nowMs)
  }

  #send(link: ReferenceLink, message: ReliableMessage, nowMs: number): LinkMessage {
    const bytes = message.type === MessageType.Data ? message.bytes : 0
    const sent: SentReliable = { sequence: this.#next, message, bytes, link, waits: false, acked: false }
    this.#outstanding.push(sent)
    this.#next = (this.#next + 1) >>> 0
    link.carry(sent, false, nowMs)
    return message
  }

  *#outstandingOn(link: ReferenceLink): Iterable<SentReliable> {
    for (const sent of this.#outstanding) if (sent.link === link && !sent.acked && !sent.waits) yield sent
  }
}
