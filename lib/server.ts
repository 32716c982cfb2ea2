// Accepts bonded connections: the interface of `net.Server` over any number of transports.

import { EventEmitter } from 'node:events'
import type { AddressInfo } from 'node:net'
import { randomBytes } from '#platform/crypto'
import { soon } from '#platform/loop'
import type { Duplex } from '#platform/stream'
import { whenAborted } from './abort-signal.ts'
import { wrongType } from './argument-checks.ts'
import { type Config, resolveConfig } from './config.ts'
import { checkDuplex } from './duplex-check.ts'
import { HawserError } from './errors.ts'
import type { Link } from './link.ts'
import { LinkAdmitter } from './link-admitter.ts'
import { type AddLinkOptions, checkedLinkOptions } from './link-options.ts'
import { type AcceptorOfAddress, type ListenOptions, normalizeListen } from './listen-options.ts'
import { ID_BYTES, idToHex } from './protocol/handshake.ts'
import { runForeign } from './run-foreign.ts'
import {
  acceptedSocketOptions,
  checkServerOptions,
  type ServerEvents,
  type ServerOptions,
  type TransportHandle,
} from './server-options.ts'
import { Socket } from './socket.ts'
import type { AcceptTransport, LinkFilter, LinkTag } from './transports/transport.ts'

let acceptorOfAddress: AcceptorOfAddress | undefined

/** @internal */
export function setAcceptorOfAddress(make: AcceptorOfAddress): void {
  acceptorOfAddress = make
}

/** A transport that links come from. */
interface Source {
  readonly transport: AcceptTransport & { ref?(): void; unref?(): void; onError?: ((error: Error) => void) | undefined }
  readonly controller: AbortController
}

type Listening =
  | { readonly kind: 'not' }
  | { readonly kind: 'starting'; readonly source: Source }
  | { readonly kind: 'listening'; readonly source: Source }

export class Server extends EventEmitter<ServerEvents> {
  readonly #config: Config
  readonly #serverId = randomBytes(ID_BYTES)
  readonly #sources = new Set<Source>()
  readonly #admitter: LinkAdmitter
  #listening: Listening = { kind: 'not' }
  #stopSignal: (() => void) | undefined
  #referenced = true
  /** From the beginning, for links fed by hand, until `close`. */
  #accepting = true
  #closeWanted = false

  /** Connections at once beyond which a new one is accepted and ended at once, with event `drop`; as `net.Server` has it. */
  maxConnections: number | undefined
  /** For code that sets it: connections above `maxConnections` are always dropped. */
  dropMaxConnection = false

