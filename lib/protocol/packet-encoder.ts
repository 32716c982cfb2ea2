// Messages to the packets of a link that keeps packets whole: no frames, a chunk for each packet.

import type { LinkEncoder } from './codec.ts'
import { encodedBytes, encodeMessage } from './encode.ts'
import { joined } from './joined.ts'
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
      this.#add(packetOf([header, ...testDataPieces(message.bytes)], header.length + message.bytes))
      return
    }
    this.#add(header)
    if (message.type === MessageType.Data) this.#add(packetOf(message.payload, message.bytes))
  }

  take(): Uint8Array[] {
    const packets = this.#packets
    this.#packets = []
    this.#pendingBytes = 0
    return packets
  }

  /** Packets have no checksums. */
  finishHandshake(): void {}

  #add(packet: Uint8Array): void {
    this.#packets.push(packet)
    this.#pendingBytes += packet.length
  }
}

function packetOf(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  if (bytes > PACKET_BYTES_MAX) throw new RangeError(`a packet of ${bytes} bytes, more than ${PACKET_BYTES_MAX}`)
  return joined(pieces, bytes)
}
