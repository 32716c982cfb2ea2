// One link as the engine sees it: its state, what it owes the peer, what it has in flight.

import type { LinkConfig } from '../config.ts'
import { assert } from './assert.ts'
import type { LinkCloseReason, NotWorkingReason } from './events.ts'
import { Fifo } from './fifo.ts'
import type { Flight } from './flight.ts'
import { IntervalStatistics, type IntervalStats } from './interval-statistics.ts'
import { DEFAULT_POLICY, type LinkPolicy, type LinkRole } from './link-policy.ts'
import { PathModel } from './path-model.ts'
import { RateLimiter } from './rate-limiter.ts'
import type { MessageDemand, ScheduledLink } from './schedulers/scheduler.ts'
import { SequenceQueue } from './sequence-queue.ts'

export type LinkStatus =
  /** Carries no reliable messages until a test or its own late acks show that it works. */
  | { readonly kind: 'unconfirmed'; readonly reason: NotWorkingReason; readonly sinceMs: number }
  | { readonly kind: 'working' }
  /** Still counts as working, but its answers are overdue: what it holds goes out elsewhere, too. */
  | { readonly kind: 'suspect' }
  /** Says Goodbye. */
  | { readonly kind: 'leaving'; readonly initiator: 'local' | 'remote'; readonly sinceMs: number }
  | { readonly kind: 'closed'; readonly reason: LinkCloseReason }

const LEGAL_MOVES: Record<LinkStatus['kind'], readonly LinkStatus['kind'][]> = {
  unconfirmed: ['unconfirmed', 'working', 'leaving', 'closed'],
  working: ['unconfirmed', 'suspect', 'leaving', 'closed'],
  suspect: ['unconfirmed', 'working', 'leaving', 'closed'],
  leaving: ['closed'],
  closed: [],
}

export type LinkTest =
  | { readonly kind: 'idle' }
  /** Test data goes out, then a ping. */
  | { readonly kind: 'running'; readonly bytesLeft: number }
  | { readonly kind: 'failed'; readonly retryMs: number }

/** Statistics of one link; speeds in bytes per second, times in ms. */
export interface LinkStats {
  /** When the link joined, on the clock that drives the engine; `null` before. */
  readonly established: number | null
  /** Bytes, framing included. */
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Bytes sent and not yet acknowledged on this link, framing included. */
  readonly inFlight: number
  /** Most bytes that the link may have in flight now. */
  readonly window: number
  readonly roundTrip: number
  readonly minRoundTrip: number
  readonly deliveryRate: number
  /** How often the link stopped working. */
  readonly hangs: number
  /** Messages that went out again elsewhere because this link held them. */
  readonly resent: number
  readonly intervals: readonly IntervalStats[]
}

/** Of a link that has not joined. */
export const NO_LINK_STATS: LinkStats = {
  established: null,
  bytesSent: 0,
  bytesReceived: 0,
  inFlight: 0,
  window: 0,
  roundTrip: 0,
  minRoundTrip: 0,
  deliveryRate: 0,
  hangs: 0,
  resent: 0,
  intervals: [],
}

/** Why policy keeps a link from carrying reliable messages: not at all, because another link does, because it must not. */
export type Standby = 'no' | 'other-link' | 'never'

/** Test data that comes so long after the link began to work here does not belong to its first test. */
const RETEST_AFTER_MS = 1_000

let lastId = 0

export class EngineLink implements ScheduledLink {
  /** Unique in this process unless the driver said another. */
  readonly id: number
  readonly path: PathModel
  readonly establishedMs: number
  /** A checksum guards its messages. */
  readonly checksummed: boolean
  /** What the driver calls it. */
  readonly #tag: { toString(): string } | undefined
  #config: LinkConfig
  #policy: LinkPolicy = DEFAULT_POLICY
  #limiter: RateLimiter | undefined
  /** The message at hand, for the questions of schedulers. */
  readonly #demand: MessageDemand
  /** The message for which `arrival` was last asked, and what it was. */
  #arrivalOf = -1
  #arrival = 0

  #status: LinkStatus
  test: LinkTest = { kind: 'idle' }

  /** The Duplex takes more. */
  writable = true
  /** Since when it does not. */
  stuckSinceMs = 0

  /** When the peer last tested it although it had worked here for long, and sent nothing over it since. */
  retestedMs = Number.NEGATIVE_INFINITY
  /** When it, or another link to the same end, first worked. */
  workingSinceMs: number | undefined
  /** Payload bytes that it was the first to carry. */
  carriedBytes = 0
  /** Those of all links before it carried any. */
  carriedBefore: number | undefined