  constructor(options?: ServerOptions, onConnection?: (socket: Socket) => void)
  constructor(onConnection?: (socket: Socket) => void)
  constructor(first?: ServerOptions | ((socket: Socket) => void), second?: (socket: Socket) => void) {
    super()
    const options = typeof first === 'function' ? {} : (first ?? {})
    const onConnection = typeof first === 'function' ? first : second
    if (typeof options !== 'object') throw wrongType('options', 'an object', options)
    checkServerOptions(options)
    this.#config = resolveConfig(options.config)
    const socketOptions = { ...acceptedSocketOptions(options), config: this.#config }
    this.#admitter = new LinkAdmitter({
      serverId: this.#serverId,
      recvBuffer: this.#config.recvBuffer,
      linkConfig: this.#config.link,
      connectQueue: this.#config.connectQueue,
      serverOptions: options,
      makeSocket: (id, observer) => Socket.accepted(this, socketOptions, id, observer),
      isAccepting: () => this.#accepting,
      isFull: () => typeof this.maxConnections === 'number' && this.#admitter.sockets.length >= this.maxConnections,
      onConnection: socket => this.emit('connection', socket),
      onLink: (link, socket) => this.emit('link', link, socket),
      onLinkError: (error, tag, socket) => this.emit('linkerror', error, tag, socket),
      onDrop: info => this.emit('drop', info),
      onClosed: () => this.#emitCloseIfDone(),
    })
    if (typeof onConnection === 'function') this.on('connection', onConnection)
  }

  /** Server id, 32 hex digits: tells clients that a later link reaches the same server. */
  get id(): string {
    return idToHex(this.#serverId)
  }

  /** Whether the TCP listener is bound, which it may be before event `listening`; as `net.Server` has it. */
  get listening(): boolean {
    return this.#listening.kind === 'listening' || this.address() !== null
  }

  /** The live bonded connections. */
  get connections(): readonly Socket[] {
    return this.#admitter.sockets
  }

  /**
   * Listens on TCP: all forms of `net.Server`. What the system refuses comes as event `error`.
   *
   * @throws {HawserError} for arguments that make no sense, and `ERR_SERVER_ALREADY_LISTEN`
   */
  listen(port?: number | string, host?: string, backlog?: number, onListening?: () => void): this
  listen(port?: number | string, host?: string, onListening?: () => void): this
  listen(port?: number | string, backlog?: number, onListening?: () => void): this
  listen(port?: number | string, onListening?: () => void): this
  listen(path: string, backlog?: number, onListening?: () => void): this
  listen(path: string, onListening?: () => void): this
  listen(options: ListenOptions, onListening?: () => void): this
  listen(bound: object, backlog?: number, onListening?: () => void): this
  listen(onListening?: () => void): this
  listen(...args: unknown[]): this {
    const { options, onListening } = normalizeListen(args)
    const { signal } = options
    if (this.#listening.kind !== 'not') {
      const text = 'Listen method has been called more than once without closing.'
      throw new HawserError('ERR_SERVER_ALREADY_LISTEN', 'invalid-argument', text)
    }
    if (!acceptorOfAddress)
      throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', 'this runtime cannot listen on TCP')
    const source = this.#addSource(acceptorOfAddress(options))
    source.transport.onError = error => runForeign(() => this.emit('error', error))
    if (onListening) this.once('listening', onListening)
    this.#listening = { kind: 'starting', source }
    if (signal?.aborted) soon(() => this.close())
    else if (signal) this.#stopSignal = whenAborted(signal, () => this.close())
    this.#start(source).then(
      () => this.#listens(source),
      (error: Error) => this.#cannotListen(source, error),
    )
    return this
  }

  /**
   * Accepts links from another transport as well, until `remove` or `close`.
   *
   * @throws {HawserError} `ERR_INVALID_ARG_TYPE` for something that is no transport
   */
  addTransport(transport: AcceptTransport): TransportHandle {
    if (typeof transport?.listen !== 'function') {
      const text = 'The "transport" argument must be a transport, which has "name" and "listen"'
      throw new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', text)
    }
    const source = this.#addSource(transport)
    const ready = this.#start(source)
    ready.catch(() => this.#removeSource(source))
    return { ready, remove: () => this.#removeSource(source) }
  }

  /**
   * Feeds one incoming link by hand, over any Duplex, which belongs to hawser from here on.
   *
   * @returns the link once it joined a connection; rejects with the reason why not
   */
  async addLink(stream: Duplex, options: AddLinkOptions = {}): Promise<Link> {
    return this.#admitter.admit(stream, checkedLinkOptions(stream, options, 'incoming', this.#config.link))
  }

  /** Address of the TCP listener; `null` when there is none. */
  address(): AddressInfo | string | null {
    if (this.#listening.kind === 'not') return null
    return this.#listening.source.transport.address?.() ?? null
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    const count = this.#admitter.sockets.length
    soon(() => callback(null, count))
    return this
  }

  /** Accepts nothing new; `close` is emitted once the last connection has ended. */
  close(callback?: (error?: Error) => void): this {
    const running = this.#sources.size > 0 || (this.#accepting && !this.#admitter.idle)
    if (callback && running) this.once('close', callback)
    else if (callback) {
      const error = new HawserError('ERR_SERVER_NOT_RUNNING', 'invalid-argument', 'Server is not running.')
      this.once('close', () => callback(error))
    }
    this.#accepting = false
    this.#stopSignal?.()
    this.#stopSignal = undefined
    this.#listening = { kind: 'not' }
    for (const source of [...this.#sources]) this.#removeSource(source)
    this.#admitter.stop()
    this.#closeWanted = true
    this.#emitCloseIfDone()
    return this
  }

  /** Of listeners that return promises, with `captureRejections` of `node:events`. */
  override [EventEmitter.captureRejectionSymbol](error: Error, event: unknown, ...args: unknown[]): void {
    if (event === 'connection') (args[0] as Socket).destroy(error)
    else this.emit('error', error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#sources.size === 0 && this.#admitter.idle) return
    await new Promise<void>(resolve => this.close(() => resolve()))
  }

  /** Lets listening keep the process alive, as it does from the beginning. */
  ref(): this {
    this.#referenced = true
    for (const { transport } of this.#sources) transport.ref?.()
    return this
  }

  /** Does not let listening keep the process alive. */
  unref(): this {
    this.#referenced = false
    for (const { transport } of this.#sources) transport.unref?.()
    return this
  }

  #addSource(transport: AcceptTransport): Source {
    this.#accepting = true
    this.#closeWanted = false
    const source = { transport, controller: new AbortController() }
    this.#sources.add(source)
    return source
  }

  async #start(source: Source): Promise<void> {
    const { transport, controller } = source
    const filter: LinkFilter | undefined = transport.filter?.bind(transport)
    const accept = (stream: Duplex, tag: LinkTag): void => {
      checkDuplex(stream)
      this.#admitter.admit(stream, { tag, userData: tag.userData, filter }).catch(() => {}) // told by `linkerror`
    }
    const listening = transport.listen(accept, controller.signal)
    if (!this.#referenced) transport.unref?.()
    await listening
    if (!this.#referenced) transport.unref?.()
  }

  #listens(source: Source): void {
    if (this.#listening.kind === 'not' || this.#listening.source !== source) return
    this.#listening = { kind: 'listening', source }
    runForeign(() => this.emit('listening'))
  }

  #cannotListen(source: Source, error: Error): void {
    this.#removeSource(source)
    if (this.#listening.kind === 'not' || this.#listening.source !== source) return
    this.#listening = { kind: 'not' }
    this.#stopSignal?.()
    this.#stopSignal = undefined
    runForeign(() => this.emit('error', error))
  }

  #removeSource(source: Source): void {
    if (this.#sources.delete(source)) source.controller.abort()
  }

  #emitCloseIfDone(): void {
    if (!this.#closeWanted) return
    soon(() => {
      if (!this.#closeWanted || !this.#admitter.idle) return
      this.#closeWanted = false
      this.emit('close')
    })
  }
}
