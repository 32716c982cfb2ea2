// The integrity frames of a byte stream to messages (section 2 of `docs/protocol.md`).
//
// A chunk is cut anywhere, so everything can be in pieces. What lies whole in a chunk is read where it lies. Otherwise
// the checksum runs over the pieces as they come, and of the packet is kept: payload of Data as a list of views into
// the chunks; of messages a copy of as much as they can mean, at most 65,617 bytes; of test data nothing. Announced
// lengths are compared with limits, but nothing is allocated for them.

import { readUint16, readUint32 } from './bytes.ts'
import type { LinkDecoder } from './codec.ts'
import { crc32 } from './crc32.ts'
import { decodeDataHeader, decodeMessage } from './decode.ts'
import { CONTROL_PACKET_BYTES_MAX, FRAME_HEADER_BYTES, HANDSHAKE_PACKET_BYTES_MAX, PACKET_BYTES_MAX } from './limits.ts'
import { type LinkMessage, MessageType } from './messages.ts'
import { PieceList, viewOf } from './piece-list.ts'
import { FrameError, ProtocolError } from './protocol-error.ts'

/** Longest control message with room to spare; a cut Welcome or Connect takes a larger array. */
const KEPT_BYTES_INIT = 32
/** Taken chunks are dropped from the queue this many at a time. */
const COMPACT_AT = 1_024

const NO_BYTES = new Uint8Array(0)
const NO_PIECES: readonly Uint8Array[] = []

/** What the bytes at hand belong to. */
const Part = {
  FrameHeader: 0,
  /** A packet that begins with a type. */
  Message: 1,
  /** The packet behind a Data header. */
  Payload: 2,
} as const
type Part = (typeof Part)[keyof typeof Part]

export class StreamDecoder implements LinkDecoder {
  /** Chunks behind `#chunk`, from `#queueTaken` on. */
  #queue: Uint8Array[] = []
  #queueTaken = 0
  /** The chunk being read and the position in it. */
  #chunk: Uint8Array = NO_BYTES
  #at = 0
  #packetBytesMax = HANDSHAKE_PACKET_BYTES_MAX
  #payloadBytesMax = PACKET_BYTES_MAX
  #payloadChecked = true
  #failure: ProtocolError | undefined

  #part: Part = Part.FrameHeader
  /** A frame header that spans chunks is put together here; made for the first one. */
  #header: Uint8Array = NO_BYTES
  #headerBytes = 0
  #frameSequence = 0
  /** Of the current packet: its length, the checksum announced for it, the one so far, and what is still to come. */
  #packetBytes = 0
  #checksumDue = 0
  #checksum = 0
  #missingBytes = 0
  /** Of the Data message whose payload is the next packet; -1: the next packet is a message. */
  #dataSequence = -1
  /** Beginning of a message that spans chunks. */
  #kept: Uint8Array = NO_BYTES
  #keptBytes = 0
  readonly #pieces = new PieceList()

  push(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#failure !== undefined) return
    if (this.#at === this.#chunk.length && this.#queueTaken === this.#queue.length) {
      this.#chunk = chunk
      this.#at = 0
    } else this.#queue.push(chunk)
  }

