// The receiving half of a connection: order, flow control, what the application reads, how the peer's writing ends.

import { type ConsumedMessage, type DataMessage, MessageType, type ReliableMessage } from '../protocol/messages.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { sequenceDistance } from '../protocol/sequence.ts'
import { Fifo } from './fifo.ts'
import { Slabs } from './held-bytes.ts'
import { Reassembly } from './reassembly.ts'

/** Consumed goes out once more than this share of the receive buffer has been read. */
const CONSUMED_SHARE = 0.1
/** A peer that keeps sending numbers far beyond what may be outstanding is not worth its memory. */
const MOST_TOO_FAR = 1_000

/** Largest payload of a Data message towards a receive buffer of this size; at least 1 byte. */
export function payloadLimit(recvBuffer: number): number {
  return Math.max(Math.floor(recvBuffer / 2), 2) - 1
}

type ReadState =
  | 'open'
  /** Told the peer to stop; what still comes is dropped until its SendFinish. */
  | 'closing'
  /** Told the peer that nothing is processed any more. */
  | 'dropped'
  /** Everything up to SendFinish has been read. */
  | 'ended'

/** What arrived and concerns the sending half. */
export interface PeerNotices {
  /** The peer's application took `bytes` of what was sent to it. */
  consumed(message: ConsumedMessage): void
  /** The peer wants no more. */
  receiveClosed(): void
  /** The peer processes nothing any more. */
  receiveFinished(): void
}

export class Receiver {
  readonly #recvBuffer: number
  readonly #notices: PeerNotices
  readonly #reassembly: Reassembly
  readonly #readable = new Fifo<Uint8Array>()
  readonly #slabs = new Slabs()
  #state: ReadState = 'open'
  /** The peer's SendFinish came in order: nothing follows. */
  #peerFinished = false
  #finishSequence: number | undefined
  #newestDataSequence: number | undefined
  /** Bytes held, in order or behind a gap. */
  #heldBytes = 0
  #readableBytes = 0
  /** Bytes read by the application that the peer has not been told about. */
  #unreportedBytes = 0
  #tooFar = 0
  #heard = false

  constructor(recvBuffer: number, firstSequence: number, notices: PeerNotices) {
    this.#recvBuffer = recvBuffer
    this.#notices = notices
    this.#reassembly = new Reassembly(firstSequence)
  }

  /** Bytes received and not yet read. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  get heldMessages(): number {
    return this.#reassembly.stored + this.#readable.length
  }

  get readableBytes(): number {
    return this.#readableBytes
  }

  get unreportedBytes(): number {
    return this.#unreportedBytes
  }

  /** Whether a reliable message ever came. */
  get heard(): boolean {
    return this.#heard
  }

  /** Nothing more will be read. */
  get finished(): boolean {
    return this.#state === 'ended' || this.#state === 'dropped'
  }

  /** The peer finished writing and all of it was read. */
  get ended(): boolean {
    return this.#state === 'ended'
  }

