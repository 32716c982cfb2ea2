// Integrity frames around packets that may be nonsense, made and mended without the code under test.

import { crc32 } from 'node:zlib'

const HEADER_BYTES = 10

/** The packets one after the other, each in its frame. */
export function framed(packets: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(packets.reduce((sum, packet) => sum + HEADER_BYTES + packet.length, 0))
  let at = 0
  for (const packet of packets) {
    writeUint32(bytes, at, packet.length)
    bytes.set(packet, at + HEADER_BYTES)
    at += HEADER_BYTES + packet.length
  }
  mendFrames(bytes, 0)
  return bytes
}

/** Makes what begins at `from` frames that are right, wherever their lengths let them begin. */
export function mendFrames(bytes: Uint8Array, from: number): void {
  let sequence = 0
  for (let at = from; bytes.length - at >= HEADER_BYTES; sequence++) {
    const start = at + HEADER_BYTES
    const rest = bytes.length - start
    if (readUint32(bytes, at) > rest) writeUint32(bytes, at, rest)
    const end = start + readUint32(bytes, at)
    bytes[at + 4] = sequence >>> 8
    bytes[at + 5] = sequence
    writeUint32(bytes, at + 6, crc32(bytes.subarray(start, end)))
    at = end
  }
}

/** The bytes as chunks: a frame each as far as they are frames, and the rest. */
export function cutAtFrames(bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = []
  let at = 0
  while (bytes.length - at >= HEADER_BYTES && bytes.length - at >= HEADER_BYTES + readUint32(bytes, at)) {
    const end = at + HEADER_BYTES + readUint32(bytes, at)
    chunks.push(bytes.subarray(at, end))
    at = end
  }
  if (at < bytes.length) chunks.push(bytes.subarray(at))
  return chunks
}

/** What the frames of a chunk hold; of anything else nothing. */
export function packetOf(frame: Uint8Array): Uint8Array {
  return frame.subarray(HEADER_BYTES)
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  for (let index = 0; index < 4; index++) bytes[at + index] = value >>> (24 - 8 * index)
}