  next(): LinkMessage | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      return this.#decodeNext()
    } catch (error) {
      this.#failure = error as ProtocolError
      this.#chunk = NO_BYTES
      this.#queue = []
      this.#kept = NO_BYTES
      this.#pieces.take()
      throw error
    }
  }

  finishHandshake(payloadBytesMax: number = PACKET_BYTES_MAX, payloadChecked = true): void {
    this.#packetBytesMax = PACKET_BYTES_MAX
    this.#payloadBytesMax = payloadBytesMax
    this.#payloadChecked = payloadChecked
  }

  #decodeNext(): LinkMessage | undefined {
    for (;;) {
      let message: LinkMessage | undefined
      if (this.#part === Part.FrameHeader) {
        if (!this.#readFrameHeader()) return undefined
        if (this.#dataSequence < 0) message = this.#wholeMessage()
        else if (this.#missingBytes === 0) message = this.#finishPayload(NO_PIECES)
      } else {
        if (this.#at === this.#chunk.length && !this.#nextChunk()) return undefined
        message = this.#part === Part.Message ? this.#partOfMessage() : this.#partOfPayload()
      }
      if (message !== undefined) return message
    }
  }

  /** @returns whether the header is complete */
  #readFrameHeader(): boolean {
    while (this.#headerBytes > 0 || this.#chunk.length - this.#at < FRAME_HEADER_BYTES) {
      if (this.#at === this.#chunk.length) {
        if (!this.#nextChunk()) return false
        continue
      }
      if (this.#header === NO_BYTES) this.#header = new Uint8Array(FRAME_HEADER_BYTES)
      this.#header[this.#headerBytes++] = this.#chunk[this.#at++]!
      if (this.#headerBytes === FRAME_HEADER_BYTES) {
        this.#headerBytes = 0
        this.#startPacket(this.#header, 0)
        return true
      }
    }
    this.#startPacket(this.#chunk, this.#at)
    this.#at += FRAME_HEADER_BYTES
    return true
  }

  #startPacket(header: Uint8Array, at: number): void {
    const length = readUint32(header, at)
    const sequence = readUint16(header, at + 4)
    const isPayload = this.#dataSequence >= 0
    if (length > this.#packetBytesMax) throw new FrameError(`a packet of ${length} bytes, more than ${this.#packetBytesMax}`)
    if (sequence !== this.#frameSequence) throw new FrameError(`frame ${sequence} where ${this.#frameSequence} belongs`)
    if (!isPayload && length === 0) throw new FrameError('an empty packet where a message belongs')
    this.#frameSequence = (sequence + 1) & 0xffff
    this.#packetBytes = length
    this.#missingBytes = length
    this.#checksumDue = readUint32(header, at + 6)
    this.#checksum = 0
    this.#part = isPayload ? Part.Payload : Part.Message
  }

  /** Reads a message that lies whole in the chunk; `undefined` when it does not, or when it is a Data header. */
  #wholeMessage(): LinkMessage | undefined {
    const start = this.#at
    const end = start + this.#packetBytes
    if (end > this.#chunk.length) return undefined
    this.#checksum = crc32(this.#chunk, start, end)
    this.#at = end
    return this.#finishMessage(this.#chunk, start, end)
  }

  #partOfMessage(): LinkMessage | undefined {
    const start = this.#at
    const end = Math.min(this.#chunk.length, start + this.#missingBytes)
    this.#checksum = crc32(this.#chunk, start, end, this.#checksum)
    this.#keep(start, end)
    this.#at = end
    this.#missingBytes -= end - start
    if (this.#missingBytes > 0) return undefined
    const kept = this.#kept
    const keptBytes = this.#keptBytes
    this.#keptBytes = 0
    if (kept.length > KEPT_BYTES_INIT) this.#kept = NO_BYTES
    return this.#finishMessage(kept, 0, keptBytes)
  }

  /** Copies from the chunk what the message can mean; the array grows with what has come, not with what is announced. */
  #keep(start: number, end: number): void {
    const type = this.#keptBytes > 0 ? this.#kept[0] : this.#chunk[start]
    const isLong = type === MessageType.Welcome || type === MessageType.Connect
    const limit = isLong ? HANDSHAKE_PACKET_BYTES_MAX : CONTROL_PACKET_BYTES_MAX
    const count = Math.min(end - start, limit - this.#keptBytes)
    if (count <= 0) return
    const total = this.#keptBytes + count
    if (total > this.#kept.length) {
      const larger = new Uint8Array(Math.min(HANDSHAKE_PACKET_BYTES_MAX, Math.max(total, 2 * this.#kept.length, KEPT_BYTES_INIT)))
      larger.set(this.#kept.subarray(0, this.#keptBytes))
      this.#kept = larger
    }
    this.#kept.set(this.#chunk.subarray(start, start + count), this.#keptBytes)
    this.#keptBytes = total
  }

  #finishMessage(bytes: Uint8Array, start: number, end: number): LinkMessage | undefined {
    this.#verifyChecksum()
    this.#part = Part.FrameHeader
    if (bytes[start] === MessageType.Data) {
      this.#dataSequence = decodeDataHeader(bytes, start, end)
      return undefined
    }
    return decodeMessage(bytes, start, end, this.#packetBytes)
  }

  #partOfPayload(): LinkMessage | undefined {
    const start = this.#at
    const end = Math.min(this.#chunk.length, start + this.#missingBytes)
    const chunk = this.#chunk
    if (this.#payloadChecked) this.#checksum = crc32(chunk, start, end, this.#checksum)
    this.#at = end
    this.#missingBytes -= end - start
    if (end - start === this.#packetBytes) return this.#finishPayload([viewOf(chunk, start, end)])
    if (!this.#isTooLong) this.#pieces.add(chunk, start, end)
    return this.#missingBytes === 0 ? this.#finishPayload(this.#pieces.take()) : undefined
  }

  #finishPayload(payload: readonly Uint8Array[]): LinkMessage {
    if (this.#payloadChecked) this.#verifyChecksum()
    if (this.#isTooLong) {
      throw new ProtocolError(`${this.#packetBytes} bytes in one Data message, more than ${this.#payloadBytesMax}`, 'connection')
    }
    const sequence = this.#dataSequence
    this.#dataSequence = -1
    this.#part = Part.FrameHeader
    return { type: MessageType.Data, sequence, payload, bytes: this.#packetBytes }
  }

  /** Nothing of such a payload is kept; but only the checksum at its end tells whether the peer or the path is to blame. */
  get #isTooLong(): boolean {
    return this.#packetBytes > this.#payloadBytesMax
  }

  #verifyChecksum(): void {
    if (this.#checksum !== this.#checksumDue) throw new FrameError('a packet is damaged: its checksum is wrong')
  }

  /** Goes on to the next chunk; `false` when there is none. */
  #nextChunk(): boolean {
    this.#at = 0
    if (this.#queueTaken === this.#queue.length) {
      this.#chunk = NO_BYTES
      return false
    }
    this.#chunk = this.#queue[this.#queueTaken++]!
    if (this.#queueTaken === this.#queue.length) {
      this.#queue = []
      this.#queueTaken = 0
    } else if (this.#queueTaken === COMPACT_AT) {
      this.#queue.splice(0, COMPACT_AT)
      this.#queueTaken = 0
    }
    return true
  }
}