  /** A Consumed is due: so much has been read, or so little is left to wait for, that the peer should know. */
  get consumedDue(): boolean {
    if (this.#unreportedBytes === 0) return false
    if (this.#state !== 'open' || this.#peerFinished) return true
    return this.#unreportedBytes > this.#recvBuffer * CONSUMED_SHARE
  }

  /** Removes the bytes to be reported as consumed. */
  takeUnreported(): number {
    const bytes = this.#unreportedBytes
    this.#unreportedBytes = 0
    return bytes
  }

  /**
   * Takes in a reliable message.
   *
   * @returns whether it must be acknowledged
   * @throws {ProtocolError} with scope `connection`: the peer broke the rules
   */
  receive(message: ReliableMessage): boolean {
    switch (this.#reassembly.classify(message)) {
      case 'copy':
        return true
      case 'conflicting-copy':
        throw new ProtocolError(`conflicting copy of message ${message.sequence}`, 'connection')
      case 'too-far':
        if (++this.#tooFar > MOST_TOO_FAR) throw new ProtocolError('sequence numbers too far ahead', 'connection')
        return false
      case 'new':
        this.#heard = true
        this.#store(message)
        return true
    }
  }

  /** Next bytes in order, one piece; they count as consumed. */
  read(): Uint8Array | undefined {
    const piece = this.#readable.shift()
    if (piece) {
      this.#readableBytes -= piece.byteLength
      this.#consume(piece.byteLength)
    }
    this.#endIfDrained()
    return piece
  }

  /** From here on everything received is dropped, as far as `SendFinish`. Does nothing after the end. */
  close(): boolean {
    if (this.#state !== 'open') return false
    this.#state = 'closing'
    this.#discard()
    return this.#state === 'closing'
  }

  /** Nothing received from here on is processed. True if the peer must be told. */
  drop(): boolean {
    if (this.finished) return false
    this.#state = 'dropped'
    this.#discard()
    if (this.#peerFinished) this.#state = 'ended'
    return this.#state === 'dropped'
  }

  #store(message: ReliableMessage): void {
    switch (message.type) {
      case MessageType.Data:
        this.#checkData(message)
        this.#reassembly.store(message, this.#heldBytes)
        this.#heldBytes += message.bytes
        break
      case MessageType.Consumed:
        this.#notices.consumed(message)
        this.#reassembly.store(message)
        break
      case MessageType.SendFinish:
        if (this.#finishSequence !== undefined) throw new ProtocolError('second SendFinish', 'connection')
        if (this.#newestDataSequence !== undefined && isAfter(this.#newestDataSequence, message.sequence)) {
          throw new ProtocolError('SendFinish before data', 'connection')
        }
        this.#finishSequence = message.sequence
        this.#reassembly.store(message)
        break
      case MessageType.ReceiveClose:
        this.#notices.receiveClosed()
        this.#reassembly.store(message)
        break
      case MessageType.ReceiveFinish:
        this.#notices.receiveFinished()
        this.#reassembly.store(message)
        break
    }
    this.#deliver()
  }

  #checkData(message: DataMessage): void {
    if (this.#finishSequence !== undefined && isAfter(message.sequence, this.#finishSequence)) {
      throw new ProtocolError('data after SendFinish', 'connection')
    }
    const { bytes } = message
    if (bytes > payloadLimit(this.#recvBuffer))
      throw new ProtocolError(`payload of ${bytes} bytes exceeds the limit`, 'connection')
    if (this.#heldBytes + this.#unreportedBytes + bytes > this.#recvBuffer) {
      throw new ProtocolError('receive buffer overflow', 'connection')
    }
    if (this.#newestDataSequence === undefined || isAfter(message.sequence, this.#newestDataSequence)) {
      this.#newestDataSequence = message.sequence
    }
  }

  #deliver(): void {
    for (let message = this.#reassembly.takeNext(); message; message = this.#reassembly.takeNext()) {
      if (message.type === MessageType.Data) this.#deliverData(message)
      else if (message.type === MessageType.SendFinish) this.#peerFinished = true
    }
    this.#endIfDrained()
  }

  #deliverData(message: DataMessage): void {
    if (this.#state !== 'open') {
      this.#consume(message.bytes)
      return
    }
    for (const arrived of message.payload) {
      if (arrived.byteLength === 0) continue
      const piece = this.#slabs.keep(arrived, this.#heldBytes)
      const last = this.#readable.last()
      const whole = last && Slabs.join(last, piece)
      if (whole) this.#readable.replaceLast(whole)
      else this.#readable.push(piece)
    }
    this.#readableBytes += message.bytes
  }

  #consume(bytes: number): void {
    this.#heldBytes -= bytes
    this.#unreportedBytes += bytes
  }

  #discard(): void {
    this.#consume(this.#readableBytes)
    this.#readable.clear()
    this.#readableBytes = 0
    this.#endIfDrained()
  }

  #endIfDrained(): void {
    if (this.#peerFinished && this.#readableBytes === 0 && this.#state !== 'dropped') this.#state = 'ended'
  }
}

function isAfter(sequence: number, other: number): boolean {
  return sequenceDistance(other, sequence) > 0
}
