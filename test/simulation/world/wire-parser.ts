// Reads what goes over a link, apart from the library's own parser and slower: the integrity frames and the messages of
// docs/protocol.md, sections 2 and 3, after it has collected each whole.

import { crc32 } from './crc32.ts'

/** A message as the wire auditor looks at it. */
export interface ParsedMessage {
  readonly type: number
  readonly sequence?: number
  readonly bytes?: number
  readonly blocked?: boolean
  readonly payload?: readonly Uint8Array[]
  readonly reason?: number
  readonly over?: boolean
  /** Without frames. */
  readonly wireBytes: number
}

const HEAD_BYTES = 10
const DATA = 7

export class WireParser {
  readonly #packets: boolean
  #collected = Buffer.alloc(0)
  #frames = 0
  #dataSequence: number | undefined
  /** What is wrong with what came; nothing is read any more. */
  broken: string | undefined

  constructor(packets: boolean) {
    this.#packets = packets
  }

  push(chunk: Uint8Array): ParsedMessage[] {
    if (this.broken !== undefined) return []
    if (this.#packets) return this.#message(Buffer.from(chunk))
    this.#collected = this.#collected.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#collected, chunk])
    const messages: ParsedMessage[] = []
    while (this.broken === undefined && this.#collected.length >= HEAD_BYTES) {
      const length = this.#collected.readUInt32BE(0)
      if (length > 8 * 2 ** 20) this.broken = `a frame of ${length} bytes`
      else if (this.#collected.length < HEAD_BYTES + length) break
      else messages.push(...this.#frame(length))
    }
    return messages
  }

  #frame(length: number): ParsedMessage[] {
    const sequence = this.#collected.readUInt16BE(4)
    const checksum = this.#collected.readUInt32BE(6)
    const payload = this.#collected.subarray(HEAD_BYTES, HEAD_BYTES + length)
    this.#collected = this.#collected.subarray(HEAD_BYTES + length)
    if (sequence !== this.#frames % 65_536) this.broken = `frame ${sequence} where ${this.#frames % 65_536} was due`
    else if (checksum !== crc32(payload)) this.broken = 'a wrong checksum'
    if (this.broken !== undefined) return []
    this.#frames++
    return this.#message(payload)
  }

  #message(packet: Buffer): ParsedMessage[] {
    if (this.#dataSequence !== undefined) {
      const sequence = this.#dataSequence
      this.#dataSequence = undefined
      return [{ type: DATA, sequence, payload: [packet], bytes: packet.length, wireBytes: 5 + packet.length }]
    }
    const type = packet[0] ?? 0
    const wireBytes = packet.length
    if (type === DATA) this.#dataSequence = packet.readUInt32BE(1)
    if (type === DATA) return []
    if (type === 15) return [{ type, wireBytes, over: packet[1] === 1 }]
    if (type === 13) return [{ type, wireBytes, bytes: packet.length - 1 }]
    if (type === 14) return [{ type, wireBytes, blocked: packet[1] === 1 }]
    if (type === 4) return [{ type, wireBytes, reason: packet[1] as number }]
    if (type === 9) return [{ type, wireBytes, sequence: packet.readUInt32BE(1), bytes: packet.readUInt32BE(5) }]
    if (type === 8 || (type >= 10 && type <= 12)) return [{ type, wireBytes, sequence: packet.readUInt32BE(1) }]
    return [{ type, wireBytes }]
  }
}
