// The events of a socket.

import type { ConnectionStats } from './engine/connection-stats.ts'
import type { LinkCloseReason } from './engine/events.ts'
import type { Link } from './link.ts'
import type { LinkTag } from './transports/transport.ts'

/** Events of a socket beside those of every Duplex. */
export interface SocketEvents {
  /** A name was looked up, once for each of its addresses, or once with the error. While connecting only, as the next three. */
  lookup: [error: Error | null, address: string | undefined, family: number | undefined, host: string]
  /** A socket of the system begins to connect, for a link; several may at the same time. `address` may be a path. */
  connectionAttempt: [address: string, port: number | undefined, family: number | undefined]
  /** It could not. */
  connectionAttemptFailed: [address: string, port: number | undefined, family: number | undefined, error: Error]
  /** It took too long. */
  connectionAttemptTimeout: [address: string, port: number | undefined, family: number | undefined]
  /** A server accepted the first link. */
  connect: []
  /** Directly after `connect`. */
  ready: []
  /** The last event. */
  close: [hadError: boolean]
  /** Nothing was read or written for as long as `setTimeout` said. */
  timeout: []
  /** A link joined. */
  link: [link: Link]
  /** A link left. */
  linkclose: [link: Link, reason: LinkCloseReason]
  /** A link could not be made or was lost, or, without a tag, a transport cannot tell its links. Never fatal by itself. */
  linkerror: [error: Error, tag: LinkTag | undefined]
  /** A `Scheduler` of the application threw or returned what it must not; `schedule` is 'aggregate' from here on. Never fatal. */
  scheduleerror: [error: Error]
  /** Every statistics interval, while listened to. */
  stats: [stats: ConnectionStats]
}

// biome-ignore lint/suspicious/noExplicitAny: as Duplex has it
export type AnyListener = (...args: any[]) => void
