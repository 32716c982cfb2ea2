// What the tests of the protocol share: hex, frames made without the code under test, messages in comparable form.

import type { LinkDecoder, LinkEncoder } from '../../lib/protocol/codec.ts'
import type { LinkMessage } from '../../lib/protocol/messages.ts'
import { ProtocolError } from '../../lib/protocol/protocol-error.ts'

/** Bytes from hex digits; blanks are ignored. */
export function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replace(/\s/g, ''), 'hex'))
}

export function hex(...pieces: readonly Uint8Array[]): string {
  return pieces.map(piece => Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('hex')).join('')
}

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces))
}

/** CRC-32 as the standard defines it, bit by bit. */
export function bitwiseCrc32(data: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}

/** One integrity frame. */
export function frame(packet: Uint8Array, sequence = 0, checksum = bitwiseCrc32(packet), length = packet.length): Uint8Array {
  const header = Buffer.alloc(10)
  header.writeUInt32BE(length, 0)
  header.writeUInt16BE(sequence & 0xffff, 4)
  header.writeUInt32BE(checksum, 6)
  return concat([header, packet])
}

/** Packets as a byte stream, numbered from `firstSequence`. */
export function stream(packets: readonly Uint8Array[], firstSequence = 0): Uint8Array {
  return concat(packets.map((packet, index) => frame(packet, firstSequence + index)))
}

/** A message with all bytes as hex and its payload as one piece. */
export function plain(message: LinkMessage): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(message)) {
    result[key] = value instanceof Uint8Array ? hex(value) : Array.isArray(value) ? hex(...value) : value
  }
  return result
}

/** All messages that a decoder has. */
export function drain(decoder: LinkDecoder): Record<string, unknown>[] {
  const messages: Record<string, unknown>[] = []
  for (let message = decoder.next(); message; message = decoder.next()) messages.push(plain(message))
  return messages
}

/** Feeds chunks one after the other, each before the last one's messages are taken. */
export function feed(decoder: LinkDecoder, chunks: readonly Uint8Array[]): Record<string, unknown>[] {
  return chunks.flatMap(chunk => {
    decoder.push(chunk)
    return drain(decoder)
  })
}

export function encodeAll(encoder: LinkEncoder, messages: readonly LinkMessage[]): readonly Uint8Array[] {
  for (const message of messages) encoder.encode(message)
  return encoder.take()
}

/** `whole` in pieces of the given lengths, over and over; 0 gives an empty piece. */
export function cut(whole: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  const useful = lengths.some(length => length > 0) ? lengths : [1]
  for (let at = 0, index = 0; at < whole.length; index++) {
    const length = useful[index % useful.length]!
    pieces.push(whole.slice(at, at + length))
    at += length
  }
  return pieces
}

/** The protocol error that `action` throws; anything else it throws goes on. */
export function protocolError(action: () => unknown): ProtocolError | undefined {
  try {
    action()
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
  return undefined
}
