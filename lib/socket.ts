// A bonded connection as a Duplex with the interface of `net.Socket`. No protocol here: that is the bond's.

import type { NetConnectOpts } from 'node:net'
import { randomBytes } from '#platform/crypto'
import { soon } from '#platform/loop'
import { Duplex } from '#platform/stream'
import { Bond, type BondHandler } from './bond.ts'
import { type Config, type ConfigInput, type LinkConfigInput, resolveConfig, resolveLinkConfig } from './config.ts'
import { connectError, connectionError, writeRefusedError } from './connection-error.ts'
import type { ConnectionStats } from './engine/connection-stats.ts'
import type { ConnectionFailure, LinkCloseReason } from './engine/events.ts'
import { HawserError } from './errors.ts'
import { IdleTimer } from './idle-timer.ts'
import type { Link } from './link.ts'
import { LinkSettings } from './link-settings.ts'
import { manualTag } from './manual-tag.ts'
import { OutgoingLinks } from './outgoing-links.ts'
import { ID_BYTES, idToHex } from './protocol/handshake.ts'
import type { ConnectTransport, LinkFilter, LinkTag } from './transports/transport.ts'

/** Bytes that each direction of a socket buffers above the bond, unless asked otherwise. */
const HIGH_WATER_MARK = 131_072

/** Options of a socket that is not connected yet. */
export interface SocketOptions {
  /** Whether the socket may go on writing after the peer finished. @defaultValue false */
  allowHalfOpen?: boolean
  /** Bytes that may wait in each direction above the connection's own buffers. @defaultValue 131,072 */
  highWaterMark?: number
  config?: ConfigInput
  /** Decides which links may join. */
  linkFilter?: LinkFilter
  /** Destroys the socket when it aborts. */
  signal?: AbortSignal
  noDelay?: boolean
  keepAlive?: boolean
  /** Milliseconds. */
  keepAliveInitialDelay?: number
}

/** How `connect` reaches the other side. */
export interface ConnectOptions extends SocketOptions {
  port?: number | string
  /** One name or address or several; every address of every host is a target. @defaultValue 'localhost' */
  host?: string | readonly string[]
  family?: 0 | 4 | 6
  localAddress?: string
  lookup?: Extract<NetConnectOpts, { port: number }>['lookup']
  /** Where links come from; without it `host` and `port` mean TCP over all local interfaces. */
  transports?: readonly ConnectTransport[]
  /** Ready-made Duplex streams, or promises of them: each one link. */
  links?: readonly (Duplex | PromiseLike<Duplex>)[]
  /** Milliseconds before a lost or failed link is tried again. @defaultValue 10,000 */
  reconnectDelay?: number
  /** Milliseconds of idleness after which `timeout` is emitted. */
  timeout?: number
}

/** How a link is added by hand. */
export interface AddLinkOptions {
  /** What to call it; anything printable, or a tag of your own. */
  tag?: string | LinkTag
  /** Told to the other side, at most 65,535 bytes. */
  userData?: Uint8Array
  config?: LinkConfigInput
}

/** Makes the TCP transport that `host` and `port` mean; set by the entry point, so that browsers can do without TCP. */
export type TransportOfAddress = (options: ConnectOptions) => ConnectTransport

let transportOfAddress: TransportOfAddress | undefined

/** @internal */
export function setTransportOfAddress(make: TransportOfAddress): void {
  transportOfAddress = make
}

export class Socket extends Duplex {
  readonly #config: Config
  readonly #linkFilter: LinkFilter | undefined
  readonly #settings = new LinkSettings()
  readonly #idle = new IdleTimer(() => this.emit('timeout'))
  #id: string | undefined
  #bond: Bond | undefined
  #outgoing: OutgoingLinks | undefined
  /** The server's end: the client makes the links. */
  #incoming = false
  #connecting = false
  #connected = false
  #closeEmitted = false

