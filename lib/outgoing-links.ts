// The links of an outgoing connection: dials what the transports name, shakes hands, keeps to one server.

import { now } from '#platform/loop'
import type { Duplex } from '#platform/stream'
import type { Bond } from './bond.ts'
import { type AcceptedLink, ClientHandshake } from './client-handshake.ts'
import type { Config, LinkConfig } from './config.ts'
import { checkDuplex } from './duplex-check.ts'
import { HawserError } from './errors.ts'
import type { Link } from './link.ts'
import { LinkAdmission } from './link-admission.ts'
import { LinkChannel } from './link-channel.ts'
import { type LinkPolicyOption, policyFor } from './policy-options.ts'
import { MessageType } from './protocol/messages.ts'
import { setReferenced } from './set-referenced.ts'
import { type DialedLink, Dialer, MAX_TAGS } from './transports/dialer.ts'
import type { ConnectTransport, LinkFilter, LinkTag } from './transports/transport.ts'

export interface OutgoingLinksOptions {
  readonly bond: Bond
  /** 16 bytes. */
  readonly connectionId: Uint8Array
  readonly config: Config
  readonly transports: readonly ConnectTransport[]
  readonly linkFilter: LinkFilter | undefined
  readonly linkPolicy: LinkPolicyOption | undefined
  readonly reconnectDelay: number | undefined
  /** A link joined; synchronously with its Accepted. */
  readonly onLink: (link: Link) => void
  /** A link could not be made; never fatal by itself. */
  readonly onLinkError: (error: Error, tag: LinkTag | undefined) => void
  /** Every link that was tried has failed and none ever joined. */
  readonly onInitialFailure: (errors: readonly Error[]) => void
}

/** How a link is to be added. */
export interface NewLink {
  readonly tag: LinkTag
  readonly userData?: Uint8Array | undefined
  readonly config?: LinkConfig | undefined
  readonly filter?: LinkFilter | undefined
  readonly signal?: AbortSignal | undefined
  /** See `AddLinkOptions`. */
  readonly authenticated?: boolean | undefined
}

/** As long as the sender doubts newcomers. */
const KNOWN_AFTER_MS = 1_000

export class OutgoingLinks {
  readonly #options: OutgoingLinksOptions
  readonly #admission: LinkAdmission
  readonly #dialer: Dialer | undefined
  /** Those under way, and their streams. */
  readonly #handshakes = new Map<ClientHandshake, Duplex>()
  /** 32 hex digits, of the server that accepted the first link. */
  #serverId: string | undefined
  #stopped = false
  #referenced = true
  /** Links given by hand that are still being tried while none has joined, and what became of the others. */
  #trying = 0
  #dialerFailed: boolean
  readonly #errors: Error[] = []
  /** When a link of a tag first worked, by its key. */
  readonly #workedSinceMs = new Map<string, number>()

