// The frames of docs/protocol.md, section 2, made and read without the library's codec.

import { crc32 } from '../../simulation/world/crc32.ts'

const HEADER_BYTES = 10

/** Makes the frames of one direction of a link. */
export class FrameWriter {
  #sequence = 0

  frame(packet: Uint8Array): Uint8Array {
    const frame = Buffer.alloc(HEADER_BYTES + packet.byteLength)
    frame.writeUInt32BE(packet.byteLength, 0)
    frame.writeUInt16BE(this.#sequence, 4)
    frame.writeUInt32BE(crc32(packet), 6)
    frame.set(packet, HEADER_BYTES)
    this.#sequence = (this.#sequence + 1) & 0xffff
    return frame
  }
}

/** Reads the frames of one direction of a link; whole messages only, as an engine that took its turn has written them. */
export class FrameReader {
  #sequence = 0

  /** @throws {Error} length, sequence or checksum is wrong */
  packets(bytes: Uint8Array): Uint8Array[] {
    const buffer = Buffer.from(bytes)
    const packets: Uint8Array[] = []
    for (let at = 0; at < buffer.length; ) {
      const length = buffer.readUInt32BE(at)
      const packet = buffer.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length)
      if (packet.byteLength !== length) throw new Error(`a frame of ${length} bytes is cut off`)
      if (buffer.readUInt16BE(at + 4) !== this.#sequence) throw new Error(`frame ${buffer.readUInt16BE(at + 4)}`)
      if (buffer.readUInt32BE(at + 6) !== crc32(packet)) throw new Error('a wrong checksum')
      this.#sequence = (this.#sequence + 1) & 0xffff
      packets.push(packet)
      at += HEADER_BYTES + length
    }
    return packets
  }
}