  #writeCallback: ((error?: Error | null) => void) | undefined
  #writingBytes = 0
  #acceptedBytes = 0
  #finalCallback: ((error?: Error | null) => void) | undefined
  #finished = false
  #writeRefused = false
  #readWanted = false
  #peerEnded = false
  #bytesRead = 0
  #hadError = false
  #addressStream: AddressedStream | undefined
  #statsTimer: ReturnType<typeof setInterval> | undefined

  constructor(options: SocketOptions = {}) {
    const { highWaterMark = HIGH_WATER_MARK, allowHalfOpen = false } = options
    super({ highWaterMark, allowHalfOpen, emitClose: false, ...(options.signal && { signal: options.signal }) })
    this.#config = resolveConfig(options.config)
    this.#linkFilter = options.linkFilter
    if (options.noDelay !== undefined) this.#settings.setNoDelay(options.noDelay)
    if (options.keepAlive !== undefined) this.#settings.setKeepAlive(options.keepAlive, options.keepAliveInitialDelay)
    this.on('newListener', this.#onNewListener)
    this.on('removeListener', this.#onRemoveListener)
  }

  /** @internal Makes the server's end of a connection. */
  static accepted(
    options: SocketOptions,
    config: Config,
    id: string,
    onClosed: () => void,
  ): { socket: Socket; bond: Bond; onLink: (link: Link) => void } {
    const socket = new Socket({ ...options, config })
    socket.#id = id
    socket.#incoming = true
    const bond = socket.#makeBond(onClosed)
    return { socket, bond, onLink: link => socket.#linkJoined(link) }
  }

  // ---------------------------------------------------------------- connecting

  /** Connects to `options`; `onConnect` becomes a listener of `connect`. May be called again after `close`. */
  connect(options: ConnectOptions, onConnect?: () => void): this
  connect(port: number, host?: string, onConnect?: () => void): this
  connect(port: number, onConnect?: () => void): this
  connect(...args: ConnectArguments): this {
    const { options, onConnect } = normalizeConnect(args)
    if (this.#bond)
      throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', 'the socket is connecting or connected already')
    const transports = transportsOf(options)
    if (options.timeout !== undefined) this.setTimeout(options.timeout)
    if (onConnect) this.once('connect', onConnect)
    const outgoing = this.#startOutgoing(transports, options.reconnectDelay)
    for (const [index, stream] of (options.links ?? []).entries()) {
      outgoing.add(stream, { tag: manualTag('outgoing', `link ${index + 1}`) }).catch(() => {}) // told by `linkerror`
    }
    outgoing.start()
    return this
  }

  /**
   * Adds a link over any Duplex, which belongs to the connection from here on. On a socket that is not connected this
   * starts a connection over that link alone.
   *
   * @returns the link once the other side has accepted it; rejects with the reason why not
   */
  async addLink(stream: Duplex, options: AddLinkOptions = {}): Promise<Link> {
    if (this.destroyed || this.#bond?.closed) throw new HawserError('ERR_SOCKET_CLOSED', 'link-closed', 'the socket is closed')
    if (this.#incoming) {
      throw new HawserError(
        'ERR_INVALID_ARG_VALUE',
        'invalid-argument',
        'the client makes the links; a server takes them by server.addLink',
      )
    }
    const outgoing = this.#outgoing ?? this.#startOutgoing([], undefined)
    const config = resolveLinkConfig(options.config, this.#config.link)
    return outgoing.add(stream, { tag: manualTag('outgoing', options.tag), userData: checkedUserData(options.userData), config })
  }

  #startOutgoing(transports: readonly ConnectTransport[], reconnectDelay: number | undefined): OutgoingLinks {
    const id = randomBytes(ID_BYTES)
    this.#id = idToHex(id)
    this.#connecting = true
    const bond = this.#makeBond(() => outgoing.stop())
    const outgoing = new OutgoingLinks({
      bond,
      connectionId: id,
      config: this.#config,
      transports,
      linkFilter: this.#linkFilter,
      reconnectDelay,
      onLink: link => this.#linkJoined(link),
      onLinkError: (error, tag) => this.#emitIfAlive('linkerror', error, tag),
      onInitialFailure: errors => this.#connectFailed(errors),
    })
    this.#outgoing = outgoing
    return outgoing
  }

  #connectFailed(errors: readonly Error[]): void {
    this.#bond?.abort('all-links-failed')
    this.destroy(connectError(errors))
  }

  #makeBond(onClosed: () => void): Bond {
    const bond = new Bond(this.#config, this.#bondHandler(onClosed))
    this.#bond = bond
    return bond
  }

  #linkJoined(link: Link): void {
    this.#settings.apply(link.stream)
    this.#addressStream ??= addressed(link.stream as AddressedStream)
    if (!this.#connected) {
      this.#connected = true
      this.#connecting = false
      this.#idle.touch()
      if (!this.destroyed && this.#outgoing) {
        this.emit('connect')
        this.emit('ready')
      }
      if (this.#readWanted) this.#readNow()
    }
    if (!this.destroyed) this.emit('link', link)
  }

  // ---------------------------------------------------------------- the bond

  #bondHandler(onClosed: () => void): BondHandler {
    return {
      readable: () => this.#onReadable(),
      ended: () => this.#onPeerEnded(),
      writable: () => this.#onWritten(),
      finished: () => this.#onFinished(),
      writeRefused: () => this.#onWriteRefused(),
      linkClosed: (link, reason, error) => this.#onLinkClosed(link, reason, error),
      closed: (failure, detail) => {
        onClosed()
        this.#onBondClosed(failure, detail)
      },
      hasMore: () => this.writableLength > this.#writingBytes || this.writableNeedDrain,
    }
  }

  #onReadable(): void {
    if (!this.#readWanted || this.destroyed) return
    const bond = this.#bond as Bond
    this.#idle.touch()
    for (let piece = bond.read(); piece; piece = bond.read()) {
      this.#bytesRead += piece.byteLength
      if (this.push(asBuffer(piece))) continue
      this.#readWanted = false
      return
    }
  }

  #onPeerEnded(): void {
    if (this.#peerEnded || this.destroyed) return
    this.#peerEnded = true
    this.push(null)
    // Without it a socket that nobody reads would never emit 'end'.
    this.read(0)
  }

  #onWritten(): void {
    this.#idle.touch()
    const callback = this.#writeCallback
    this.#writeCallback = undefined
    this.#writingBytes = 0
    callback?.()
  }

  #onFinished(): void {
    this.#finished = true
    const callback = this.#finalCallback
    this.#finalCallback = undefined
    callback?.()
  }

  #onWriteRefused(): void {
    this.#writeRefused = true
    const callback = this.#writeCallback
    this.#writeCallback = undefined
    this.#writingBytes = 0
    callback?.(writeRefusedError())
  }

