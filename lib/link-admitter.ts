// Decides about incoming links: which connection each belongs to, whether it may join, and what strangers may cost.

import type { Duplex } from '#platform/stream'
import { addressesOf } from './addresses.ts'
import type { Bond } from './bond.ts'
import { ClosedIds } from './closed-ids.ts'
import type { LinkConfig } from './config.ts'
import { HawserError } from './errors.ts'
import { HandshakeRate } from './handshake-rate.ts'
import type { Link } from './link.ts'
import { answersYes, LinkAdmission } from './link-admission.ts'
import { LinkChannel } from './link-channel.ts'
import { policyFor } from './policy-options.ts'
import { RefusedReason } from './protocol/messages.ts'
import { runForeign } from './run-foreign.ts'
import { type IncomingLink, ServerHandshake } from './server-handshake.ts'
import { checkedLimits, type DropInfo, type LinkRequest, type ServerOptions } from './server-options.ts'
import type { AcceptedSocket, Socket } from './socket.ts'
import { tlsIdentityOf } from './tls-identity.ts'
import type { LinkFilter, LinkTag } from './transports/transport.ts'

/** Of `maxHandshakes` one remote address may have this share. */
const HANDSHAKES_PER_ADDRESS_SHARE = 1 / 8
/** A connection without links that never had one that worked is dropped after this time. */
const UNUSED_MS = 10_000
const AUTHORIZE_TIMEOUT_MS = 10_000

export interface LinkAdmitterOptions {
  readonly serverId: Uint8Array
  readonly recvBuffer: number
  readonly linkConfig: LinkConfig
  /** So many links may be decided about at once. */
  readonly connectQueue: number
  readonly serverOptions: ServerOptions
  /** Makes the socket of a new connection. */
  readonly makeSocket: (id: string, observer: ConnectionObserver) => AcceptedSocket
  /** Whether new connections are accepted. */
  readonly isAccepting: () => boolean
  /** Whether the server has as many connections as its `maxConnections` allows. */
  readonly isFull: () => boolean
  readonly onConnection: (socket: Socket) => void
  readonly onLink: (link: Link, socket: Socket) => void
  readonly onLinkError: (error: Error, tag: LinkTag, socket: Socket | undefined) => void
  readonly onDrop: (info: DropInfo) => void
  /** A connection is over. */
  readonly onClosed: () => void
}

/** What is heard of a connection. */
export interface ConnectionObserver {
  linkClosed(link: Link): void
  linkError(error: Error, tag: LinkTag): void
  /** It is over, also for the peer. */
  closed(): void
}

/** An incoming link. */
export interface NewIncomingLink {
  readonly tag: LinkTag
  readonly userData?: Uint8Array | undefined
  readonly config?: LinkConfig | undefined
  readonly filter?: LinkFilter | undefined
  /** See `AddLinkOptions`. */
  readonly authenticated?: boolean | undefined
}

interface Connection {
  readonly id: string
  /** Made when the first link is let in: until then strangers cost no more than their handshakes. */
  accepted: AcceptedSocket | undefined
  readonly admission: LinkAdmission
  /** Fingerprint of the certificate that the first link came with, if any: links of nobody else may join. */
  readonly fingerprint: string | undefined
  /** Stands for one that is not there, which no link joins. */
  readonly phantom: boolean
  /** Links that are being decided about. */
  pendingLinks: number
  /** The application knows it. */
  announced: boolean
  /** Runs while it has no link and never had one that worked. */
  unusedTimer: ReturnType<typeof setTimeout> | undefined
}

export class LinkAdmitter {
  readonly #options: LinkAdmitterOptions
  readonly #limits: ReturnType<typeof checkedLimits>
  readonly #connections = new Map<string, Connection>()
  readonly #closedIds = new ClosedIds()
  /** Those under way, with the remote address. */
  readonly #handshakes = new Map<ServerHandshake, string | undefined>()
  /** Those that are being decided about, with what refuses them. */
  readonly #deciding = new Map<IncomingLink, (error: Error) => void>()
  readonly #rate = new HandshakeRate()