  constructor(options: OutgoingLinksOptions) {
    this.#options = options
    this.#admission = new LinkAdmission(() => options.bond.links)
    this.#dialerFailed = options.transports.length === 0
    if (options.transports.length > 0) {
      this.#dialer = new Dialer({
        transports: options.transports,
        reconnectDelay: options.reconnectDelay,
        establish: (stream, tag, transport, signal) => this.#dialed(stream, tag, transport, signal),
        onError: (error, tag) => options.onLinkError(error, tag),
        onInitialFailure: errors => {
          this.#dialerFailed = true
          this.#errors.push(...errors)
          this.#judgeInitialFailure()
        },
      })
    }
  }

  /** Whether a link was ever accepted. */
  get established(): boolean {
    return this.#serverId !== undefined
  }

  start(): void {
    this.#dialer?.start()
  }

  /** No new links from here on, but for one that the server may already have accepted. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    for (const handshake of [...this.#handshakes.keys()]) handshake.abandon()
    this.#dialer?.stop()
    this.#abortIfUnused()
  }

  /** The application is gone: a connection that never came about ends, another lives on until all is delivered. */
  linger(): void {
    // If the process ends before the server has answered the server finds out by itself.
    this.referenced = false
    if (!this.established) this.stop()
  }

  /** Whether timers and handshakes keep the process alive. */
  set referenced(referenced: boolean) {
    this.#referenced = referenced
    if (referenced) this.#dialer?.ref()
    else this.#dialer?.unref()
    for (const stream of this.#handshakes.values()) setReferenced(stream, referenced)
  }

  /** Makes a link of a Duplex that comes from elsewhere. */
  async add(stream: Duplex | PromiseLike<Duplex>, options: NewLink): Promise<Link> {
    this.#trying++
    try {
      // Without waiting for what is there already: it may fail any moment, and must find a listener.
      return await this.#establish(isPromise(stream) ? await stream : stream, options)
    } catch (error) {
      const known = error instanceof Error ? error : new Error(String(error))
      if (!this.established) this.#errors.push(known)
      this.#options.onLinkError(known, options.tag)
      throw known
    } finally {
      this.#trying--
      this.#judgeInitialFailure()
    }
  }

  async #dialed(stream: Duplex, tag: LinkTag, transport: ConnectTransport, signal: AbortSignal): Promise<DialedLink> {
    const filter: LinkFilter | undefined = transport.filter?.bind(transport)
    const link = await this.#establish(stream, { tag, userData: tag.userData, filter, signal })
    return {
      closed: link.disconnectReason === null ? new Promise(resolve => link.once('close', resolve)) : Promise.resolve(),
      watch: watcher => {
        link.on('notworking', reason => {
          if (reason === 'ack-timeout') watcher.silent(link.stats.roundTrip)
        })
        link.on('working', () => watcher.working())
        if (link.working) watcher.working()
      },
      get silenceLeftMs() {
        return link.config.ackTimeoutMin / 2 - link.quietMs
      },
      drop: () => link.drop(),
    }
  }

  #establish(stream: Duplex, options: NewLink): Promise<Link> {
    return new Promise((resolve, reject) => {
      checkDuplex(stream)
      const { tag, userData = NO_USER_DATA, config = this.#options.config.link, filter, signal } = options
      const channel = new LinkChannel(stream, NOBODY, options.authenticated ?? tag.authenticated)
      const done = () => {
        this.#handshakes.delete(handshake)
        signal?.removeEventListener('abort', abandon)
      }
      const failed = (error: Error) => {
        if (asked) this.#admission.release(asked)
        asked?.detach('locally-requested')
        this.#judgeRefusal(error)
        this.#abortIfUnused()
        reject(error)
      }
      let asked: Link | undefined
      const handshake = new ClientHandshake(
        channel,
        {
          tag,
          linkConfig: config,
          connectionId: this.#options.connectionId,
          userData,
          recvBuffer: this.#options.config.recvBuffer,
          timeoutMs: config.pingTimeout,
          isExisting: () => this.established,
          checkServer: serverId => this.#checkServer(serverId),
          admit: link => {
            asked = link
            link.policy = policyFor(tag, this.#options.linkPolicy)
            return this.#admission.admit(link, [filter, this.#options.linkFilter])
          },
        },
        accepted => {
          const { link } = accepted
          done()
          const obstacle = this.#obstacleTo(accepted)
          if (obstacle) {
            this.#sendAway(accepted)
            failed(obstacle)
            return
          }
          this.#serverId ??= accepted.serverId
          this.#options.bond.join({ ...accepted, known: this.#isKnown(tag) })
          this.#noteWorking(link)
          this.#admission.release(link)
          resolve(link)
          this.#options.onLink(link)
        },
        error => {
          done()
          failed(error)
        },
      )
      const abandon = () => handshake.abandon()
      this.#handshakes.set(handshake, stream)
      if (!this.#referenced) setReferenced(stream, false)
      channel.handler = handshake
      if (this.#stopped || signal?.aborted) handshake.abandon()
      else signal?.addEventListener('abort', abandon)
    })
  }

  /** Links of this tag have worked for so long that one more gets its whole share at once. */
  #isKnown({ key }: LinkTag): boolean {
    const sinceMs = this.#workedSinceMs.get(key)
    return sinceMs !== undefined && now() - sinceMs >= KNOWN_AFTER_MS
  }

  #noteWorking(link: Link): void {
    const { key } = link.tag
    link.once('working', () => {
      if (!this.#workedSinceMs.has(key) && this.#workedSinceMs.size < MAX_TAGS) this.#workedSinceMs.set(key, now())
    })
    link.once('close', () => {
      if (!this.#isKnown(link.tag)) this.#workedSinceMs.delete(key)
    })
  }

  #obstacleTo({ serverId }: AcceptedLink): Error | undefined {
    if (this.#options.bond.closed) {
      return new HawserError('ECONNABORTED', 'link-closed', 'the connection was closed during the handshake')
    }
    return this.#isWrongServer(serverId) ? wrongServer() : undefined
  }

  /** The server holds a connection for which nobody is here, unless that one ended in good order, which it finds out itself. */
  #sendAway({ channel }: AcceptedLink): void {
    const { closed, failure } = this.#options.bond
    if (!closed || failure) channel.send({ type: MessageType.Terminate })
    channel.end()
  }

  #checkServer(serverId: string): void {
    if (this.#isWrongServer(serverId)) throw wrongServer()
  }

  #isWrongServer(serverId: string): boolean {
    return this.#serverId !== undefined && this.#serverId !== serverId
  }

  /** The wrong server on one path, or a server that forgot the connection, matters only while no link works or may soon. */
  #judgeRefusal(error: Error): void {
    const reason = error instanceof HawserError ? error.reason : undefined
    if (reason !== 'server-id-mismatch' && reason !== 'aborted-by-server') return
    const { links } = this.#options.bond
    if (!this.established) return
    if (links.some(link => link.working || link.notWorkingReason === 'new')) {
      // A link over which nothing goes would count as working for ever if nothing pings it.
      this.#options.bond.probeLinks()
      return
    }
    if (reason === 'server-id-mismatch' && !this.#options.config.disconnectOnServerIdMismatch) return
    this.#options.bond.serverLost(reason)
  }

  /** Stopped before any link joined: once no server can have accepted one there is nobody to say goodbye to. */
  #abortIfUnused(): void {
    if (this.#stopped && !this.established && this.#handshakes.size === 0) this.#options.bond.abort('all-links-failed')
  }

  #judgeInitialFailure(): void {
    if (this.established || this.#stopped || this.#trying > 0 || !this.#dialerFailed) return
    this.#options.onInitialFailure(this.#errors)
  }
}

function wrongServer(): HawserError {
  const text = 'another server answered than the one the connection began with'
  return new HawserError('ECONNRESET', 'server-id-mismatch', text)
}

function isPromise(value: Duplex | PromiseLike<Duplex>): value is PromiseLike<Duplex> {
  return typeof (value as PromiseLike<Duplex>).then === 'function'
}

const NO_USER_DATA = new Uint8Array(0)
const NOBODY = { message() {}, batchEnd() {}, drained() {}, closed() {} }