  #onLinkClosed(link: Link, reason: LinkCloseReason, error: Error | undefined): void {
    if (this.destroyed) return
    if (error && reason !== 'connection-closed') this.emit('linkerror', error, link.tag)
    this.emit('linkclose', link, reason)
  }

  #onBondClosed(failure: ConnectionFailure | undefined, detail: string | undefined): void {
    if (failure && !this.destroyed) this.destroy(connectionError(failure, detail))
  }

  // ---------------------------------------------------------------- stream.Duplex

  override write(chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
    // Whoever waits for the callback may use the buffer again afterwards; resends need it for longer.
    const own = typeof callback === 'function' || typeof encoding === 'function'
    const kept = own && chunk instanceof Uint8Array ? Buffer.from(chunk) : chunk
    return super.write(kept, encoding as BufferEncoding, callback as () => void)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#writeAll([chunk], chunk.byteLength, callback)
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], callback: (error?: Error | null) => void): void {
    let bytes = 0
    const buffers = chunks.map(({ chunk }) => {
      bytes += chunk.byteLength
      return chunk
    })
    this.#writeAll(buffers, bytes, callback)
  }

  #writeAll(chunks: readonly Buffer[], bytes: number, callback: (error?: Error | null) => void): void {
    if (!this.#bond) {
      callback(new HawserError('ERR_SOCKET_CLOSED', 'link-closed', 'Socket is closed'))
    } else if (this.#writeRefused) {
      callback(writeRefusedError())
    } else {
      this.#idle.touch()
      this.#writeCallback = callback
      this.#writingBytes = bytes
      this.#acceptedBytes += bytes
      this.#bond.write(chunks)
    }
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (!this.#bond || this.#finished || this.#writeRefused) {
      this.#bond?.finish()
      callback()
      return
    }
    this.#finalCallback = callback
    this.#bond.finish()
  }

  override _read(): void {
    if (this.#connected) this.#readNow()
    else this.#readWanted = true
  }

  #readNow(): void {
    const piece = this.#bond?.read()
    if (!piece) {
      this.#readWanted = true
      return
    }
    this.#readWanted = false
    this.#idle.touch()
    this.#bytesRead += piece.byteLength
    this.push(asBuffer(piece))
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#connecting = false
    this.#hadError = error !== null
    this.#idle.clear()
    this.#stopStats()
    // The bond lives on until the peer has what was written, and knows that nobody reads here.
    this.#bond?.dropRead()
    this.#bond?.finish()
    this.#bond?.linger()
    this.#outgoing?.linger()
    const writeCallback = this.#writeCallback
    this.#writeCallback = undefined
    callback(error)
    writeCallback?.(error)
    soon(() => this.#emitClose())
  }

  #emitClose(): void {
    if (this.#closeEmitted) return
    this.#closeEmitted = true
    this.emit('close', this.#hadError)
  }

  #emitIfAlive(event: string, ...args: unknown[]): void {
    if (!this.destroyed) this.emit(event, ...args)
  }

  // ---------------------------------------------------------------- net.Socket

  get connecting(): boolean {
    return this.#connecting
  }

  /** Not connected yet. */
  get pending(): boolean {
    return !this.#bond || this.#connecting
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.#connecting) return 'opening'
    if (this.readable && this.writable) return this.#bond ? 'open' : 'closed'
    if (this.readable) return 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  /** Application bytes received. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  /** Application bytes written, those that wait included. */
  get bytesWritten(): number {
    return this.#acceptedBytes + Math.max(0, this.writableLength - this.#writingBytes)
  }

  /** Bytes that wait to be sent. */
  get bufferSize(): number {
    return this.writableLength
  }

  get timeout(): number | undefined {
    return this.#idle.timeoutMs
  }

  /** Emits `timeout` after `timeoutMs` without reading or writing; 0 stops that. Never closes anything by itself. */
  setTimeout(timeoutMs: number, callback?: () => void): this {
    this.#idle.set(timeoutMs)
    if (callback) {
      if (timeoutMs === 0) this.removeListener('timeout', callback)
      else this.once('timeout', callback)
    }
    return this
  }

  setNoDelay(noDelay = true): this {
    this.#settings.setNoDelay(noDelay)
    for (const link of this.links) this.#settings.apply(link.stream)
    return this
  }

  setKeepAlive(enable = false, initialDelayMs = 0): this {
    this.#settings.setKeepAlive(enable, initialDelayMs)
    for (const link of this.links) this.#settings.apply(link.stream)
    return this
  }

  ref(): this {
    if (this.#bond) this.#bond.referenced = true
    if (this.#outgoing) this.#outgoing.referenced = true
    return this
  }

  unref(): this {
    if (this.#bond) this.#bond.referenced = false
    if (this.#outgoing) this.#outgoing.referenced = false
    return this
  }

  /** Ends the writing side and destroys the socket once everything is written. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  /** Ends the connection by force, as a reset of TCP does. */
  resetAndDestroy(): this {
    if (!this.#bond) return this.destroy(new HawserError('ERR_SOCKET_CLOSED', 'link-closed', 'Socket is closed'))
    this.terminate()
    return this
  }

  address(): { address: string; family: string; port: number } | Record<string, never> {
    const { localAddress: address, localFamily: family, localPort: port } = this
    return address !== undefined && family !== undefined && port !== undefined ? { address, family, port } : {}
  }

  get remoteAddress(): string | undefined {
    return this.#addressStream?.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.#addressStream?.remotePort
  }

  get remoteFamily(): string | undefined {
    return this.#addressStream?.remoteFamily
  }

  get localAddress(): string | undefined {
    return this.#addressStream?.localAddress
  }

  get localPort(): number | undefined {
    return this.#addressStream?.localPort
  }

  get localFamily(): string | undefined {
    return this.#addressStream?.localFamily
  }

  // ---------------------------------------------------------------- hawser's own

  /** Connection id, 32 hex digits; `undefined` before `connect`. A secret: whoever knows it can join the connection. */
  get id(): string | undefined {
    return this.#id
  }

  /** The present links. */
  get links(): readonly Link[] {
    return this.#bond?.links ?? []
  }

  /** Statistics of the connection up to now; `undefined` before `connect`. */
  get stats(): ConnectionStats | undefined {
    return this.#bond?.stats()
  }

  /** Ends the connection by force on both sides; the other gets `ECONNRESET` with reason `terminated`. */
  terminate(): void {
    this.#bond?.terminate()
    this.destroy()
  }

  readonly #onNewListener = (event: string | symbol): void => {
    const interval = Math.min(...this.#config.statsIntervals)
    if (event !== 'stats' || this.#statsTimer || this.destroyed || interval === Number.POSITIVE_INFINITY) return
    this.#statsTimer = setInterval(() => this.stats && this.emit('stats', this.stats), interval)
    this.#statsTimer.unref?.()
  }

  readonly #onRemoveListener = (event: string | symbol): void => {
    if (event === 'stats' && this.listenerCount('stats') === 0) this.#stopStats()
  }

  #stopStats(): void {
    clearInterval(this.#statsTimer)
    this.#statsTimer = undefined
  }
}

/** Arguments of `connect`, in all forms. */
export type ConnectArguments =
  | [options: ConnectOptions, onConnect?: (() => void) | undefined]
  | [port: number, host?: string | undefined, onConnect?: (() => void) | undefined]
  | [port: number, onConnect?: (() => void) | undefined]

/** The options and the listener that the arguments of `connect` mean. */
export function normalizeConnect(args: ConnectArguments): { options: ConnectOptions; onConnect: (() => void) | undefined } {
  const onConnect = args.findLast(argument => typeof argument === 'function') as (() => void) | undefined
  const [first, second] = args
  if (typeof first === 'object' && first !== null) return { options: first, onConnect }
  const host = typeof second === 'string' ? { host: second } : {}
  return { options: { port: first, ...host }, onConnect }
}

function transportsOf(options: ConnectOptions): readonly ConnectTransport[] {
  if (options.transports) return options.transports
  if (options.port !== undefined && transportOfAddress) return [transportOfAddress(options)]
  if (options.links && options.links.length > 0) return []
  throw new HawserError('ERR_MISSING_ARGS', 'invalid-argument', 'one of "port", "transports" and "links" must be given')
}

/** @internal */
export function checkedUserData(userData: Uint8Array | undefined): Uint8Array | undefined {
  if (userData === undefined || (userData instanceof Uint8Array && userData.byteLength <= 65_535)) return userData
  throw new HawserError('ERR_OUT_OF_RANGE', 'invalid-argument', 'userData must be a Uint8Array of at most 65535 bytes')
}

interface AddressedStream {
  readonly remoteAddress?: string
  readonly remotePort?: number
  readonly remoteFamily?: string
  readonly localAddress?: string
  readonly localPort?: number
  readonly localFamily?: string
}

/** The addresses of a stream, if it has any; they are kept, for a closed stream forgets them. */
function addressed(stream: AddressedStream): AddressedStream | undefined {
  const { remoteAddress, remotePort, remoteFamily, localAddress, localPort, localFamily } = stream
  if (remoteAddress === undefined && localAddress === undefined) return undefined
  return { remoteAddress, remotePort, remoteFamily, localAddress, localPort, localFamily } as AddressedStream
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
