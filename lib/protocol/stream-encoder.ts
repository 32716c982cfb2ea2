// Messages to the integrity frames of a byte stream (section 2 of `docs/protocol.md`).
//
// Everything small goes back to back into a slab, so that neighbours leave as one chunk: control messages, the 25
// bytes before a payload (frame, Data header, frame), and short pieces of payload, which are cheaper to copy than to
// write as a chunk of their own. Longer pieces go out as they are. A slab is used until it is full and never written
// twice, for nobody tells when its chunks have left. It is as long as what was sent of late asks for: of many links most
// are idle.

import { writeUint16, writeUint32 } from './bytes.ts'
import type { LinkEncoder } from './codec.ts'
import { crc32 } from './crc32.ts'
import { encodedBytes, encodeMessage } from './encode.ts'
import { DATA_HEADER_BYTES, FRAME_HEADER_BYTES, PACKET_BYTES_MAX } from './limits.ts'
import { type DataMessage, type LinkMessage, MessageType, type TestDataMessage } from './messages.ts'
import { testDataPieces } from './test-data.ts'

const LEAST_SLAB_BYTES = 256
const MOST_SLAB_BYTES = 32_768
/** A slab serves for so many batches of the usual size. */
const BATCHES_PER_SLAB = 16
/** Shorter pieces of payload are copied into the slab. */
const COPY_BELOW_BYTES = 1_024
/** Slabs are Buffers: of any other array a stream of Node makes a Buffer for every write. */
const NO_SLAB = Buffer.alloc(0)
const NO_CHUNKS: readonly Uint8Array[] = []

export class StreamEncoder implements LinkEncoder {
  #slab: Buffer = NO_SLAB
  /** What lies in the slab from here to `#end` is in no chunk yet. */
  #start = 0
  #end = 0
  /** Bytes written to slabs since the last `take`, and what the largest batches before asked for, fading. */
  #batchBytes = 0
  #usualBatchBytes = 0
  #chunks: Uint8Array[] = []
  #pendingBytes = 0
  #frameSequence = 0
  #payloadChecked = true

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  encode(message: LinkMessage): void {
    if (message.type === MessageType.Data) this.#encodeData(message)
    else if (message.type === MessageType.TestData) this.#encodeTestData(message)
    else this.#encodeControl(message, encodedBytes(message))
  }

  take(): readonly Uint8Array[] {
    this.#pendingBytes = 0
    // The usual case of small messages.
    const alone = this.#chunks.length === 0
    const last = this.#takeWritten()
    this.#fitSlab()
    if (alone) return last ? [last] : NO_CHUNKS
    const chunks = this.#chunks
    if (last) chunks.push(last)
    this.#chunks = []
    return chunks
  }

  finishHandshake(payloadChecked: boolean): void {
    this.#payloadChecked = payloadChecked
    // Its messages were longer than those of an idle link.
    this.#closeChunk()
    this.#leaveSlab(NO_SLAB)
    this.#usualBatchBytes = 0
  }

