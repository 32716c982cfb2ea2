// What a server takes and tells: its options, the argument forms of `listen`, the events.

import type { BlockList } from 'node:net'
import type { ConfigInput } from './config.ts'
import { checkPort } from './connect-options.ts'
import { HawserError } from './errors.ts'
import type { Link } from './link.ts'
import type { Socket } from './socket.ts'
import type { AcceptTransport, LinkFilter, LinkTag } from './transports/transport.ts'

/** Limits that keep strangers from costing much. */
export interface ServerLimits {
  /** Milliseconds from the acceptance of a link to the end of its handshake. @defaultValue 10,000 */
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
  /** Whether the link would start a connection, not join one. */
  readonly startsConnection: boolean
  readonly remoteAddress: string | undefined
}

export interface ServerOptions {
  /** Whether accepted sockets may go on writing after the peer finished. @defaultValue false */
  allowHalfOpen?: boolean | undefined
  /** Of accepted sockets, in each direction. @defaultValue 131,072 */
  highWaterMark?: number | undefined
  config?: ConfigInput | undefined
  noDelay?: boolean | undefined
  keepAlive?: boolean | undefined
  /** Milliseconds. */
  keepAliveInitialDelay?: number | undefined
  /** Accepted sockets do not read until `resume`. @defaultValue false */
  pauseOnConnect?: boolean | undefined
  /** Called for every incoming link before it is admitted; a throw, a rejection or no answer within 10 s means no. */
  authorize?: ((request: LinkRequest) => boolean | Promise<boolean>) | undefined
  linkFilter?: LinkFilter | undefined
  limits?: ServerLimits | undefined
  /** Links from these addresses are closed at once. */
  blockList?: BlockList | undefined
}

/** Options of `listen`, as of `net.Server`. */
export interface ListenOptions {
  port?: number | string | undefined
  host?: string | undefined
  /** A Unix socket, or a pipe on Windows. */
  path?: string | undefined
  fd?: number | undefined
  backlog?: number | undefined
  exclusive?: boolean | undefined
  ipv6Only?: boolean | undefined
  reusePort?: boolean | undefined
  readableAll?: boolean | undefined
  writableAll?: boolean | undefined
  /** Closes the server when it aborts. */
  signal?: AbortSignal | undefined
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

/** Makes the acceptor that `listen` means; set by the entry point, so that browsers do without TCP. */
export type AcceptorOfAddress = (options: ListenOptions) => AcceptTransport

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

/**
 * The options and the listener that the arguments of `listen` mean.
 *
 * @throws {HawserError} for arguments that make no sense
 */
export function normalizeListen(args: readonly unknown[]): { options: ListenOptions; onListening: (() => void) | undefined } {
  const onListening = args.findLast(argument => typeof argument === 'function') as (() => void) | undefined
  const [first, ...others] = args.filter(argument => typeof argument !== 'function')
  if (typeof first === 'object' && first !== null) return { options: checkedListenOptions(first), onListening }
  const backlog = others.find(argument => typeof argument === 'number')
  const rest = typeof backlog === 'number' ? { backlog } : {}
  if (typeof first === 'string' && Number.isNaN(Number(first))) return { options: { path: first, ...rest }, onListening }
  if (first !== undefined && first !== null && typeof first !== 'number' && typeof first !== 'string')
    throw invalidListenOptions()
  const port = first ?? 0
  checkPort(port)
  const [host] = others
  return { options: { port, ...(typeof host === 'string' && { host }), ...rest }, onListening }
}

function checkedListenOptions(options: ListenOptions): ListenOptions {
  const { port, path, fd } = options
  if (port !== undefined && port !== null) checkPort(port)
  else if (typeof path !== 'string' && typeof fd !== 'number' && !('port' in options)) throw invalidListenOptions()
  return options
}

function invalidListenOptions(): HawserError {
  const text = 'The argument \'options\' must have the property "port" or "path"'
  return new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', text)
}