  /** Transmissions not acknowledged on this link, oldest first: links and acks are ordered. */
  readonly flights = new Fifo<Flight>()
  /** Sequence numbers to be acknowledged, in order of receipt. */
  readonly acksOwed = new SequenceQueue()

  pongOwed = false
  /** A ping shall go out, since when; or is out, see `pingSentMs`. */
  pingAskedMs: number | undefined
  /** When the ping that is not answered yet went out. */
  pingSentMs: number | undefined
  lastPingMs: number
  lastSentMs: number
  /** Last ack or pong. */
  progressMs: number
  /** Anything. */
  lastReceivedMs: number
  /** Last data. */
  broughtMs = Number.NEGATIVE_INFINITY
  /** Latest time at which something was sent that has been answered. */
  provenMs = 0
  /** When it last answered after a silence. */
  resumedMs = Number.NEGATIVE_INFINITY
  /** When the event loop had stood still and the link got more time to answer, and how much. */
  excusedAtMs = Number.NEGATIVE_INFINITY
  excusedMs = 0

  /** By the application. */
  blocked = false
  standby: Standby = 'no'
  /** Policy wants the peer to send nothing here. */
  heldBack = false
  /** Whether the peer was last told that the link is blocked, whoever wants it. */
  blockAnnounced = false
  remotelyBlocked = false
  goodbyeSent = false
  goodbyeReceived = false

  readonly #intervals: IntervalStatistics
  #bytesSent = 0
  #bytesReceived = 0
  hangs = 0
  resent = 0

  constructor(
    config: LinkConfig,
    roundTripMs: number,
    statsIntervalsMs: readonly number[],
    nowMs: number,
    checksummed: boolean,
    demand: MessageDemand,
    name: { readonly id?: number | undefined; readonly tag?: { toString(): string } | undefined } = {},
  ) {
    this.id = name.id ?? ++lastId
    this.#tag = name.tag
    this.#config = config
    this.#demand = demand
    this.path = new PathModel(config, roundTripMs, nowMs)
    this.establishedMs = nowMs
    this.checksummed = checksummed
    this.lastPingMs = nowMs
    this.lastSentMs = nowMs
    this.progressMs = nowMs
    this.lastReceivedMs = nowMs
    this.#status = { kind: 'unconfirmed', reason: 'new', sinceMs: nowMs }
    this.#intervals = new IntervalStatistics(statsIntervalsMs, nowMs)
  }

  get config(): LinkConfig {
    return this.#config
  }

  set config(config: LinkConfig) {
    this.#config = config
    this.path.config = config
  }

  get policy(): LinkPolicy {
    return this.#policy
  }

  set policy(policy: LinkPolicy) {
    const { rateLimit } = policy
    if (rateLimit !== this.#policy.rateLimit) {
      this.#limiter = rateLimit === null ? undefined : new RateLimiter(rateLimit / 1_000)
      this.path.limitBytesPerMs = this.#limiter?.bytesPerMs ?? Number.POSITIVE_INFINITY
    }
    this.#policy = policy
  }

  get byteBudget(): number | null {
    return this.#policy.byteBudget
  }

  /** Its role, or `never` once its budget is spent. */
  get duty(): LinkRole {
    const { role, byteBudget } = this.#policy
    return byteBudget !== null && this.totalBytes >= byteBudget ? 'never' : role
  }

  get status(): LinkStatus {
    return this.#status
  }

