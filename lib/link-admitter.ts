// Decides about incoming links: which connection each belongs to, whether it may join, and what strangers may cost.

import type { Duplex } from '#platform/stream'
import type { Bond } from './bond.ts'
import { ClosedIds } from './closed-ids.ts'
import type { Config, LinkConfig } from './config.ts'
import { HawserError } from './errors.ts'
import type { Link } from './link.ts'
import { LinkAdmission } from './link-admission.ts'
import { LinkChannel } from './link-channel.ts'
import { RefusedReason } from './protocol/messages.ts'
import type { DropInfo, LinkRequest, ServerOptions } from './server.ts'
import { type IncomingLink, ServerHandshake } from './server-handshake.ts'
import { Socket } from './socket.ts'
import type { LinkFilter, LinkTag } from './transports/transport.ts'

const DEFAULT_LIMITS = { handshakeTimeout: 10_000, maxHandshakes: 128, maxConnections: 1_024, maxLinksPerConnection: 32 }
/** Of `maxHandshakes` one remote address may have this share. */
const HANDSHAKES_PER_ADDRESS_SHARE = 1 / 8

export interface LinkAdmitterOptions {
  readonly serverId: Uint8Array
  readonly config: Config
  readonly serverOptions: ServerOptions
  /** Whether new connections are accepted. */
  readonly isListening: () => boolean
  /** Whether there are more connections than `maxConnections` of the server. */
  readonly isFull: () => boolean
  readonly onConnection: (socket: Socket) => void
  readonly onLink: (link: Link, socket: Socket) => void
  readonly onLinkError: (error: Error, tag: LinkTag, socket: Socket | undefined) => void
  readonly onDrop: (info: DropInfo) => void
  /** A connection is over. */
  readonly onClosed: () => void
}

/** An incoming link. */
export interface NewIncomingLink {
  readonly tag: LinkTag
  readonly userData?: Uint8Array | undefined
  readonly config?: LinkConfig | undefined
  readonly filter?: LinkFilter | undefined
}

interface Connection {
  readonly id: string
  readonly socket: Socket
  readonly bond: Bond
  readonly admission: LinkAdmission
  readonly onLink: (link: Link) => void
  /** Links that are being decided about. */
  pendingLinks: number
  /** The application knows it. */
  announced: boolean
}

export class LinkAdmitter {
  readonly #options: LinkAdmitterOptions
  readonly #limits: Required<NonNullable<ServerOptions['limits']>>
  readonly #connections = new Map<string, Connection>()
  readonly #closedIds = new ClosedIds()
  readonly #handshakes = new Map<ServerHandshake, string | undefined>()

