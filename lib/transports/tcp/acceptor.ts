// Incoming TCP links, or links over a Unix socket.

import { type AddressInfo, createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Duplex } from '#platform/stream'
import { HawserError } from '../../errors.ts'
import type { AcceptTransport, LinkFilter, LinkTag } from '../transport.ts'
import { parseAddress } from './address.ts'
import { abortReason } from './errors.ts'
import { type Interfaces, interfaceOf } from './interfaces.ts'
import { ignoreErrors, setUpSocket, TCP_HIGH_WATER_MARK, type TcpSocketOptions } from './socket-options.ts'
import { TcpLinkTag } from './tag.ts'

/** To ask for the interfaces takes longer than all else about a new connection, and strangers may make any number. */
const INTERFACES_KEPT_MS = 1_000

export interface TcpAcceptorOptions extends TcpSocketOptions {
  /** @defaultValue 0: the system chooses one, see `address()` */
  readonly port?: number | undefined
  /** Address or name to listen on. @defaultValue every address of this machine, IPv6 and IPv4 */
  readonly host?: string | undefined
  /** A Unix socket or, on Windows, a pipe instead of `host` and `port`. */
  readonly path?: string | undefined
  /** Descriptor of a socket to listen on, instead of `host` and `port`. Not on Windows. */
  readonly fd?: number | undefined
  /** Something that listens already: anything that `net.Server` takes as such. Instead of `host` and `port`. */
  readonly handle?: object | undefined
  /** Connections that the system keeps until they are accepted. @defaultValue 511, as for `net.Server` */
  readonly backlog?: number | undefined
  readonly exclusive?: boolean | undefined
  readonly ipv6Only?: boolean | undefined
  /** Where Node has it. */
  readonly reusePort?: boolean | undefined
  readonly readableAll?: boolean | undefined
  readonly writableAll?: boolean | undefined
  /** Stops listening when it aborts, as does the one given to `listen`. */
  readonly signal?: AbortSignal | undefined
  /** Which links to take. @defaultValue all: the other side chooses */
  readonly filter?: LinkFilter | undefined
  /** Called when accepting fails, for want of file descriptors for example; listening goes on. */
  readonly onError?: ((error: Error) => void) | undefined
}

/** Makes a transport of incoming TCP links. Nothing happens before `listen`. */
export function tcpAcceptor(options: TcpAcceptorOptions = {}): TcpAcceptor {
  return new TcpAcceptor(options)
}

/** Listens at one place at a time; may listen again once closed. */
export class TcpAcceptor implements AcceptTransport {
  readonly name = 'tcp'
  readonly filter?: LinkFilter
  /** See the option of that name; a server that uses the acceptor may set it. */
  onError: ((error: Error) => void) | undefined
  readonly #options: TcpAcceptorOptions
  readonly #interfaces: () => Interfaces
  #server: Server | undefined
  #known: { readonly interfaces: Interfaces; readonly untilMs: number } | undefined
  #referenced = true
  #accepted = 0

  /** @param interfaces - what the local interfaces are taken from, for tests */
  constructor(options: TcpAcceptorOptions = {}, interfaces: () => Interfaces = networkInterfaces) {
    this.#options = options
    this.#interfaces = interfaces
    this.onError = options.onError
    if (options.filter) this.filter = options.filter
  }

