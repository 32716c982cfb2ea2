// What `connect` takes: its options and argument forms, and the transports that they mean.

import type { BlockList, LookupFunction } from 'node:net'
import type { Duplex } from '#platform/stream'
import { type ConfigInput, MAX_DURATION_MS } from './config.ts'
import { checkDuplex } from './duplex-check.ts'
import { HawserError } from './errors.ts'
import type { ConnectTransport, LinkFilter } from './transports/transport.ts'

/** Options of a socket that is not connected yet. */
export interface SocketOptions {
  /** Whether the socket may go on writing after the peer finished. @defaultValue false */
  allowHalfOpen?: boolean | undefined
  /** Bytes that may wait in each direction above the connection's own buffers. @defaultValue 131,072 */
  highWaterMark?: number | undefined
  config?: ConfigInput | undefined
  /** Decides which links may join. */
  linkFilter?: LinkFilter | undefined
  /** Milliseconds before a lost or failed link is tried again; with jitter. @defaultValue 10,000 */
  reconnectDelay?: number | undefined
  /** Destroys the socket when it aborts. */
  signal?: AbortSignal | undefined
  noDelay?: boolean | undefined
  keepAlive?: boolean | undefined
  /** Milliseconds. */
  keepAliveInitialDelay?: number | undefined
}

/** How `connect` reaches the other side. What `SocketOptions` has overrides what the socket was made with. */
export interface ConnectOptions extends SocketOptions {
  port?: number | string | undefined
  /** One name or address or several; every address of every host is a target. @defaultValue 'localhost' */
  host?: string | readonly string[] | undefined
  /** 4, 6, or 0 for both. @defaultValue 0 */
  family?: number | undefined
  /** For the name lookup, as in `dns.lookup`. */
  hints?: number | undefined
  lookup?: LookupFunction | undefined
  localAddress?: string | undefined
  localPort?: number | undefined
  /** Addresses that are not connected to. */
  blockList?: BlockList | undefined
  /** A Unix socket, or a pipe on Windows, instead of `host` and `port`. */
  path?: string | undefined
  /** Where links come from; without it `host` and `port` mean TCP over all local interfaces. */
  transports?: readonly ConnectTransport[] | undefined
  /** Ready-made Duplex streams, or promises of them: each one link. */
  links?: readonly (Duplex | PromiseLike<Duplex>)[] | undefined
  /** Milliseconds without reading or writing after which `timeout` is emitted. */
  timeout?: number | undefined
}

/** Arguments of `connect`, in all forms. */
export type ConnectArguments =
  | [options: ConnectOptions, onConnect?: (() => void) | undefined]
  | [port: number | string, host?: string | undefined, onConnect?: (() => void) | undefined]
  | [port: number | string, onConnect?: (() => void) | undefined]
  | [path: string, onConnect?: (() => void) | undefined]

/** The options and the listener that the arguments of `connect` mean. */
export function normalizeConnect(args: ConnectArguments | []): {
  options: ConnectOptions
  onConnect: (() => void) | undefined
} {
  const onConnect = args.findLast(argument => typeof argument === 'function') as (() => void) | undefined
  const [first, second] = args
  if (typeof first === 'object' && first !== null) return { options: first, onConnect }
  if (typeof first === 'string' && Number.isNaN(Number(first))) return { options: { path: first }, onConnect }
  const port = typeof first === 'number' || typeof first === 'string' ? { port: first } : {}
  const host = typeof second === 'string' ? { host: second } : {}
  return { options: { ...port, ...host }, onConnect }
}

/** Makes the transport that `host` and `port`, or `path`, mean; set by the entry point, so that browsers do without TCP. */
export type TransportOfAddress = (options: ConnectOptions) => ConnectTransport

let transportOfAddress: TransportOfAddress | undefined

/** @internal */
export function setTransportOfAddress(make: TransportOfAddress): void {
  transportOfAddress = make
}

/**
 * The transports that the options name.
 *
 * @throws {HawserError} for options that make no sense
 */
export function transportsOf(options: ConnectOptions): readonly ConnectTransport[] {
  const { transports, links = [], port, path, host, lookup } = options
  checkLinks(links)
  if (transports !== undefined) checkTransports(transports)
  if (transports && transports.length > 0) return transports
  if (port !== undefined) checkPort(port)
  if (host !== undefined) checkHost(host)
  checkFunction(lookup, 'lookup')
  const addressed = port !== undefined || typeof path === 'string'
  if (addressed && !transports && transportOfAddress) return [transportOfAddress(options)]
  if (links.length > 0) return []
  throw new HawserError(
    'ERR_MISSING_ARGS',
    'invalid-argument',
    'The "port" or "path" or "transports" or "links" option must be specified',
  )
}

/** @throws {HawserError} `ERR_SOCKET_BAD_PORT`, as Node */
export function checkPort(port: unknown): void {
  const number = typeof port === 'string' && port.trim() !== '' ? Number(port) : port
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 65_535) return
  throw new HawserError('ERR_SOCKET_BAD_PORT', 'invalid-argument', `Port should be >= 0 and < 65536. Received ${String(port)}`)
}

/** A delay of nothing or of something that is no number would be a tight loop. */
export function checkReconnectDelay(ms: number | undefined): void {
  if (ms === undefined || (ms > 0 && ms <= MAX_DURATION_MS)) return
  const text = `reconnectDelay must be more than 0 and at most ${MAX_DURATION_MS} ms, not ${ms}`
  throw new HawserError('ERR_OUT_OF_RANGE', 'invalid-argument', text)
}

/** @throws {HawserError} `ERR_INVALID_ARG_TYPE` */
export function checkFunction(value: unknown, name: string): void {
  if (value === undefined || value === null || typeof value === 'function') return
  throw new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', `The "${name}" option must be a function`)
}

function checkLinks(links: unknown): void {
  if (!Array.isArray(links)) {
    throw new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', 'The "links" option must be an array')
  }
  for (const link of links) if (typeof link?.then !== 'function') checkDuplex(link)
}

function checkTransports(transports: unknown): void {
  const known = Array.isArray(transports) && transports.every(each => typeof (each?.tags && each.connect) === 'function')
  if (known) return
  const text = 'The "transports" option must be an array of transports, which have "name", "tags" and "connect"'
  throw new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', text)
}

function checkHost(host: unknown): void {
  const hosts: readonly unknown[] = Array.isArray(host) ? host : [host]
  if (hosts.every(each => typeof each === 'string')) return
  throw new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', 'The "host" option must be a string or an array of strings')
}