  constructor(options: LinkAdmitterOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_LIMITS, ...options.serverOptions.limits }
  }

  /** The live connections. */
  get sockets(): readonly Socket[] {
    return Array.from(this.#connections.values(), connection => connection.socket)
  }

  /** Ends the handshakes under way. */
  stop(): void {
    for (const handshake of [...this.#handshakes.keys()]) {
      if (!handshake.deciding) handshake.fail(new HawserError('ECONNABORTED', 'link-closed', 'the server was closed'))
    }
  }

  /** Runs the handshake on an incoming stream; resolves to the link once it joined a connection. */
  admit(stream: Duplex, options: NewIncomingLink): Promise<Link> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        this.#handshakes.delete(handshake)
        this.#options.onLinkError(error, options.tag, undefined)
        reject(error)
      }
      const { tag, userData = NO_USER_DATA, config = this.#options.config.link } = options
      const channel = new LinkChannel(stream, NOBODY)
      const handshake = new ServerHandshake(
        channel,
        {
          tag,
          linkConfig: config,
          serverId: this.#options.serverId,
          userData,
          recvBuffer: this.#options.config.recvBuffer,
          timeoutMs: this.#limits.handshakeTimeout,
        },
        incoming => {
          this.#decide(incoming, options.filter)
            .finally(() => this.#handshakes.delete(handshake))
            .then(resolve, fail)
        },
        fail,
      )
      channel.handler = handshake
      const remoteAddress = addressOf(stream)
      const full = this.#isFullOfHandshakes(remoteAddress)
      this.#handshakes.set(handshake, remoteAddress)
      if (full) {
        this.#options.onDrop(dropInfo(stream, tag))
        handshake.fail(new HawserError('ECONNREFUSED', 'connection-refused', 'too many handshakes at once'))
      } else handshake.start()
    })
  }

  #isFullOfHandshakes(remoteAddress: string | undefined): boolean {
    const { maxHandshakes } = this.#limits
    if (this.#handshakes.size >= maxHandshakes) return true
    if (remoteAddress === undefined) return false
    let same = 0
    for (const address of this.#handshakes.values()) if (address === remoteAddress) same++
    return same >= Math.max(1, Math.floor(maxHandshakes * HANDSHAKES_PER_ADDRESS_SHARE))
  }

  async #decide(incoming: IncomingLink, filter: LinkFilter | undefined): Promise<Link> {
    const known = this.#connections.get(incoming.connectionId)
    if (!known) this.#checkStart(incoming)
    if (!(await this.#isAuthorized(incoming, !known))) throw refused(incoming, RefusedReason.LinkRefused)
    // Another link of the same connection may have been accepted meanwhile, or the connection may have ended.
    const connection = this.#connections.get(incoming.connectionId)
    if (connection) return this.#join(connection, incoming, filter)
    this.#checkStart(incoming)
    return this.#join(this.#makeConnection(incoming.connectionId), incoming, filter)
  }

  #checkStart(incoming: IncomingLink): void {
    if (incoming.existing || this.#closedIds.has(incoming.connectionId)) throw refused(incoming, RefusedReason.ConnectionClosed)
    if (!this.#options.isListening()) throw refused(incoming, RefusedReason.NotListening)
    if (this.#connections.size < this.#limits.maxConnections) return
    this.#options.onDrop(dropInfo(incoming.link.stream, incoming.link.tag))
    throw refused(incoming, RefusedReason.ConnectionRefused)
  }

  async #isAuthorized(incoming: IncomingLink, startsConnection: boolean): Promise<boolean> {
    const { authorize } = this.#options.serverOptions
    if (!authorize) return true
    const { link } = incoming
    const request = { tag: link.tag, userData: link.remoteUserData, startsConnection, remoteAddress: addressOf(link.stream) }
    // The time limit of the handshake covers an answer that never comes: the link is then no longer pending.
    return await authorize(request)
  }

  async #join(connection: Connection, incoming: IncomingLink, filter: LinkFilter | undefined): Promise<Link> {
    if (connection.bond.links.length + connection.pendingLinks >= this.#limits.maxLinksPerConnection) {
      throw refused(incoming, RefusedReason.LinkRefused)
    }
    connection.pendingLinks++
    try {
      if (!(await connection.admission.admit(incoming.link, this.#filters(filter))))
        throw refused(incoming, RefusedReason.LinkRefused)
      if (connection.bond.closed) throw refused(incoming, RefusedReason.ConnectionClosed)
      this.#accept(connection, incoming)
      return incoming.link
    } finally {
      connection.admission.release(incoming.link)
      connection.pendingLinks--
      if (!connection.announced && connection.pendingLinks === 0) connection.bond.abort('all-links-failed')
    }
  }

  #filters(filter: LinkFilter | undefined): readonly (LinkFilter | undefined)[] {
    return [filter, this.#options.serverOptions.linkFilter]
  }

  #accept(connection: Connection, incoming: IncomingLink): void {
    if (!incoming.pending)
      throw new HawserError('ECONNABORTED', 'link-closed', 'the client went away while the link was decided about')
    incoming.accept()
    connection.bond.join(incoming)
    connection.onLink(incoming.link)
    if (!connection.announced) this.#announce(connection, incoming.link)
    this.#options.onLink(incoming.link, connection.socket)
  }

  /** Synchronously with the first Accepted: what follows it finds its listeners. */
  #announce(connection: Connection, link: Link): void {
    connection.announced = true
    if (this.#options.isFull()) {
      this.#options.onDrop(dropInfo(link.stream, link.tag))
      connection.socket.destroy()
      return
    }
    if (this.#options.serverOptions.pauseOnConnect) connection.socket.pause()
    this.#options.onConnection(connection.socket)
  }

  #makeConnection(id: string): Connection {
    const { socket, bond, onLink } = Socket.accepted(this.#options.serverOptions, this.#options.config, id, () => {
      if (!this.#connections.delete(id)) return
      if (connection.announced) this.#closedIds.add(id)
      this.#options.onClosed()
    })
    const admission = new LinkAdmission(() => bond.links)
    const connection: Connection = { id, socket, bond, onLink, admission, pendingLinks: 0, announced: false }
    this.#connections.set(id, connection)
    return connection
  }
}

const NO_USER_DATA = new Uint8Array(0)
const NOBODY = { message() {}, batchEnd() {}, drained() {}, closed() {} }

/** Tells the client, and makes the error that tells this side. */
function refused(incoming: IncomingLink, reason: RefusedReason): HawserError {
  if (incoming.pending) incoming.refuse(reason)
  switch (reason) {
    case RefusedReason.ConnectionClosed:
      return new HawserError('ECONNREFUSED', 'link-closed', 'a link for a connection that is closed or unknown')
    case RefusedReason.NotListening:
      return new HawserError('ECONNREFUSED', 'not-listening', 'a connection while not listening')
    case RefusedReason.ConnectionRefused:
      return new HawserError('ECONNREFUSED', 'connection-refused', 'too many connections')
    default:
      return new HawserError('ECONNREFUSED', 'link-refused', 'refused by a link filter, by authorize or for too many links')
  }
}

function addressOf(stream: Duplex): string | undefined {
  return (stream as { remoteAddress?: string }).remoteAddress
}

function dropInfo(stream: Duplex, tag: LinkTag): DropInfo {
  const { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily } = stream as Partial<Socket>
  return { tag: String(tag), localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily }
}
