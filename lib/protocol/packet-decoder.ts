// Packets of a link that keeps packets whole to messages: every chunk pushed is one packet, also an empty one.

import type { LinkDecoder } from './codec.ts'
import { decodeDataHeader, decodeMessage } from './decode.ts'
import { HANDSHAKE_PACKET_BYTES_MAX, PACKET_BYTES_MAX } from './limits.ts'
import { type LinkMessage, MessageType } from './messages.ts'
import { ProtocolError } from './protocol-error.ts'

/** Taken packets are dropped from the queue this many at a time. */
const COMPACT_AT = 1_024

export class PacketDecoder implements LinkDecoder {
  /** Packets from `#taken` on wait. */
  #packets: Uint8Array[] = []
  #taken = 0
  #packetBytesMax = HANDSHAKE_PACKET_BYTES_MAX
  #payloadBytesMax = PACKET_BYTES_MAX
  /** Of the Data message whose payload is the next packet; -1: the next packet is a message. */
  #dataSequence = -1
  #failure: ProtocolError | undefined

  push(packet: Uint8Array): void {
    if (this.#failure === undefined) this.#packets.push(packet)
  }

  next(): LinkMessage | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      return this.#decodeNext()
    } catch (error) {
      this.#failure = error as ProtocolError
      this.#packets = []
      throw error
    }
  }

  finishHandshake(payloadBytesMax: number = PACKET_BYTES_MAX): void {
    this.#packetBytesMax = PACKET_BYTES_MAX
    this.#payloadBytesMax = payloadBytesMax
  }

  #decodeNext(): LinkMessage | undefined {
    for (let packet = this.#takePacket(); packet !== undefined; packet = this.#takePacket()) {
      if (packet.length > this.#packetBytesMax) throw new ProtocolError(`a packet of ${packet.length} bytes`)
      if (this.#dataSequence >= 0) return this.#payload(packet)
      if (packet.length === 0) throw new ProtocolError('an empty packet where a message belongs')
      if (packet[0] !== MessageType.Data) return decodeMessage(packet, 0, packet.length, packet.length)
      this.#dataSequence = decodeDataHeader(packet, 0, packet.length)
    }
    return undefined
  }

  #payload(packet: Uint8Array): LinkMessage {
    if (packet.length > this.#payloadBytesMax) {
      throw new ProtocolError(`${packet.length} bytes in one Data message, more than ${this.#payloadBytesMax}`, 'connection')
    }
    const sequence = this.#dataSequence
    this.#dataSequence = -1
    return { type: MessageType.Data, sequence, payload: packet.length > 0 ? [packet] : [], bytes: packet.length }
  }

  #takePacket(): Uint8Array | undefined {
    if (this.#taken === this.#packets.length) {
      if (this.#taken > 0) this.#packets = []
      this.#taken = 0
      return undefined
    }
    if (this.#taken === COMPACT_AT) {
      this.#packets.splice(0, this.#taken)
      this.#taken = 0
    }
    return this.#packets[this.#taken++]
  }
}
