// Messages to the packets of a link that keeps packets whole: no frames, a chunk for each packet.

import type { LinkEncoder } from './codec.ts'
import { encodedBytes, encodeMessage } from './encode.ts'
import { PACKET_BYTES_MAX } from './limits.ts'
import { type LinkMessage, MessageType } from './messages.ts'
import { testDataPieces } from './test-data.ts'

export class PacketEncoder implements LinkEncoder {
  #packets: Uint8Array[] = []
  #pendingBytes = 0

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  encode(message: LinkMessage): void {
    const header = new Uint8Array(encodedBytes(message))
    encodeMessage(message, header, 0)
    if (message.type === MessageType.TestData) {
      this.#add(joined([header, ...testDataPieces(message.bytes)], header.length + message.bytes))
      return
    }
    this.#add(header)
    if (message.type === MessageType.Data) this.#add(joined(message.payload, message.bytes))
  }

  take(): Uint8Array[] {
    const packets = this.#packets
    this.#packets = []
    this.#pendingBytes = 0
    return packets
  }

  #add(packet: Uint8Array): void {
    this.#packets.push(packet)
    this.#pendingBytes += packet.length
  }
}

/** One packet of several pieces; a lone piece as it is. */
function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  if (bytes > PACKET_BYTES_MAX) throw new RangeError(`a packet of ${bytes} bytes, more than ${PACKET_BYTES_MAX}`)
  if (pieces.length === 1) return pieces[0]!
  const packet = new Uint8Array(bytes)
  let at = 0
  for (const piece of pieces) {
    packet.set(piece, at)
    at += piece.length
  }
  return packet
}
