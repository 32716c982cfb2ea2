// A bonded connection with the interface of `net.Socket`. No protocol here: that is the bond's; and no streaming: that
// is the attachment's.

import type { BlockList, Server as NetServer } from 'node:net'
import { randomBytes } from '#platform/crypto'
import { afterInput, soon } from '#platform/loop'
import type { Duplex } from '#platform/stream'
import { abortError, whenAborted } from './abort-signal.ts'
import { Attachment } from './attachment.ts'
import type { Bond } from './bond.ts'
import { BondedDuplex } from './bonded-duplex.ts'
import { type Config, defaults, resolveConfig } from './config.ts'
import { ConnectEvents } from './connect-events.ts'
import { type ConnectArguments, type ConnectOptions, normalizeConnect, transportsOf } from './connect-options.ts'
import {
  closedBeforeConnectionError,
  closedError,
  connectError,
  writeAfterEndError,
  writeCanceledError,
} from './connection-error.ts'
import { type ConnectionStats, NO_CONNECTION_STATS } from './engine/connection-stats.ts'
import type { LinkCloseReason } from './engine/events.ts'
import type { Schedule } from './engine/schedulers/schedule.ts'
import { HawserError } from './errors.ts'
import type { Link } from './link.ts'
import { type AddLinkOptions, checkedLinkOptions } from './link-options.ts'
import { manualTag } from './manual-tag.ts'
import { OnRead, type OnReadOptions } from './on-read.ts'
import { OutgoingLinks } from './outgoing-links.ts'
import { checkSchedule, type LinkPolicyOption } from './policy-options.ts'
import { ID_BYTES, idToHex } from './protocol/handshake.ts'
import { runForeign } from './run-foreign.ts'
import type { Server } from './server.ts'
import { checkSocketOptions, duplexOptions, type SocketOptions } from './socket-options.ts'
import { StatsTicker } from './stats-ticker.ts'
import type { ConnectTransport, LinkFilter, LinkTag } from './transports/transport.ts'

/** What a server makes its sockets with. */
export interface AcceptedSocketOptions extends SocketOptions {
  readonly pauseOnConnect?: boolean | undefined
}

/** What a server hears of the sockets that it made. */
export interface AcceptedSocketObserver {
  linkClosed(link: Link): void
  linkError(error: Error, tag: LinkTag): void
  /** The connection is over; may be later than `close` of the socket. */
  closed(): void
}

/** A socket of a server, and what only the server may do with it. */
export interface AcceptedSocket {
  readonly socket: Socket
  readonly bond: Bond
  /** A link joined; `announce` is called before anybody is told of it. */
  linkJoined(link: Link, announce: () => void): void
}

/** Whether there is a connection; whether it is over is what `destroyed` says. */
type SocketState = 'unconnected' | 'connecting' | 'connected'

export class Socket extends BondedDuplex {
  /**
   * The server that accepted the socket; `null` on the side that connected. To the compiler a `net.Server` as well, which
   * the types of Node ask for, though its `connections` are sockets.
   */
  server: (Server & NetServer) | null = null
  /** `address:port` of all that was connected to, the one that `connect` came of last; `undefined` unless several were. */
  declare autoSelectFamilyAttemptedAddresses: string[]
  #config: Config = defaults
  #linkFilter: LinkFilter | undefined
  #reconnectDelay: number | undefined
  #schedule: Schedule = 'aggregate'
  #linkPolicy: LinkPolicyOption | undefined
  /** Where links come from, unless `connect` says it. */
  #transports: SocketOptions['transports']
  #links: SocketOptions['links']
  readonly #statsTicker = new StatsTicker(() => this.#emitStats())
  #connectEvents: ConnectEvents | undefined
  #stopSignal: (() => void) | undefined
  #referenced = true

  #state: SocketState = 'unconnected'
  #id: string | undefined
  #attachment: Attachment | undefined
  /** Makes the links; a socket of a server has none, for the client makes them. */
  #outgoing: OutgoingLinks | undefined
  #blockList: BlockList | undefined
  #onReadOptions: OnReadOptions | undefined
  #onRead: OnRead | undefined
  /** Of an `end` before `connect`. */
  #finalCallback: ((error?: Error | null) => void) | undefined

  /** @throws {HawserError} for options that make no sense */
  constructor(options: SocketOptions = {}) {
    const given = typeof options === 'number' ? ({ fd: options } as SocketOptions) : (options ?? {})
    checkSocketOptions(given)
    super(duplexOptions(given))
    this.#transports = given.transports
    this.#links = given.links
    this.#takeOptions(given)
  }