  /**
   * Listens, and calls `accept` with each connection, in the turn in which it came in. The stream is connected, not
   * flowing, with nothing lost; from then on it is the callee's. A listener for `error` stays on it, so it never throws
   * by itself: look at `errored` or `destroyed` when taking it over later.
   *
   * Rejects with Node's own error, `EADDRINUSE` for example, or the reason of `signal`.
   */
  async listen(accept: (stream: Duplex, tag: LinkTag) => void, signal?: AbortSignal): Promise<void> {
    if (this.#server) throw new HawserError('ERR_SERVER_ALREADY_LISTEN', 'invalid-argument', 'listen called while listening')
    const signals = [signal, this.#options.signal].filter(each => each !== undefined)
    for (const each of signals) if (each.aborted) throw abortReason(each)
    const server = createServer({ highWaterMark: this.#options.highWaterMark ?? TCP_HIGH_WATER_MARK })
    this.#server = server
    if (!this.#referenced) server.unref()
    server.on('connection', socket => this.#accept(socket, accept))
    try {
      await listening(server, () => listenAs(server, this.#options), signals)
    } catch (error) {
      if (this.#server === server) this.#server = undefined
      throw error
    }
    server.on('error', error => this.onError?.(error))
    this.#closeOnAbort(server, signals)
  }

  /** Where it listens; `null` if it does not. */
  address(): AddressInfo | string | null {
    return this.#server?.address() ?? null
  }

  /** Stops listening at once; links that exist stay. A second call does nothing. */
  close(): void {
    const server = this.#server
    this.#server = undefined
    server?.close()
  }

  /** Listening keeps the process alive, as it does from the beginning. */
  ref(): this {
    this.#referenced = true
    this.#server?.ref()
    return this
  }

  /** Listening does not keep the process alive. */
  unref(): this {
    this.#referenced = false
    this.#server?.unref()
    return this
  }

  #accept(socket: Socket, accept: (stream: Duplex, tag: LinkTag) => void): void {
    ignoreErrors(socket)
    if (socket.remoteAddress === undefined && typeof this.address() !== 'string') {
      socket.destroy() // gone already
      return
    }
    const tag = this.#tagOf(socket)
    try {
      setUpSocket(socket, tag, this.#options)
    } catch (error) {
      socket.destroy()
      this.onError?.(error as Error)
      return
    }
    accept(socket, tag)
  }

  #tagOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): TcpLinkTag {
    this.#accepted += 1
    const remote = parseAddress(remoteAddress ?? '')
    return new TcpLinkTag({
      direction: 'incoming',
      interface: this.#nameOfInterface(localAddress),
      localAddress: plain(localAddress),
      localPort,
      remoteAddress: plain(remoteAddress),
      remotePort,
      family: remote?.family,
      serial: this.#accepted,
    })
  }

  /** Some sandboxes do not tell the interfaces. */
  #nameOfInterface(localAddress: string | undefined): string | undefined {
    if (localAddress === undefined) return undefined
    const nowMs = performance.now()
    const known = this.#known && nowMs < this.#known.untilMs ? interfaceOf(this.#known.interfaces, localAddress) : undefined
    if (known !== undefined) return known
    try {
      const interfaces = this.#interfaces()
      this.#known = { interfaces, untilMs: nowMs + INTERFACES_KEPT_MS }
      return interfaceOf(interfaces, localAddress)
    } catch {
      return undefined
    }
  }

  #closeOnAbort(server: Server, signals: readonly AbortSignal[]): void {
    const onAbort = () => {
      if (this.#server === server) this.close()
    }
    for (const signal of signals) signal.addEventListener('abort', onAbort)
    server.once('close', () => {
      for (const signal of signals) signal.removeEventListener('abort', onAbort)
    })
  }
}

/** Closes the server and rejects if it fails or a signal aborts before. */
function listening(server: Server, listen: () => void, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      server.off('listening', onListening)
      server.off('error', fail)
      for (const signal of signals) signal.removeEventListener('abort', onAbort)
    }
    const onListening = () => {
      settle()
      resolve()
    }
    const fail = (error: Error) => {
      settle()
      server.close()
      reject(error)
    }
    const onAbort = () => {
      const aborted = signals.find(signal => signal.aborted)
      if (aborted) fail(abortReason(aborted))
    }
    server.on('listening', onListening)
    server.on('error', fail)
    for (const signal of signals) signal.addEventListener('abort', onAbort)
    listen()
  })
}

/** Node takes some options by being there, so those left out must not be. */
function listenAs(server: Server, options: TcpAcceptorOptions): void {
  const { port = 0, host, path, fd, handle, backlog, exclusive, ipv6Only, reusePort, readableAll, writableAll } = options
  if (handle) {
    server.listen(handle, backlog)
    return
  }
  const where = fd !== undefined ? { fd } : path !== undefined ? { path } : { port, host }
  const all = { ...where, backlog, exclusive, ipv6Only, reusePort, readableAll, writableAll }
  server.listen(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as ListenOptions)
}

/** An IPv4 address that came in over an IPv6 socket is an IPv4 address. */
function plain(address: string | undefined): string | undefined {
  const ip = parseAddress(address ?? '')
  return ip?.family === 4 ? ip.address : address
}