  #encodeControl(message: LinkMessage, length: number): void {
    const frameBytes = FRAME_HEADER_BYTES + length
    // Nothing may ever follow the first message of a handshake, and strangers may begin many.
    const isHello = message.type === MessageType.Welcome || message.type === MessageType.Connect
    this.#reserve(frameBytes, isHello ? frameBytes : undefined)
    const at = this.#end
    const slab = this.#slab
    encodeMessage(message, slab, at + FRAME_HEADER_BYTES)
    this.#writeFrameHeader(at, length, crc32(slab, at + FRAME_HEADER_BYTES, at + frameBytes))
    this.#end = at + frameBytes
    this.#pendingBytes += frameBytes
  }

  #encodeData(message: DataMessage): void {
    const { payload, bytes } = message
    if (bytes > PACKET_BYTES_MAX) throw new RangeError(`${bytes} bytes of payload, more than ${PACKET_BYTES_MAX}`)
    this.#reserve(2 * FRAME_HEADER_BYTES + DATA_HEADER_BYTES)
    this.#encodeControl(message, DATA_HEADER_BYTES)
    let checksum = 0
    for (let index = 0; this.#payloadChecked && index < payload.length; index++) {
      const piece = payload[index]!
      checksum = crc32(piece, 0, piece.length, checksum)
    }
    this.#addFrameHeader(bytes, checksum)
    for (let index = 0; index < payload.length; index++) this.#addPayload(payload[index]!)
  }

  #encodeTestData(message: TestDataMessage): void {
    const length = encodedBytes(message) + message.bytes
    if (length > PACKET_BYTES_MAX) throw new RangeError(`${message.bytes} bytes of test data, too many for one packet`)
    const pieces = testDataPieces(message.bytes)
    this.#reserve(FRAME_HEADER_BYTES + 1)
    const typeAt = this.#end + FRAME_HEADER_BYTES
    encodeMessage(message, this.#slab, typeAt)
    let checksum = crc32(this.#slab, typeAt, typeAt + 1)
    for (const piece of pieces) checksum = crc32(piece, 0, piece.length, checksum)
    this.#addFrameHeader(length, checksum)
    this.#end += 1
    this.#pendingBytes += 1
    for (const piece of pieces) this.#addPayload(piece)
  }

  #addFrameHeader(length: number, checksum: number): void {
    this.#reserve(FRAME_HEADER_BYTES)
    this.#writeFrameHeader(this.#end, length, checksum)
    this.#end += FRAME_HEADER_BYTES
    this.#pendingBytes += FRAME_HEADER_BYTES
  }

  #writeFrameHeader(at: number, length: number, checksum: number): void {
    const slab = this.#slab
    writeUint32(slab, at, length)
    writeUint16(slab, at + 4, this.#frameSequence)
    writeUint32(slab, at + 6, checksum)
    this.#frameSequence = (this.#frameSequence + 1) & 0xffff
  }

  #addPayload(piece: Uint8Array): void {
    if (piece.length === 0) return
    this.#pendingBytes += piece.length
    if (piece.length < COPY_BELOW_BYTES) {
      this.#reserve(piece.length)
      this.#slab.set(piece, this.#end)
      this.#end += piece.length
    } else {
      this.#closeChunk()
      this.#chunks.push(piece)
    }
  }

  /** Makes room for so many bytes at `#end`. What is short of what was written last goes along, to remain one chunk with them. */
  #reserve(bytes: number, slabBytes?: number): void {
    if (this.#slab.length - this.#end >= bytes) return
    if (this.#end - this.#start >= COPY_BELOW_BYTES) this.#closeChunk()
    const moved = this.#slab.subarray(this.#start, this.#end)
    this.#leaveSlab(Buffer.alloc(Math.max(slabBytes ?? this.#slabBytes, moved.length + bytes)))
    this.#slab.set(moved)
    this.#end = moved.length
  }

  /** What a slab should have for batches like the latest. */
  get #slabBytes(): number {
    const batchBytes = Math.max(this.#batchBytes + this.#end - this.#start, this.#usualBatchBytes)
    return Math.min(Math.max(LEAST_SLAB_BYTES, BATCHES_PER_SLAB * batchBytes), MOST_SLAB_BYTES)
  }

  /** A batch is complete: a slab that is far too long for such batches is let go of. */
  #fitSlab(): void {
    this.#usualBatchBytes = Math.max(this.#batchBytes, Math.floor(0.75 * this.#usualBatchBytes))
    this.#batchBytes = 0
    if (this.#slab.length > 4 * this.#slabBytes) this.#leaveSlab(NO_SLAB)
  }

  #leaveSlab(next: Buffer): void {
    this.#slab = next
    this.#start = 0
    this.#end = 0
  }

  #closeChunk(): void {
    const chunk = this.#takeWritten()
    if (chunk) this.#chunks.push(chunk)
  }

  /** What lies in the slab and is in no chunk yet. */
  #takeWritten(): Uint8Array | undefined {
    if (this.#end === this.#start) return undefined
    this.#batchBytes += this.#end - this.#start
    const chunk = this.#slab.subarray(this.#start, this.#end)
    this.#start = this.#end
    return chunk
  }
}
