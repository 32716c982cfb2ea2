// What the reference receives reliably: order, flow control, endings. It is strict: what breaks a rule throws.

import { MessageType, type ReliableMessage } from '../../../lib/protocol/messages.ts'
import { ProtocolError } from '../../../lib/protocol/protocol-error.ts'
import { Queue } from '../queue.ts'
import type { ReferenceVersion } from './reference-version.ts'

/** Consumed goes out once more than this share of the receive buffer was taken. */
const CONSUMED_SHARE = 0.1

export class ReferenceReceiver {
  /** Takes in what is for the sending side, in order. */
  readonly #onOther: (message: ReliableMessage) => void
  readonly #version: ReferenceVersion
  readonly #recvBuffer: number
  readonly #waiting = new Map<number, ReliableMessage>()
  readonly #readable = new Queue<Uint8Array>()
  #next: number
  #heldBytes = 0
  #readableBytes = 0
  #unreportedBytes = 0
  #finishSequence: number | undefined
  #peerFinished = false
  #state: 'open' | 'closing' | 'dropped' = 'open'

  constructor(version: ReferenceVersion, recvBuffer: number, firstSequence: number, onOther: (message: ReliableMessage) => void) {
    this.#version = version
    this.#recvBuffer = recvBuffer
    this.#next = firstSequence
    this.#onOther = onOther
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get heldMessages(): number {
    return this.#waiting.size + this.#readable.length
  }

  get readableBytes(): number {
    return this.#readableBytes
  }

  get unreportedBytes(): number {
    return this.#unreportedBytes
  }

  get ended(): boolean {
    return this.#peerFinished && this.#readableBytes === 0 && this.#state !== 'dropped'
  }

  get finished(): boolean {
    return this.ended || this.#state === 'dropped'
  }

  receive(message: ReliableMessage): void {
    const ahead = (message.sequence - this.#next) | 0
    if (ahead < 0) return
    if (ahead >= this.#version.acceptedSpan) throw new ProtocolError(`number ${message.sequence} is ${ahead} ahead`, 'connection')
    const held = this.#waiting.get(message.sequence)
    if (held) {
      if (held.type !== message.type) throw new ProtocolError('another message of the same number', 'connection')
      return
    }
    this.#admit(message)
    this.#waiting.set(message.sequence, message)
    for (let due = this.#waiting.get(this.#next); due; due = this.#waiting.get(this.#next)) {
      this.#waiting.delete(this.#next)
      this.#next = (this.#next + 1) >>> 0
      this.#deliver(due)
    }
  }

  read(): Uint8Array | undefined {
    const piece = this.#readable.shift()
    if (piece) {
      this.#readableBytes -= piece.byteLength
      this.#consume(piece.byteLength)
    }
    return piece
  }

  /** True if the peer must be told. */
  close(): boolean {
    if (this.#state !== 'open' || this.ended) return false
    this.#state = 'closing'
    this.#discard()
    return true
  }

  drop(): boolean {
    if (this.finished) return false
    this.#state = 'dropped'
    this.#discard()
    return true
  }

  /** Bytes for a Consumed that is due now; 0 if none is. */
  takeConsumed(): number {
    const bytes = this.#unreportedBytes
    const emptied = this.#version.reportsWhenEmpty && this.#heldBytes === 0
    if (bytes === 0 || !(bytes > this.#recvBuffer * CONSUMED_SHARE || this.#state !== 'open' || this.#peerFinished || emptied)) {
      return 0
    }
    this.#unreportedBytes = 0
    return bytes
  }

  #admit(message: ReliableMessage): void {
    const finish = this.#finishSequence
    if (message.type === MessageType.SendFinish) {
      if (finish !== undefined) throw new ProtocolError('a second SendFinish', 'connection')
      this.#finishSequence = message.sequence
    }
    if (message.type !== MessageType.Data) return
    if (finish !== undefined && ((message.sequence - finish) | 0) > 0) throw new ProtocolError('data after the end', 'connection')
    const most = Math.max(Math.floor(this.#recvBuffer / 2), 2) - 1
    if (message.bytes < 1 || message.bytes > most) throw new ProtocolError(`payload of ${message.bytes} bytes`, 'connection')
    this.#heldBytes += message.bytes
    if (this.#heldBytes + this.#unreportedBytes > this.#recvBuffer) {
      throw new ProtocolError('more than the receive buffer', 'connection')
    }
  }

  #deliver(message: ReliableMessage): void {
    if (message.type === MessageType.SendFinish) this.#peerFinished = true
    else if (message.type !== MessageType.Data) this.#onOther(message)
    else if (this.#state !== 'open') this.#consume(message.bytes)
    else {
      for (const piece of message.payload) if (piece.byteLength > 0) this.#readable.push(piece)
      this.#readableBytes += message.bytes
    }
  }

  #consume(bytes: number): void {
    this.#heldBytes -= bytes
    this.#unreportedBytes += bytes
  }

  #discard(): void {
    this.#consume(this.#readableBytes)
    this.#readable.clear()
    this.#readableBytes = 0
  }
}
