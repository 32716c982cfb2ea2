// What a socket is made with.

import type { BlockList } from 'node:net'
import type { DuplexOptions } from 'node:stream'
import type { Duplex } from '#platform/stream'
import { checkSignal } from './abort-signal.ts'
import { checkBlockList, checkFunction, checkInteger, checkNumber } from './argument-checks.ts'
import { type ConfigInput, MAX_DURATION_MS } from './config.ts'
import { checkDuplex } from './duplex-check.ts'
import { HawserError } from './errors.ts'
import { checkOnRead, type OnReadOptions } from './on-read.ts'
import { checkSchedule, type PolicyOptions } from './policy-options.ts'
import type { ConnectTransport, LinkFilter } from './transports/transport.ts'
import { refuseUnsupported } from './unsupported-options.ts'

/** Bytes that each direction of a socket buffers above the bond, unless asked otherwise. */
const HIGH_WATER_MARK = 131_072

/** Options of a socket that is not connected yet. */
export interface SocketOptions extends PolicyOptions {
  /**
   * Where links come from; without it `host` and `port` of `connect` mean TCP over all local interfaces. With it these mean
   * nothing: a program that connects a socket which it was given to some address gets a connection over these transports.
   */
  transports?: readonly ConnectTransport[] | undefined
  /** Ready-made Duplex streams, or promises of them: each one link. */
  links?: readonly (Duplex | PromiseLike<Duplex>)[] | undefined
  /** Whether the socket may go on writing after the peer finished. @defaultValue false */
  allowHalfOpen?: boolean | undefined
  /** Bytes that may wait in each direction above the connection's own buffers. @defaultValue 131,072 */
  highWaterMark?: number | undefined
  readableHighWaterMark?: number | undefined
  writableHighWaterMark?: number | undefined
  config?: ConfigInput | undefined
  /** Decides which links may join. */
  linkFilter?: LinkFilter | undefined
  /** Milliseconds before a lost or failed link is tried again; with jitter. @defaultValue 10,000 */
  reconnectDelay?: number | undefined
  /** Destroys the socket when it aborts. */
  signal?: AbortSignal | undefined
  /** Set on every link that knows it, as are the following ones. */
  noDelay?: boolean | undefined
  keepAlive?: boolean | undefined
  /** Milliseconds. */
  keepAliveInitialDelay?: number | undefined
  /** 0 to 255. */
  typeOfService?: number | undefined
  /** Puts what is received into a buffer of the caller's, instead of giving it out as a stream. */
  onread?: OnReadOptions | undefined
  /** Addresses that are not connected to. */
  blockList?: BlockList | undefined
}

/** @throws {HawserError} for options that make no sense, and for those that a bonded connection cannot have */
export function checkSocketOptions(options: SocketOptions): void {
  refuseUnsupported(options)
  refuseHandle(options)
  refuseObjectMode(options)
  if (options.links !== undefined) checkLinks(options.links)
  if (options.transports !== undefined) checkTransports(options.transports)
  checkSignal(options.signal)
  checkFunction(options.linkFilter, 'linkFilter')
  checkFunction(options.linkPolicy, 'linkPolicy')
  if (options.schedule !== undefined) checkSchedule(options.schedule)
  checkReconnectDelay(options.reconnectDelay)
  checkNumber(options.keepAliveInitialDelay, 'keepAliveInitialDelay')
  if (options.typeOfService !== undefined) checkInteger(options.typeOfService, 'typeOfService', 0, 255)
  checkOnRead(options.onread)
  checkBlockList(options.blockList)
}

/** What is for the stream; `close` is emitted by the socket, with an argument. */
export function duplexOptions(options: SocketOptions): DuplexOptions {
  const { highWaterMark = HIGH_WATER_MARK, allowHalfOpen } = options
  const { readableHighWaterMark = highWaterMark, writableHighWaterMark = highWaterMark } = options
  const { encoding, defaultEncoding } = options as DuplexOptions
  return {
    readableHighWaterMark,
    writableHighWaterMark,
    allowHalfOpen: Boolean(allowHalfOpen),
    emitClose: false,
    ...(encoding && { encoding }),
    ...(defaultEncoding && { defaultEncoding }),
  }
}

/** A delay of nothing or of something that is no number would be a tight loop. */
function checkReconnectDelay(ms: number | undefined): void {
  if (ms === undefined || (ms > 0 && ms <= MAX_DURATION_MS)) return
  const text = `reconnectDelay must be more than 0 and at most ${MAX_DURATION_MS} ms, not ${ms}`
  throw new HawserError('ERR_OUT_OF_RANGE', 'invalid-argument', text)
}

function refuseHandle(options: object): void {
  const { fd, handle } = options as { fd?: unknown; handle?: unknown }
  if (fd === undefined && !handle) return
  const what = fd === undefined ? 'handle' : 'fd'
  const text = `a bonded connection is no single socket of the system: pass links: [new net.Socket({ ${what} })] instead of ${what}`
  throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', text)
}

function refuseObjectMode(options: object): void {
  for (const name of ['objectMode', 'readableObjectMode', 'writableObjectMode']) {
    if (!(options as Record<string, unknown>)[name]) continue
    throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', `The property 'options.${name}' is not supported`)
  }
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
