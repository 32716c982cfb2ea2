// Accepts bonded connections: the interface of `net.Server` over any number of transports.

import { EventEmitter } from 'node:events'
import type { AddressInfo } from 'node:net'
import { randomBytes } from '#platform/crypto'
import { soon } from '#platform/loop'
import type { Duplex } from '#platform/stream'
import { type Config, type ConfigInput, resolveConfig, resolveLinkConfig } from './config.ts'
import { HawserError } from './errors.ts'
import type { Link } from './link.ts'
import { LinkAdmitter } from './link-admitter.ts'
import { manualTag } from './manual-tag.ts'
import { ID_BYTES, idToHex } from './protocol/handshake.ts'
import { type AddLinkOptions, checkedUserData, type Socket, type SocketOptions } from './socket.ts'
import type { AcceptTransport, LinkFilter, LinkTag } from './transports/transport.ts'

/** Limits that keep strangers from costing much. */
export interface ServerLimits {
  /** Milliseconds from the acceptance of a link to the end of its handshake. @defaultValue 10,000 */
  handshakeTimeout?: number
  /** Handshakes at once; further links are closed at once, event `drop`. @defaultValue 128 */
  maxHandshakes?: number
  /** Connections at once; further ones are refused, event `drop`. @defaultValue 1,024 */
  maxConnections?: number
  /** Links of one connection; further ones are refused. @defaultValue 32 */
  maxLinksPerConnection?: number
}

/** What `authorize` is asked about. */
export interface LinkRequest {
  readonly tag: LinkTag
  /** From the network: never trust it. */
  readonly userData: Uint8Array
  /** Whether the link would start a connection, not join one. */
  readonly startsConnection: boolean
  readonly remoteAddress: string | undefined
}

export interface ServerOptions extends Omit<SocketOptions, 'signal' | 'config'> {
  config?: ConfigInput
  /** Accepted sockets do not read until `resume`. @defaultValue false */
  pauseOnConnect?: boolean
  /** Called for every incoming link before it is admitted; a throw, a rejection or no answer within 10 s means no. */
  authorize?: (request: LinkRequest) => boolean | Promise<boolean>
  linkFilter?: LinkFilter
  limits?: ServerLimits
}

/** Options of `listen`, as of `net.Server`. */
export interface ListenOptions {
  port?: number
  host?: string
  path?: string
  backlog?: number
  exclusive?: boolean
  ipv6Only?: boolean
  reusePort?: boolean
  signal?: AbortSignal
}

/** What is known of a connection that was dropped for a limit. */
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
  /** A link could not be made. */
  linkerror: [error: Error, tag: LinkTag, socket: Socket | undefined]
}

/** Handle of a transport that was added to a server. */
export interface TransportHandle {
  /** Resolves once the transport listens; rejects with the reason why it cannot. */
  readonly ready: Promise<void>
  /** Stops listening; links that exist live on. */
  remove(): void
}

/** Makes the TCP acceptor that `listen` means; set by the entry point. */
export type AcceptorOfAddress = (options: ListenOptions, socketOptions: SocketOptions) => AcceptTransport

let acceptorOfAddress: AcceptorOfAddress | undefined

/** @internal */
export function setAcceptorOfAddress(make: AcceptorOfAddress): void {
  acceptorOfAddress = make
}

interface Source {
  readonly transport: AcceptTransport & { ref?(): void; unref?(): void }
  readonly controller: AbortController
}

type ListenState = 'idle' | 'starting' | 'listening'

export class Server extends EventEmitter<ServerEvents> {
  readonly #options: ServerOptions
  readonly #config: Config
  readonly #serverId = randomBytes(ID_BYTES)
  readonly #sources = new Set<Source>()
  readonly #admitter: LinkAdmitter
  #listener: Source | undefined
  #listenState: ListenState = 'idle'
  #referenced = true
  #closing = false

  /** Connections at once beyond which a new one is accepted and ended at once, with event `drop`; as `net.Server` has it. */
  maxConnections: number | undefined
  /** Kept for code that sets it: connections above `maxConnections` are always dropped. */
  dropMaxConnection = false

