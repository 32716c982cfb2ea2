// What a server takes and tells: its options, the argument forms of `listen`, the events.

import type { BlockList } from 'node:net'
import { checkBlockList, checkFunction, checkNumber } from './argument-checks.ts'
import type { ConfigInput } from './config.ts'
import { HawserError } from './errors.ts'
import type { Link } from './link.ts'
import { checkSchedule, type PolicyOptions } from './policy-options.ts'
import type { AcceptedSocketOptions, Socket } from './socket.ts'
import type { TlsIdentity } from './tls-identity.ts'
import type { LinkFilter, LinkTag } from './transports/transport.ts'
import { refuseUnsupported } from './unsupported-options.ts'

/** Limits that keep strangers from costing much. */
export interface ServerLimits {
  /** Milliseconds from the acceptance of a link to the client's last word in its handshake. @defaultValue 10,000 */
  handshakeTimeout?: number | undefined
  /** Handshakes at once, an eighth of them from one remote address; further links are closed at once, event `drop`. @defaultValue 128 */
  maxHandshakes?: number | undefined
  /** Connections at once; further ones are refused, event `drop`. @defaultValue 1,024 */
  maxConnections?: number | undefined
  /** Links of one connection; further ones are refused. @defaultValue 32 */
  maxLinksPerConnection?: number | undefined
}

const DEFAULT_LIMITS = { handshakeTimeout: 10_000, maxHandshakes: 128, maxConnections: 1_024, maxLinksPerConnection: 32 }

/** What `authorize` is asked about. */
export interface LinkRequest {
  readonly tag: LinkTag
  /** From the network: never trust it. */
  readonly userData: Uint8Array
  /** Whether the link would start a connection, not join one, be that there or not. */
  readonly startsConnection: boolean
  readonly remoteAddress: string | undefined
  /** Who the client is by the TLS below the link; `undefined` without TLS. */
  readonly tls: TlsIdentity | undefined
}

export interface ServerOptions extends PolicyOptions {
  /** Whether accepted sockets may go on writing after the peer finished. @defaultValue false */
  allowHalfOpen?: boolean | undefined
  /** Of accepted sockets, in each direction, bytes; negative means the default. @defaultValue 131,072 */
  highWaterMark?: number | undefined
  config?: ConfigInput | undefined
  noDelay?: boolean | undefined
  keepAlive?: boolean | undefined
  /** Milliseconds. */
  keepAliveInitialDelay?: number | undefined
  /** Accepted sockets do not read until `resume`. @defaultValue false */
  pauseOnConnect?: boolean | undefined
  /**
   * Called for every incoming link before it is admitted; a throw, a rejection or no answer within 10 s means no. Whoever
   * started a connection with a TLS certificate alone may add links to it, whatever this says.
   */
  authorize?: ((request: LinkRequest) => boolean | Promise<boolean>) | undefined
  linkFilter?: LinkFilter | undefined
  limits?: ServerLimits | undefined
  /** Links from these addresses are closed at once. */
  blockList?: BlockList | undefined
}

/** What is known of a link that was dropped for a limit. */
export interface DropInfo {
  readonly tag: string
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  readonly localFamily?: string | undefined
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  readonly remoteFamily?: string | undefined
}

export interface ServerEvents {
  listening: []
  connection: [socket: Socket]
  close: []
  error: [error: Error]
  drop: [info: DropInfo]
  /** A link joined a connection. */
  link: [link: Link, socket: Socket]
  /** A link could not be made, or, with a socket, one of its connection was lost. */
  linkerror: [error: Error, tag: LinkTag, socket: Socket | undefined]
}

/** Handle of a transport that was added to a server. */
export interface TransportHandle {
  /** Resolves once the transport listens; rejects with the reason why it cannot. */
  readonly ready: Promise<void>
  /** Stops listening; links that exist live on. */
  remove(): void
}

/** @throws {HawserError} for options that make no sense, and for those that this version does not carry out */
export function checkServerOptions(options: ServerOptions): void {
  refuseUnsupported(options)
  checkFunction(options.linkFilter, 'linkFilter')
  checkFunction(options.linkPolicy, 'linkPolicy')
  if (options.schedule !== undefined) checkSchedule(options.schedule)
  checkFunction(options.authorize, 'authorize')
  checkNumber(options.highWaterMark, 'highWaterMark')
  checkNumber(options.keepAliveInitialDelay, 'keepAliveInitialDelay')
  checkBlockList(options.blockList)
  const { highWaterMark = 0 } = options
  if (Number.isInteger(highWaterMark)) return
  const text = `The property 'options.highWaterMark' is invalid. Received ${highWaterMark}`
  throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', text)
}

/** Those of the options that are for the sockets of the server. */
export function acceptedSocketOptions(options: ServerOptions): AcceptedSocketOptions {
  const { allowHalfOpen, highWaterMark = -1, noDelay, keepAlive, keepAliveInitialDelay, pauseOnConnect, schedule } = options
  const size = highWaterMark < 0 ? undefined : highWaterMark
  return { allowHalfOpen, highWaterMark: size, noDelay, keepAlive, keepAliveInitialDelay, pauseOnConnect, schedule }
}

/** @throws {HawserError} for a limit that is none */
export function checkedLimits(limits: ServerLimits = {}): Readonly<Record<keyof ServerLimits, number>> {
  if (typeof limits !== 'object' || limits === null) {
    throw new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', 'The "limits" option must be an object')
  }
  const given = Object.entries(limits).filter(([, value]) => value !== undefined) as [keyof ServerLimits, unknown][]
  for (const [name, value] of given) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', `unknown limit limits.${name}`)
    }
    const most = name === 'handshakeTimeout' ? 2 ** 31 - 1 : Number.POSITIVE_INFINITY
    if (typeof value === 'number' && value > 0 && value <= most) continue
    throw new HawserError('ERR_OUT_OF_RANGE', 'invalid-argument', `limits.${name} must be more than 0, not ${String(value)}`)
  }
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(given) }
}