  /** The only place where the state changes. */
  moveTo(status: LinkStatus): void {
    assert(LEGAL_MOVES[this.#status.kind].includes(status.kind), `link ${this.id}: ${this.#status.kind} to ${status.kind}`)
    this.#status = status
    this.test = { kind: 'idle' }
  }

  get working(): boolean {
    return this.#status.kind === 'working' || this.#status.kind === 'suspect'
  }

  get closed(): boolean {
    return this.#status.kind === 'closed'
  }

  get notWorkingReason(): NotWorkingReason | null {
    if (this.#status.kind === 'unconfirmed') return this.#status.reason
    return this.#status.kind === 'leaving' ? 'disconnecting' : null
  }

  /** May carry reliable messages now, as far as its state goes. */
  get usable(): boolean {
    return this.#status.kind === 'working' && !this.blocked && !this.remotelyBlocked
  }

  /** What is in flight here still counts as being on its way. */
  get trusted(): boolean {
    return this.#status.kind === 'working'
  }

  /** After so long without an answer it counts as not working. */
  get ackTimeoutMs(): number {
    const { ackTimeoutMin, ackTimeoutFactor, ackTimeoutMax } = this.#config
    return Math.min(Math.max(ackTimeoutMin, ackTimeoutFactor * this.path.roundTripMs), ackTimeoutMax)
  }

  /** Whether a message of so many bytes may go out now. */
  isOpenFor(bytes: number, nowMs: number): boolean {
    return this.writable && this.path.isOpen(bytes, nowMs) && !(this.limitedUntilMs > nowMs)
  }

  /** Test data came: of a link that has worked for a second the peer thinks otherwise. */
  noteTest(nowMs: number): void {
    if (this.workingSinceMs !== undefined && nowMs >= this.workingSinceMs + RETEST_AFTER_MS) this.retestedMs = nowMs
  }

  /** Until when the rate limit lets nothing through; in the past if it does. */
  get limitedUntilMs(): number {
    return this.#limiter?.nextMs ?? Number.NEGATIVE_INFINITY
  }

  /** A reliable message goes out. What the link sends for itself is not limited: it could leave nothing for the others. */
  chargeLimit(bytes: number, nowMs: number): void {
    this.#limiter?.charge(bytes, nowMs)
  }

  // ---- for schedulers

  get tag(): string {
    return String(this.#tag)
  }

  get role(): LinkRole {
    return this.#policy.role
  }

  get weight(): number {
    return this.#policy.weight
  }

  get open(): boolean {
    return this.isOpenFor(this.#messageBytes, this.#demand.nowMs)
  }

  get arrival(): number {
    const { number } = this.#demand
    if (this.#arrivalOf !== number) {
      this.#arrivalOf = number
      this.#arrival = this.#arrivalMs(this.#messageBytes)
    }
    return this.#arrival
  }

  get ready(): number {
    return this.#arrivalMs(0)
  }

  get arrivalDeviation(): number {
    return this.path.predictionDeviationMs
  }

  get inFlight(): number {
    return this.path.inFlightBytes
  }

  get window(): number {
    return this.path.windowBytes(this.#demand.nowMs)
  }

  get deliveryRate(): number {
    return Math.min(this.path.rateBytesPerMs, this.path.limitBytesPerMs) * 1_000
  }

  get roundTrip(): number {
    return this.path.roundTripMs
  }

  get roundTripDeviation(): number {
    return this.path.roundTripDeviationMs
  }

  get minRoundTrip(): number {
    return this.path.minRoundTripMs
  }

  get #messageBytes(): number {
    const { mostBytes, overheadBytes } = this.#demand
    return Math.min(mostBytes, this.path.chunkBytes()) + overheadBytes
  }

  #arrivalMs(bytes: number): number {
    const { nowMs } = this.#demand
    const limitedMs = Math.max(0, this.limitedUntilMs - nowMs)
    return this.path.arrivalMs(bytes, nowMs, this.#policy.weight) + this.stuckMs(nowMs) + limitedMs
  }

  // ---- counting

  /** Bytes sent and received, framing included. */
  get totalBytes(): number {
    return this.#bytesSent + this.#bytesReceived
  }

  /** How long the Duplex below has taken nothing; it is as likely as not to go on for as long again. */
  stuckMs(nowMs: number): number {
    return this.writable ? 0 : nowMs - this.stuckSinceMs
  }

  recordSent(bytes: number, nowMs: number): void {
    this.#bytesSent += bytes
    this.lastSentMs = nowMs
    this.#intervals.record(bytes, 0, nowMs)
  }

  recordReceived(bytes: number, nowMs: number): void {
    this.#bytesReceived += bytes
    this.lastReceivedMs = nowMs
    this.#intervals.record(0, bytes, nowMs)
  }

  recordIdle(nowMs: number): void {
    this.#intervals.idle(nowMs)
  }

  stats(nowMs: number): LinkStats {
    return {
      established: this.establishedMs,
      bytesSent: this.#bytesSent,
      bytesReceived: this.#bytesReceived,
      inFlight: this.path.inFlightBytes,
      window: this.path.windowBytes(nowMs),
      roundTrip: this.path.roundTripMs,
      minRoundTrip: this.path.minRoundTripMs,
      deliveryRate: this.path.rateBytesPerMs * 1_000,
      hangs: this.hangs,
      resent: this.resent,
      intervals: this.#intervals.last(nowMs),
    }
  }
}