  constructor(options?: ServerOptions, onConnection?: (socket: Socket) => void)
  constructor(onConnection?: (socket: Socket) => void)
  constructor(first?: ServerOptions | ((socket: Socket) => void), second?: (socket: Socket) => void) {
    super()
    const options = typeof first === 'object' ? first : {}
    const onConnection = typeof first === 'function' ? first : second
    this.#options = options
    this.#config = resolveConfig(options.config)
    this.#admitter = new LinkAdmitter({
      serverId: this.#serverId,
      config: this.#config,
      serverOptions: options,
      isListening: () => !this.#closing,
      isFull: () => this.maxConnections !== undefined && this.#admitter.sockets.length > this.maxConnections,
      onConnection: socket => this.emit('connection', socket),
      onLink: (link, socket) => this.emit('link', link, socket),
      onLinkError: (error, tag, socket) => this.emit('linkerror', error, tag, socket),
      onDrop: info => this.emit('drop', info),
      onClosed: () => this.#emitCloseIfDone(),
    })
    if (onConnection) this.on('connection', onConnection)
  }

  /** Server id, 32 hex digits: tells clients that a later link reaches the same server. */
  get id(): string {
    return idToHex(this.#serverId)
  }

  get listening(): boolean {
    return this.#listenState === 'listening'
  }

  /** The live bonded connections. */
  get connections(): readonly Socket[] {
    return this.#admitter.sockets
  }

  /** Listens on TCP: all forms of `net.Server`. Errors come as event `error`. */
  listen(port?: number, host?: string, backlog?: number, onListening?: () => void): this
  listen(port?: number, host?: string, onListening?: () => void): this
  listen(port?: number, backlog?: number, onListening?: () => void): this
  listen(port?: number, onListening?: () => void): this
  listen(path: string, backlog?: number, onListening?: () => void): this
  listen(path: string, onListening?: () => void): this
  listen(options: ListenOptions, onListening?: () => void): this
  listen(...args: unknown[]): this {
    const { options, onListening } = normalizeListen(args)
    if (this.#listenState !== 'idle') {
      throw new HawserError(
        'ERR_SERVER_ALREADY_LISTEN',
        'invalid-argument',
        'Listen method has been called more than once without closing.',
      )
    }
    if (!acceptorOfAddress)
      throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', 'this runtime cannot listen on TCP')
    const acceptor = acceptorOfAddress(options, this.#options)
    if (onListening) this.once('listening', onListening)
    this.#listenState = 'starting'
    this.#closing = false
    const source = this.#addSource(acceptor)
    this.#listener = source
    options.signal?.addEventListener('abort', () => this.close(), { once: true })
    if (options.signal?.aborted) soon(() => this.close())
    this.#start(source).then(
      () => {
        if (this.#listener !== source) return
        this.#listenState = 'listening'
        this.emit('listening')
      },
      (error: Error) => {
        if (this.#listener !== source) return
        this.#removeSource(source)
        this.#listener = undefined
        this.#listenState = 'idle'
        this.emit('error', error)
      },
    )
    return this
  }

  /** Accepts links from another transport as well, until `remove` or `close`. */
  addTransport(transport: AcceptTransport): TransportHandle {
    this.#closing = false
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
    const config = resolveLinkConfig(options.config, this.#config.link)
    return this.#admitter.admit(stream, {
      tag: manualTag('incoming', options.tag),
      userData: checkedUserData(options.userData),
      config,
    })
  }

  /** Address of the TCP listener; `null` when there is none. */
  address(): AddressInfo | string | null {
    return this.#listenState === 'listening' ? (this.#listener?.transport.address?.() ?? null) : null
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    soon(() => callback(null, this.#admitter.sockets.length))
    return this
  }

  /** Accepts nothing new; `close` is emitted once the last connection has ended. */
  close(callback?: (error?: Error) => void): this {
    const running = this.#listenState !== 'idle' || this.#sources.size > 0
    if (callback) {
      if (running) this.once('close', callback)
      else {
        const error = new HawserError('ERR_SERVER_NOT_RUNNING', 'invalid-argument', 'Server is not running.')
        this.once('close', () => callback(error))
      }
    }
    this.#closing = true
    this.#listenState = 'idle'
    this.#listener = undefined
    for (const source of [...this.#sources]) this.#removeSource(source)
    this.#admitter.stop()
    this.#emitCloseIfDone()
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#listenState === 'idle' && this.#sources.size === 0) return
    await new Promise<void>(resolve => this.close(() => resolve()))
  }

  ref(): this {
    this.#referenced = true
    for (const { transport } of this.#sources) transport.ref?.()
    return this
  }

  unref(): this {
    this.#referenced = false
    for (const { transport } of this.#sources) transport.unref?.()
    return this
  }

  #addSource(transport: AcceptTransport): Source {
    const source = { transport, controller: new AbortController() }
    this.#sources.add(source)
    return source
  }

  async #start(source: Source): Promise<void> {
    const { transport, controller } = source
    const filter: LinkFilter | undefined = transport.filter?.bind(transport)
    const accept = (stream: Duplex, tag: LinkTag): void => {
      this.#admitter.admit(stream, { tag, userData: tag.userData, filter }).catch(() => {}) // told by `linkerror`
    }
    await transport.listen(accept, controller.signal)
    if (!this.#referenced) transport.unref?.()
  }

  #removeSource(source: Source): void {
    if (this.#sources.delete(source)) source.controller.abort()
  }

  #emitCloseIfDone(): void {
    if (!this.#closing) return
    soon(() => {
      if (!this.#closing || this.#admitter.sockets.length > 0) return
      this.#closing = false
      this.emit('close')
    })
  }
}

function normalizeListen(args: readonly unknown[]): { options: ListenOptions; onListening: (() => void) | undefined } {
  const onListening = args.findLast(argument => typeof argument === 'function') as (() => void) | undefined
  const [first, second, third] = args
  if (typeof first === 'object' && first !== null) return { options: first as ListenOptions, onListening }
  if (typeof first === 'string' && !/^\d+$/.test(first)) {
    return { options: { path: first, ...(typeof second === 'number' && { backlog: second }) }, onListening }
  }
  const backlog = typeof second === 'number' ? second : third
  return {
    options: {
      port: typeof first === 'function' || first === undefined || first === null ? 0 : Number(first),
      ...(typeof second === 'string' && { host: second }),
      ...(typeof backlog === 'number' && { backlog }),
    },
    onListening,
  }
}