  constructor(options: LinkAdmitterOptions) {
    this.#options = options
    this.#limits = checkedLimits(options.serverOptions.limits)
  }

  /** Of the live connections that the application was told of. */
  get sockets(): readonly Socket[] {
    const sockets = [...this.#connections.values()].map(({ announced, accepted }) => (announced ? accepted?.socket : undefined))
    return sockets.filter(socket => socket !== undefined && !socket.destroyed) as Socket[]
  }

  /** Whether no connection is left, not even one whose socket is gone but whose last bytes are on their way. */
  get idle(): boolean {
    return this.#connections.size === 0
  }

  /** Ends the handshakes under way, but for links of live connections that are being decided about. */
  stop(): void {
    for (const handshake of [...this.#handshakes.keys()]) {
      if (!handshake.deciding) handshake.fail(new HawserError('ECONNABORTED', 'link-closed', 'the server was closed'))
    }
    for (const [incoming, refuse] of [...this.#deciding]) {
      if (!this.#find(incoming.connectionId)?.announced) refuse(refused(incoming, RefusedReason.NotListening))
    }
  }

  /** Runs the handshake on an incoming stream; resolves to the link once it joined a connection. */
  admit(stream: Duplex, options: NewIncomingLink): Promise<Link> {
    return new Promise((resolve, reject) => {
      let withdraw = () => {}
      let asked: IncomingLink | undefined
      let over = false
      const end = (): boolean => {
        if (over) return false
        over = true
        withdraw()
        this.#handshakes.delete(handshake)
        if (asked) this.#deciding.delete(asked)
        return true
      }
      const fail = (error: Error): void => {
        if (!end()) return
        reject(error)
        runForeign(() => this.#options.onLinkError(error, options.tag, undefined))
      }
      const channel = new LinkChannel(stream, NOBODY, options.authenticated ?? options.tag.authenticated)
      const handshake = new ServerHandshake(
        channel,
        {
          tag: options.tag,
          linkConfig: options.config ?? this.#options.linkConfig,
          serverId: this.#options.serverId,
          userData: options.userData ?? NO_USER_DATA,
          recvBuffer: this.#options.recvBuffer,
          timeoutMs: this.#limits.handshakeTimeout,
        },
        incoming => {
          const refuse = (error: Error) => {
            incoming.link.detach('locally-requested')
            fail(error)
          }
          if (this.#deciding.size >= this.#options.connectQueue) {
            refuse(refused(incoming, RefusedReason.ConnectionRefused))
            this.#drop(stream, options.tag)
            return
          }
          asked = incoming
          this.#deciding.set(incoming, refuse)
          this.#decide(incoming, options.filter, end).then(resolve, refuse)
        },
        fail,
      )
      channel.handler = handshake
      const obstacle = this.#obstacleTo(stream)
      this.#handshakes.set(handshake, remoteAddressOf(stream))
      if (obstacle) {
        handshake.fail(obstacle)
        this.#drop(stream, options.tag)
      } else withdraw = this.#rate.add(() => handshake.start())
    })
  }

  #obstacleTo(stream: Duplex): Error | undefined {
    const address = remoteAddressOf(stream)
    if (address !== undefined && this.#options.serverOptions.blockList?.check(address, address.includes(':') ? 'ipv6' : 'ipv4')) {
      return new HawserError('ECONNREFUSED', 'connection-refused', 'the address is blocked')
    }
    const { maxHandshakes } = this.#limits
    let same = 0
    for (const other of this.#handshakes.values()) if (address !== undefined && other === address) same++
    const mostOfSame = Math.max(1, Math.floor(maxHandshakes * HANDSHAKES_PER_ADDRESS_SHARE))
    if (this.#handshakes.size < maxHandshakes && same < mostOfSame) return undefined
    return new HawserError('ECONNREFUSED', 'connection-refused', 'too many handshakes at once')
  }

  #drop(stream: Duplex, tag: LinkTag): void {
    runForeign(() => this.#options.onDrop({ tag: String(tag), ...addressesOf(stream) }))
  }

  /**
   * A link for a connection that is not there takes the same way as one for a connection that is, up to the answer: whoever
   * guesses ids learns from nothing else whether one exists, and nothing at all if authorize or a filter says no.
   *
   * @param joined - called synchronously when the handshake has come to its end
   */
  async #decide(incoming: IncomingLink, filter: LinkFilter | undefined, joined: () => void): Promise<Link> {
    const { connectionId } = incoming
    const starts = !this.#find(connectionId) && !this.#isTooLate(incoming)
    if (starts) this.#checkStart(incoming)
    if (!(await this.#isAuthorized(incoming, starts))) throw refused(incoming, RefusedReason.LinkRefused)
    checkPending(incoming)
    // Another link of the same connection may have been accepted meanwhile, or the connection may have ended.
    const connection = this.#find(connectionId)
    const fingerprint = tlsIdentityOf(incoming.link.stream)?.fingerprint
    if (connection && connection.fingerprint !== fingerprint) throw refused(incoming, RefusedReason.LinkRefused)
    if (connection) return this.#join(connection, incoming, filter, joined)
    if (this.#isTooLate(incoming)) return this.#join(newConnection(connectionId, fingerprint, true), incoming, filter, joined)
    this.#checkStart(incoming)
    const started = newConnection(connectionId, fingerprint, false)
    this.#connections.set(connectionId, started)
    return this.#join(started, incoming, filter, joined)
  }

  /** It is for a connection that, if it ever was there, is over. */
  #isTooLate({ existing, connectionId }: IncomingLink): boolean {
    return existing || this.#closedIds.has(connectionId)
  }

  #checkStart(incoming: IncomingLink): void {
    if (!this.#options.isAccepting()) throw refused(incoming, RefusedReason.NotListening)
    if (this.#connections.size < this.#limits.maxConnections) return
    this.#drop(incoming.link.stream, incoming.link.tag)
    throw refused(incoming, RefusedReason.ConnectionRefused)
  }

  async #isAuthorized(incoming: IncomingLink, startsConnection: boolean): Promise<boolean> {
    const { authorize } = this.#options.serverOptions
    if (!authorize) return true
    const { tag, remoteUserData: userData, stream } = incoming.link
    const tls = tlsIdentityOf(stream)
    const request: LinkRequest = { tag, userData, startsConnection, remoteAddress: remoteAddressOf(stream), tls }
    return answersYes(() => authorize(request), AUTHORIZE_TIMEOUT_MS)
  }

  async #join(connection: Connection, incoming: IncomingLink, filter: LinkFilter | undefined, joined: () => void): Promise<Link> {
    const { admission } = connection
    if (linksOf(connection).length + connection.pendingLinks >= this.#limits.maxLinksPerConnection) {
      throw refused(incoming, RefusedReason.LinkRefused)
    }
    connection.pendingLinks++
    try {
      this.#applyPolicy(incoming)
      const filters = [filter, this.#options.serverOptions.linkFilter]
      if (!(await admission.admit(incoming.link, filters, () => incoming.pending)))
        throw refused(incoming, RefusedReason.LinkRefused)
      checkPending(incoming)
      if (connection.phantom || connection.accepted?.bond.closed) throw refused(incoming, RefusedReason.ConnectionClosed)
      joined()
      this.#accept(connection, incoming)
      return incoming.link
    } finally {
      admission.release(incoming.link)
      connection.pendingLinks--
      if (!connection.phantom && !connection.announced && connection.pendingLinks === 0) this.#discard(connection)
    }
  }

  /** Without the policy that was meant for it a link must not be used. */
  #applyPolicy(incoming: IncomingLink): void {
    const { link } = incoming
    try {
      link.policy = policyFor(link.tag, this.#options.serverOptions.linkPolicy)
    } catch (error) {
      refused(incoming, RefusedReason.LinkRefused)
      throw error
    }
  }

  #accept(connection: Connection, incoming: IncomingLink): void {
    const { link } = incoming
    connection.accepted ??= this.#makeAccepted(connection)
    const { socket, bond, linkJoined } = connection.accepted
    incoming.accept()
    bond.join(incoming)
    clearTimeout(connection.unusedTimer)
    runForeign(() => linkJoined(link, () => this.#announce(connection, socket, link)))
    if (!socket.destroyed) runForeign(() => this.#options.onLink(link, socket))
  }

  /** Synchronously with the first Accepted: what follows it finds its listeners. */
  #announce(connection: Connection, socket: Socket, link: Link): void {
    const full = this.#options.isFull()
    connection.announced = true
    if (full) {
      socket.destroy()
      this.#drop(link.stream, link.tag)
    } else this.#options.onConnection(socket)
  }

  #makeAccepted(connection: Connection): AcceptedSocket {
    const accepted = this.#options.makeSocket(connection.id, {
      linkClosed: () => this.#watchUnused(connection, accepted.bond),
      linkError: (error, tag) => this.#options.onLinkError(error, tag, accepted.socket),
      closed: () => {
        this.#forget(connection)
        this.#options.onClosed()
      },
    })
    return accepted
  }

  /** No link was let in. If there is a socket nobody knows it: it must not emit an error. */
  #discard(connection: Connection): void {
    if (connection.accepted) {
      connection.accepted.socket.destroy()
      connection.accepted.bond.abort('all-links-failed')
    } else {
      this.#forget(connection)
      this.#options.onClosed()
    }
  }

  /** Whoever connects and goes away at once must not cost a connection for as long as a client that may come back. */
  #watchUnused(connection: Connection, bond: Bond): void {
    if (bond.links.length > 0 || bond.used) return
    clearTimeout(connection.unusedTimer)
    connection.unusedTimer = setTimeout(() => bond.abort('all-links-failed'), UNUSED_MS)
    connection.unusedTimer.unref?.()
  }

  /** The connection with this id, unless it is over. */
  #find(id: string): Connection | undefined {
    const connection = this.#connections.get(id)
    if (!connection?.accepted?.bond.closed) return connection
    this.#forget(connection)
    return undefined
  }

  #forget(connection: Connection): void {
    const { id } = connection
    clearTimeout(connection.unusedTimer)
    if (this.#connections.get(id) !== connection) return
    this.#connections.delete(id)
    if (connection.announced) this.#closedIds.add(id)
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
      return new HawserError('ECONNREFUSED', 'connection-refused', 'too many connections, or links to decide about')
    default:
      return new HawserError(
        'ECONNREFUSED',
        'link-refused',
        'refused by a link filter or by authorize, for too many links, or for who asks',
      )
  }
}

function newConnection(id: string, fingerprint: string | undefined, phantom: boolean): Connection {
  const connection: Connection = {
    id,
    accepted: undefined,
    admission: new LinkAdmission(() => linksOf(connection)),
    fingerprint,
    phantom,
    pendingLinks: 0,
    announced: false,
    unusedTimer: undefined,
  }
  return connection
}

function linksOf({ accepted }: Connection): readonly Link[] {
  return accepted?.bond.links ?? []
}

function checkPending(incoming: IncomingLink): void {
  if (incoming.pending) return
  throw new HawserError('ECONNABORTED', 'link-closed', 'the client went away while the link was decided about')
}

function remoteAddressOf(stream: object): string | undefined {
  return (stream as { remoteAddress?: string }).remoteAddress
}
