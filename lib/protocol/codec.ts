// What a link's encoder and decoder look like from outside. Two pairs implement them: `stream-encoder.ts` and
// `stream-decoder.ts` with integrity frames for byte streams, `packet-encoder.ts` and `packet-decoder.ts` for
// links that carry whole packets.

import type { LinkMessage } from './messages.ts'

/** Turns messages into chunks to be written to a link, in order. */
export interface LinkEncoder {
  /**
   * Appends a message. Payload of a Data message is kept by reference until `take`, not copied.
   */
  encode(message: LinkMessage): void
  /** Wire bytes that wait for `take`. */
  readonly pendingBytes: number
  /** Removes and returns what was encoded since the last call; small neighbours share one chunk on byte streams. */
  take(): readonly Uint8Array[]
  /** @param payloadChecked - false: payload of Data needs no checksum, as both ends agreed */
  finishHandshake(payloadChecked: boolean): void
}

/** Turns chunks as they come from a link into messages. */
export interface LinkDecoder {
  /**
   * Takes in a chunk (byte streams: cut anywhere; packet links: exactly one packet). The chunk is kept by
   * reference as long as a message that needs it.
   */
  push(chunk: Uint8Array): void
  /**
   * Next whole message, `undefined` when more bytes are needed.
   *
   * @throws {ProtocolError} what came is no valid message; the decoder is of no use afterwards
   */
  next(): LinkMessage | undefined
  /**
   * Lifts the limit on packet length from that of handshake messages (65,617 bytes) to that of the protocol (8 MiB).
   *
   * @param payloadBytesMax - longest payload of a Data message that the peer may send, as its announced length already
   * tells; more ends the connection. Without it 8 MiB.
   * @param payloadChecked - false: payload of Data has no checksum, as both ends agreed. @defaultValue true
   */
  finishHandshake(payloadBytesMax?: number, payloadChecked?: boolean): void
}
