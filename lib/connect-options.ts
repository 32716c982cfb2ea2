// What `connect` takes: its options and argument forms, and the transports that they mean.

import type { LookupFunction } from 'node:net'
import { checkBoolean, checkFunction, checkInteger, checkNumber, checkPort, wrongType } from './argument-checks.ts'
import { MAX_DURATION_MS } from './config.ts'
import { HawserError } from './errors.ts'
import type { SocketOptions } from './socket-options.ts'
import type { ConnectTransport } from './transports/transport.ts'

/** How `connect` reaches the other side. What `SocketOptions` has overrides what the socket was made with. */
export interface ConnectOptions extends SocketOptions {
  port?: number | string | undefined
  /** One name or address or several; every address of every host is a target. @defaultValue 'localhost' */
  host?: string | readonly string[] | undefined
  /** 4, 6, or 0 for both. @defaultValue 0 */
  family?: number | 'IPv4' | 'IPv6' | undefined
  /** For the name lookup, as in `dns.lookup`. */
  hints?: number | undefined
  lookup?: LookupFunction | undefined
  localAddress?: string | undefined
  localPort?: number | undefined
  /** Whether all addresses of a name are connected to, at the same time; otherwise its first one only. @defaultValue `net.getDefaultAutoSelectFamily()` */
  autoSelectFamily?: boolean | undefined
  /**
   * Longest time for the first attempt to connect to each address but the last, if several are connected to; at least 10.
   * Milliseconds. @defaultValue none but that of every attempt, 10,000: they do not wait for each other
   */
  autoSelectFamilyAttemptTimeout?: number | undefined
  /** A Unix socket, or a pipe on Windows, instead of `host` and `port`. */
  path?: string | undefined
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
  const last: unknown = args.at(-1)
  const onConnect = typeof last === 'function' ? (last as () => void) : undefined
  const [first, second] = args
  if (typeof first === 'object' && first !== null) return { options: first, onConnect }
  if (isPath(first)) return { options: { path: first }, onConnect }
  const host = typeof second === 'string' ? { host: second } : {}
  return { options: { port: first as number | undefined, ...host }, onConnect }
}

/** Text that is no port is the path of a Unix socket, or of a pipe on Windows. */
export function isPath(value: unknown): value is string {
  return typeof value === 'string' && !(Number(value) >= 0)
}

/** Told how the transport that `host` and `port` mean gets on, in the form of the events of `net.Socket`. */
export interface ConnectObserver {
  lookup(error: Error | null, address: string | undefined, family: number | undefined, host: string): void
  connectionAttempt(address: string, port: number | undefined, family: number | undefined): void
  connectionAttemptFailed(address: string, port: number | undefined, family: number | undefined, error: Error): void
  connectionAttemptTimeout(address: string, port: number | undefined, family: number | undefined): void
}

/** Makes the transport that `host` and `port`, or `path`, mean; set by the entry point, so that browsers do without TCP. */
export type TransportOfAddress = (options: ConnectOptions, observer: ConnectObserver) => ConnectTransport

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
export function transportsOf(options: ConnectOptions, observer: ConnectObserver): readonly ConnectTransport[] {
  const { transports, links = [], port, path } = options
  if (transports && transports.length > 0) return transports
  checkAddress(options)
  const addressed = (port !== undefined && port !== null) || Boolean(path)
  if (addressed && !transports && transportOfAddress) return [transportOfAddress(options, observer)]
  if (links.length > 0) return []
  throw new HawserError(
    'ERR_MISSING_ARGS',
    'invalid-argument',
    'The "port" or "path" or "transports" or "links" option must be specified',
  )
}

function checkAddress(options: ConnectOptions): void {
  const { path, host, port, lookup, localPort, autoSelectFamily, autoSelectFamilyAttemptTimeout: attemptTimeout } = options
  if (path) {
    if (typeof path !== 'string') throw wrongType('path', 'a string', path)
    return
  }
  if (host !== undefined && host !== null) checkHost(host)
  if (port !== undefined) {
    if (typeof port !== 'number' && typeof port !== 'string') throw wrongType('port', 'a number or a string', port)
    checkPort(port)
  }
  if (localPort) checkNumber(localPort, 'localPort')
  checkFunction(lookup, 'lookup')
  checkBoolean(autoSelectFamily, 'autoSelectFamily')
  if (attemptTimeout !== undefined && attemptTimeout !== null) {
    checkInteger(attemptTimeout, 'autoSelectFamilyAttemptTimeout', 1, MAX_DURATION_MS)
  }
}

function checkHost(host: unknown): void {
  const hosts: readonly unknown[] = Array.isArray(host) ? host : [host]
  for (const each of hosts) {
    if (typeof each !== 'string') throw wrongType('host', 'a string or an array of strings', each)
    if (!each.includes('\0')) continue
    throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', 'The "host" option must not contain null bytes')
  }
}