  /** @internal Makes the server's end of a connection. */
  static accepted(server: Server, options: AcceptedSocketOptions, id: string, observer: AcceptedSocketObserver): AcceptedSocket {
    const { pauseOnConnect = false, ...socketOptions } = options
    const socket = new Socket(socketOptions)
    socket.server = server as Server & NetServer
    socket.#id = id
    socket.#state = 'connecting'
    const attachment = new Attachment(
      socket,
      socket.#config,
      {
        active: () => socket.markActive(),
        linkClosed: (link, reason, error) => {
          observer.linkClosed(link)
          if (error) observer.linkError(error, link.tag)
          if (!socket.destroyed) socket.#linkClosed(link, reason, error)
        },
        closed: () => observer.closed(),
        schedulerFailed: error => socket.#schedulerFailed(error),
      },
      !pauseOnConnect,
      { schedule: socket.#schedule, accepting: true },
    )
    socket.#attachment = attachment
    if (pauseOnConnect) socket.pause()
    return { socket, bond: attachment.bond, linkJoined: (link, announce) => socket.#linkJoined(link, announce) }
  }

  // ---------------------------------------------------------------- connecting

  /**
   * Connects; `onConnect` becomes a listener of `connect`. May be called again once the socket is closed.
   *
   * @throws {HawserError} for arguments that make no sense. What the network does comes as event `error`.
   */
  connect(options: ConnectOptions, onConnect?: () => void): this
  connect(port: number | string, host?: string, onConnect?: () => void): this
  connect(port: number | string, onConnect?: () => void): this
  connect(path: string, onConnect?: () => void): this
  connect(...args: ConnectArguments): this {
    const { options, onConnect } = normalizeConnect(args)
    if (this.#attachment && !this.destroyed) {
      throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', 'the socket is connecting or connected already')
    }
    checkSocketOptions(options)
    const { blockList = this.#blockList, transports = this.#transports, links = this.#links ?? [] } = options
    const connectEvents = new ConnectEvents(this)
    const transportsNow = transportsOf({ ...options, blockList, transports, links }, connectEvents)
    this.#takeOptions(options)
    this.#links = undefined // a stream is a link once
    this.#connectEvents?.end()
    this.#connectEvents = connectEvents
    if (onConnect) this.once('connect', onConnect)
    if (options.signal?.aborted) return this // destroyed by that
    if (this.destroyed) this.#revive()
    if (options.timeout !== undefined) this.setTimeout(options.timeout)
    const outgoing = this.#begin(transportsNow)
    for (const [index, stream] of links.entries()) {
      outgoing.add(stream, { tag: manualTag('outgoing', `link ${index + 1}`) }).catch(() => {}) // told by `linkerror`
    }
    outgoing.start()
    return this
  }

  /**
   * Adds a link over any Duplex, which belongs to the connection from here on. On a socket that is not connected this
   * starts a connection over that link alone; on one that is closed the Duplex is destroyed.
   *
   * @returns the link once the other side has accepted it; rejects with the reason why not
   */
  async addLink(stream: Duplex, options: AddLinkOptions = {}): Promise<Link> {
    const checked = checkedLinkOptions(stream, options, 'outgoing', this.#config.link)
    if (this.destroyed || this.#attachment?.bond.closed) {
      stream.destroy()
      throw closedError()
    }
    const outgoing = this.#outgoing ?? (this.#attachment ? undefined : this.#begin([]))
    if (outgoing) return outgoing.add(stream, checked)
    const text = 'the client makes the links; a server takes them by server.addLink'
    throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', text)
  }

  #takeOptions(options: SocketOptions): void {
    const { config, linkFilter, reconnectDelay, signal, noDelay, keepAlive, keepAliveInitialDelay, typeOfService } = options
    if (config) this.#config = resolveConfig(config, this.#config)
    this.#linkFilter = linkFilter ?? this.#linkFilter
    this.#linkPolicy = options.linkPolicy ?? this.#linkPolicy
    this.#schedule = options.schedule ?? this.#schedule
    this.#reconnectDelay = reconnectDelay ?? this.#reconnectDelay
    this.#blockList = options.blockList ?? this.#blockList
    this.#onReadOptions = options.onread ?? this.#onReadOptions
    if (noDelay !== undefined) this.setNoDelay(noDelay)
    if (keepAlive !== undefined) this.setKeepAlive(keepAlive, keepAliveInitialDelay)
    if (typeOfService !== undefined) this.setTypeOfService(typeOfService)
    if (!signal) return
    this.#stopSignal?.()
    this.#stopSignal = whenAborted(signal, () => this.destroy(abortError(signal)))
    if (signal.aborted) this.destroy(abortError(signal))
  }

  /** What `net.Socket` does to itself when it connects again. */
  #revive(): void {
    ;(this as unknown as { _undestroy(): void })._undestroy()
    this.#outgoing = undefined
    this.forgetAddresses()
    this.server = null
  }

  #begin(transports: readonly ConnectTransport[]): OutgoingLinks {
    const connectionId = randomBytes(ID_BYTES)
    this.#id = idToHex(connectionId)
    this.#state = 'connecting'
    const ifPresent = (action: () => void) => {
      if (this.#outgoing === outgoing && !this.destroyed) runForeign(action)
    }
    const onRead = this.#onReadOptions && new OnRead(this.#onReadOptions, !this.isPaused())
    const attachment = new Attachment(
      this,
      this.#config,
      {
        active: () => this.markActive(),
        linkClosed: (link, reason, error) => ifPresent(() => this.#linkClosed(link, reason, error)),
        closed: () => outgoing.stop(),
        schedulerFailed: error => ifPresent(() => this.#schedulerFailed(error)),
      },
      !onRead,
      { schedule: this.#schedule },
      onRead,
    )
    const outgoing: OutgoingLinks = new OutgoingLinks({
      bond: attachment.bond,
      connectionId,
      config: this.#config,
      transports,
      linkFilter: this.#linkFilter,
      linkPolicy: this.#linkPolicy,
      reconnectDelay: this.#reconnectDelay,
      onLink: link => ifPresent(() => this.#linkJoined(link, () => this.#announce())),
      onLinkError: (error, tag) => ifPresent(() => this.emit('linkerror', error, tag)),
      onInitialFailure: errors => {
        attachment.bond.abort('all-links-failed')
        ifPresent(() => this.destroy(connectError(errors)))
      },
    })
    this.#attachment = attachment
    this.#onRead = onRead
    this.#outgoing = outgoing
    if (!this.#referenced) this.unref()
    if (this.#finalCallback) attachment.finish(this.#finalCallback)
    this.#finalCallback = undefined
    this.startStats()
    return outgoing
  }

  #announce(): void {
    this.emit('connect')
    this.emit('ready')
  }

  #linkJoined(link: Link, announce: () => void): void {
    this.takeLink(link)
    if (this.#state === 'connecting') {
      this.#state = 'connected'
      this.#connectEvents?.connected()
      this.markActive()
      announce()
    }
    if (!this.destroyed) this.emit('link', link)
  }

  #linkClosed(link: Link, reason: LinkCloseReason, error: Error | undefined): void {
    if (error) this.emit('linkerror', error, link.tag)
    if (!this.destroyed) this.emit('linkclose', link, reason)
  }

  #schedulerFailed(error: Error): void {
    this.#schedule = 'aggregate'
    this.emit('scheduleerror', error)
  }

  // ---------------------------------------------------------------- stream.Duplex

  override write(chunk: unknown, encoding?: BufferEncoding, callback?: (error: Error | null | undefined) => void): boolean
  override write(chunk: unknown, callback?: (error: Error | null | undefined) => void): boolean
  override write(chunk: unknown, ...rest: unknown[]): boolean {
    const callback = rest.find(argument => typeof argument === 'function') as ((error: Error) => void) | undefined
    if (this.writableEnded && this.readableEnded && !this.allowHalfOpen) {
      const error = writeAfterEndError()
      if (callback) soon(() => callback(error))
      this.destroy(error)
      return false
    }
    return super.write(callback ? keptBytes(chunk) : chunk, ...(rest as [BufferEncoding]))
  }

  override end(callback?: () => void): this
  override end(chunk: unknown, callback?: () => void): this
  override end(chunk: unknown, encoding?: BufferEncoding, callback?: () => void): this
  override end(...args: unknown[]): this {
    const [chunk, ...rest] = args
    const callback = rest.some(argument => typeof argument === 'function')
    return super.end(callback ? keptBytes(chunk) : chunk, ...(rest as [BufferEncoding]))
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
    if (this.#attachment) this.#attachment.write(chunks, bytes, callback)
    else callback(closedError())
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.#attachment) this.#attachment.finish(callback)
    else this.#finalCallback = callback
  }

  override _read(): void {
    this.#attachment?.read()
  }

  override pause(): this {
    this.#onRead?.pause()
    return super.pause()
  }

  override resume(): this {
    if (this.#onRead) this.#attachment?.read()
    return super.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const { connecting } = this
    this.#state = 'unconnected'
    this.#finalCallback = undefined
    this.stopTimeout()
    this.#statsTicker.stop()
    this.#stopSignal?.()
    callback(error)
    this.#attachment?.detach(connecting ? closedBeforeConnectionError() : writeCanceledError())
    this.#outgoing?.linger()
    // Whoever waits for `error` by a promise can wait for `close` after it, as with a socket that has a handle to close.
    const later = this.#attachment ? afterInput : soon
    later(() => this.emit('close', error !== null))
  }

  // ---------------------------------------------------------------- net.Socket

  get connecting(): boolean {
    return this.#state === 'connecting'
  }

  /** Not connected (yet). */
  get pending(): boolean {
    return this.#state !== 'connected'
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening'
    if (this.readable) return this.writable ? 'open' : 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  /** Application bytes received; stays readable after the end. */
  get bytesRead(): number {
    return this.#attachment?.bytesRead ?? 0
  }

  /** Application bytes written, those that wait included; stays readable after the end. */
  get bytesWritten(): number {
    return this.#attachment?.bytesWritten ?? 0
  }

  /** Bytes that wait to be sent. */
  get bufferSize(): number {
    return this.writableLength
  }

  /** Lets the connection keep the process alive, as it does from the beginning. */
  ref(): this {
    this.#setReferenced(true)
    return this
  }

  /** Does not let the connection keep the process alive. */
  unref(): this {
    this.#setReferenced(false)
    return this
  }

  #setReferenced(referenced: boolean): void {
    this.#referenced = referenced
    if (this.destroyed || !this.#attachment) return
    this.#attachment.bond.referenced = referenced
    if (this.#outgoing) this.#outgoing.referenced = referenced
  }

  /** Ends the writing side and destroys the socket once everything is written. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  /** Ends the connection by force, as a reset of TCP does; while connecting, as soon as there is a connection to end. */
  resetAndDestroy(): this {
    if (this.connecting) this.once('connect', () => this.terminate())
    else if (this.pending) this.destroy(closedError())
    else this.terminate()
    return this
  }

  // ---------------------------------------------------------------- hawser's own

  /** Connection id, 32 hex digits; `undefined` before `connect`. A secret: whoever knows it can join the connection. */
  get id(): string | undefined {
    return this.#id
  }

  protected override get queuedBytes(): number {
    return this.#attachment?.bond.queuedBytes ?? 0
  }

  /** The present links. */
  override get links(): readonly Link[] {
    return this.#attachment?.bond.links ?? []
  }

  /**
   * Which links messages are given to; what is set holds at once.
   *
   * @throws {HawserError} `ERR_INVALID_ARG_VALUE`, `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE` for what is no schedule
   */
  get schedule(): Schedule {
    return this.#schedule
  }

  set schedule(schedule: Schedule) {
    checkSchedule(schedule)
    this.#schedule = schedule
    this.#attachment?.bond.setSchedule(schedule)
  }

  /** Statistics of the connection up to now; those of its end once it is over. */
  get stats(): ConnectionStats {
    return this.#attachment?.bond.stats() ?? { ...NO_CONNECTION_STATS }
  }

  /** Ends the connection by force on both sides; the other gets `ECONNRESET` with reason `terminated`. */
  terminate(): void {
    this.#attachment?.bond.terminate()
    this.destroy()
  }

  protected override startStats(): void {
    if (!this.#attachment || this.destroyed || this.listenerCount('stats') === 0) return
    this.#statsTicker.start(Math.min(...this.#config.statsIntervals))
  }

  /** Whether anybody listens. */
  #emitStats(): boolean {
    if (this.listenerCount('stats') === 0) return false
    this.emit('stats', this.stats)
    return true
  }
}

/** Whoever waits for the callback may use the buffer again afterwards; resends need it for longer. */
function keptBytes(chunk: unknown): unknown {
  if (chunk instanceof Uint8Array) return Buffer.from(chunk)
  return ArrayBuffer.isView(chunk) ? structuredClone(chunk) : chunk
}
