// Entry point `hawser/stream`: bonded connections and links as other kinds of streams, and other kinds as links.

import { Duplex } from 'node:stream'
import type { ReadableStream, WritableStream } from 'node:stream/web'

export { type FromMessagePortOptions, fromMessagePort, type MessagePortLike } from './stream/message-port.ts'
export { toStreamx } from './stream/streamx.ts'
export { type FromWebSocketOptions, fromWebSocket, type WebSocketLike } from './stream/websocket.ts'

/** Both directions as Web Streams of bytes, for example of a `WebTransport` stream. */
export interface WebStreamPair {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
}

export interface FromWebOptions {
  /** Bytes that wait in each direction before backpressure sets in. */
  highWaterMark?: number | undefined
  allowHalfOpen?: boolean | undefined
  signal?: AbortSignal | undefined
}

/** Web Streams as a Duplex: a link, or one end of a pipe. */
export function fromWeb(pair: WebStreamPair, options: FromWebOptions = {}): Duplex {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  return Duplex.fromWeb(pair, given)
}

/** A Duplex, for example a bonded connection, as Web Streams. */
export function toWeb(stream: Duplex): WebStreamPair {
  return Duplex.toWeb(stream) as WebStreamPair
}
