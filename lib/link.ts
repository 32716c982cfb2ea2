// What users see of a link.

import { EventEmitter } from 'node:events'
import type { Duplex } from '#platform/stream'
import { type LinkConfig, type LinkConfigInput, resolveLinkConfig } from './config.ts'
import { type LinkStats, NO_LINK_STATS } from './engine/engine-link.ts'
import type { LinkCloseReason, NotWorkingReason } from './engine/events.ts'
import { DEFAULT_POLICY, type LinkPolicy, type LinkRole } from './engine/link-policy.ts'
import { resolveLinkPolicy } from './policy-options.ts'
import type { LinkTag } from './transports/transport.ts'

/** What a link asks of the connection that it belongs to. */
export interface LinkController {
  readonly working: boolean
  readonly notWorkingReason: NotWorkingReason | null
  readonly remotelyBlocked: boolean
  blocked: boolean
  config: LinkConfig
  policy: LinkPolicy
  readonly standby: boolean
  readonly quietMs: number
  stats(): LinkStats
  disconnect(): void
  drop(): void
}

export interface LinkEvents {
  /** The link works (again). */
  working: []
  /** The link is not used for data for now. */
  notworking: [reason: NotWorkingReason]
  /** `blocked` or `remotelyBlocked` changed. */
  blocked: []
  /** The link is gone; once, and the last event. */
  close: [reason: LinkCloseReason]
}

/**
 * One link of a bonded connection. Made by hawser; it exists from when its handshake has told who is at the other end,
 * so that filters can look at it.
 */
export class Link extends EventEmitter<LinkEvents> {
  /** Unique in this process. */
  readonly id: number
  /** Says transport, local and remote end; print it with `String(link.tag)`. */
  readonly tag: LinkTag
  readonly direction: 'incoming' | 'outgoing'
  /** The Duplex below. Reading it, writing to it or ending it breaks the link. */
  readonly stream: Duplex
  /** What the other side said about its end, at most 65,535 bytes. It comes from the network: never trust it. */
  readonly remoteUserData: Uint8Array
  #config: LinkConfig
  #controller: LinkController | undefined
  #policy: LinkPolicy = DEFAULT_POLICY
  #blocked = false
  #disconnectWanted = false
  #lastStats: LinkStats | undefined
  #disconnectReason: LinkCloseReason | null = null

  /** @internal */
  constructor(options: {
    tag: LinkTag
    direction: 'incoming' | 'outgoing'
    stream: Duplex
    remoteUserData: Uint8Array
    config: LinkConfig
  }) {
    super()
    this.id = ++lastId
    this.tag = options.tag
    this.direction = options.direction
    this.stream = options.stream
    this.remoteUserData = options.remoteUserData
    this.#config = options.config
  }

  /** Whether data may be sent over the link as far as is known. */
  get working(): boolean {
    return this.#controller?.working ?? false
  }

  /** Why not; `null` while it works. */
  get notWorkingReason(): NotWorkingReason | null {
    if (this.#controller) return this.#controller.notWorkingReason
    return this.#disconnectReason === null ? 'new' : 'disconnecting'
  }

  /** Whether this side lets no data pass. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Lets no data pass in either direction until `unblock`; the link stays up. */
  block(): void {
    this.#setBlocked(true)
  }

  unblock(): void {
    this.#setBlocked(false)
  }

  /** Whether the other side lets no data pass. */
  get remotelyBlocked(): boolean {
    return this.#controller?.remotelyBlocked ?? false
  }

  /** Configuration of this link. What is set is laid over the present values and holds at once. */
  get config(): LinkConfig {
    return this.#config
  }

  set config(input: LinkConfigInput) {
    this.#config = resolveLinkConfig(input, this.#config)
    if (this.#controller) this.#controller.config = this.#config
  }

  /**
   * What the link is used for: `'primary'`; `'secondary'`, for what the primaries do not carry away in 50 ms; `'backup'`, while
   * no link of another role is usable; `'never'`, for control messages only. It holds at once, as the following do.
   *
   * @throws {HawserError} `ERR_INVALID_ARG_VALUE` for another role
   */
  get role(): LinkRole {
    return this.#policy.role
  }

  set role(role: LinkRole) {
    this.policy = resolveLinkPolicy({ role }, this.#policy)
  }

  /** Counts the link as so many times quicker than it is where links are compared; more than 0. */
  get weight(): number {
    return this.#policy.weight
  }

  set weight(weight: number) {
    this.policy = resolveLinkPolicy({ weight }, this.#policy)
  }

  /** Most bytes per second of data that this side sends on the link, framing included, acks not; `null`: no limit. */
  get rateLimit(): number | null {
    return this.#policy.rateLimit
  }

  set rateLimit(rateLimit: number | null) {
    this.policy = resolveLinkPolicy({ rateLimit }, this.#policy)
  }

  /**
   * Bytes that the link may carry in all its life, both ways (`stats.bytesSent + stats.bytesReceived`); `null`: no limit. Once
   * they are spent the link carries control messages only, until the budget is raised.
   */
  get byteBudget(): number | null {
    return this.#policy.byteBudget
  }

  set byteBudget(byteBudget: number | null) {
    this.policy = resolveLinkPolicy({ byteBudget }, this.#policy)
  }

  /** Whether role, budget or schedule of this side keep the link from carrying data at the moment. */
  get standby(): boolean {
    return this.#controller?.standby ?? false
  }

  /** @internal All of them at once. */
  set policy(policy: LinkPolicy) {
    this.#policy = policy
    if (this.#controller) this.#controller.policy = policy
  }

  /** Statistics up to now; those of its end once the link is gone. */
  get stats(): LinkStats {
    return this.#controller?.stats() ?? this.#lastStats ?? { ...NO_LINK_STATS }
  }

  /** Why the link is gone; `null` while it is there. */
  get disconnectReason(): LinkCloseReason | null {
    return this.#disconnectReason
  }

  /** Removes the link in good order: what is in flight goes out elsewhere, nothing is lost. Resolves when it is gone. */
  disconnect(): Promise<void> {
    if (this.#disconnectReason !== null) return Promise.resolve()
    const gone = new Promise<void>(resolve => this.once('close', () => resolve()))
    this.#disconnectWanted = true
    this.#controller?.disconnect()
    return gone
  }

  /** @internal How long nothing has come. */
  get quietMs(): number {
    return this.#controller?.quietMs ?? Number.POSITIVE_INFINITY
  }

  /** @internal The link does not work and another one has taken its place: gone at once. */
  drop(): void {
    this.#controller?.drop()
  }

  /** @internal The link joined a connection. */
  attach(controller: LinkController): void {
    this.#controller = controller
    controller.config = this.#config
    controller.blocked = this.#blocked
    controller.policy = this.#policy
    if (this.#disconnectWanted) controller.disconnect()
  }

  /** @internal The link is gone, or will not join. */
  detach(reason: LinkCloseReason): void {
    if (this.#disconnectReason !== null) return
    this.#lastStats = this.stats
    this.#controller = undefined
    this.#disconnectReason = reason
    this.emit('close', reason)
    this.removeAllListeners()
  }

  #setBlocked(blocked: boolean): void {
    this.#blocked = blocked
    if (this.#controller) this.#controller.blocked = blocked
  }
}

let lastId = 0
