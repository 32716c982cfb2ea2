// One link as the reference sees it. It carries what drivers ask of a link of an engine, too.

import type { LinkConfig } from '../../../lib/config.ts'
import type { EngineLink, LinkStats, LinkStatus } from '../../../lib/engine/engine-link.ts'
import type { NotWorkingReason } from '../../../lib/engine/events.ts'
import { Queue } from '../queue.ts'
import type { SentReliable } from './reference-sender.ts'
import type { ReferenceVersion } from './reference-version.ts'

/** Bytes in flight that a new link may have. */
const FIRST_LIMIT_BYTES = 8_192
/** An ack on a link that was full makes its limit larger by this share. */
const LIMIT_GROWTH = 0.05

export type ReferenceLinkState = 'unconfirmed' | 'working' | 'leaving' | 'closed'

/** A message that the link carried and that was not acknowledged on it yet. */
interface Carried {
  readonly sent: SentReliable
  readonly sentMs: number
  readonly isResend: boolean
}

export class ReferenceLink {
  config: LinkConfig
  state: ReferenceLinkState = 'unconfirmed'
  reason: NotWorkingReason = 'new'
  unconfirmedSinceMs: number
  writable = true
  stuckSinceMs = 0
  blocked = false
  blockAnnounced = false
  remotelyBlocked = false
  /** Sequence numbers, in order of receipt; they wait to be flushed. */
  readonly acksOwed = new Queue<number>()
  oldestAckMs = 0
  pongOwed = false
  pingSentMs: number | undefined
  lastSentMs: number
  /** Bytes of test data that go out before the ping; `undefined`: no test is running. */
  testBytesLeft: number | undefined
  retestMs: number | undefined
  goodbyeSent = false
  goodbyeReceived = false
  terminateOwed = false
  limitBytes = FIRST_LIMIT_BYTES

  readonly #version: ReferenceVersion
  readonly #establishedMs: number
  readonly #carried = new Queue<Carried>()
  #roundTripMs: number
  #roundTripSamples = 0
  #unackedBytes = 0
  #wasFull = false

  constructor(version: ReferenceVersion, config: LinkConfig, roundTripMs: number, nowMs: number) {
    this.#version = version
    this.config = config
    this.#roundTripMs = roundTripMs
    this.#establishedMs = nowMs
    this.unconfirmedSinceMs = nowMs
    this.lastSentMs = nowMs
  }

  get closed(): boolean {
    return this.state === 'closed'
  }

  get working(): boolean {
    return this.state === 'working'
  }

  get status(): LinkStatus {
    const sinceMs = this.unconfirmedSinceMs
    switch (this.state) {
      case 'unconfirmed':
        return { kind: this.state, reason: this.reason, sinceMs }
      case 'leaving':
        return { kind: this.state, initiator: 'local', sinceMs }
      case 'closed':
        return { kind: this.state, reason: 'connection-closed' }
      default:
        return { kind: this.state }
    }
  }

  get notWorkingReason(): NotWorkingReason | null {
    if (this.state === 'unconfirmed') return this.reason
    return this.state === 'leaving' ? 'disconnecting' : null
  }

  get roundTripMs(): number {
    return this.#roundTripMs
  }

  /** Takes a reliable message now. */
  get ready(): boolean {
    if (!this.working || !this.writable || this.blocked || this.remotelyBlocked) return false
    if (this.#unackedBytes < this.limitBytes) return true
    this.#wasFull = true
    return false
  }

  carry(sent: SentReliable, isResend: boolean, nowMs: number): void {
    this.#carried.push({ sent, sentMs: nowMs, isResend })
    this.#unackedBytes += sent.bytes
  }

  /** The messages of which it still expects an ack here. */
  get awaitsAcks(): boolean {
    return this.#carried.length > 0
  }

  /** Takes an ack in; the message, if it is the next one of which an ack is due here. */
  acknowledged(sequence: number, nowMs: number): SentReliable | undefined {
    const next = this.#carried.peek()
    if (next?.sent.sequence !== sequence) return undefined
    this.#carried.shift()
    this.#unackedBytes -= next.sent.bytes
    this.measured(nowMs - next.sentMs)
    if (this.#wasFull) this.limitBytes = Math.min(this.limitBytes * (1 + LIMIT_GROWTH), this.config.windowLimit)
    this.#wasFull = false
    return next.sent
  }

  measured(roundTripMs: number): void {
    this.#roundTripMs = this.#roundTripSamples++ === 0 ? roundTripMs : this.#roundTripMs * 0.9 + roundTripMs * 0.1
  }

  /** When the oldest message without an ack makes the link one that does not work. */
  get ackDeadlineMs(): number {
    const oldest = this.#carried.peek()
    if (!oldest) return Number.POSITIVE_INFINITY
    const { ackTimeoutFactor, ackTimeoutUnsureFactor, ackTimeoutMinMs, ackTimeoutMaxMs, flushDelayMs } = this.#version
    let factor = ackTimeoutFactor
    if (oldest.isResend) factor *= ackTimeoutUnsureFactor
    if (this.#roundTripSamples < 8) factor *= ackTimeoutUnsureFactor
    return oldest.sentMs + Math.min(Math.max(ackTimeoutMinMs, factor * this.#roundTripMs), ackTimeoutMaxMs) + flushDelayMs
  }

  stats(): LinkStats {
    const roundTrip = this.#roundTripMs
    return {
      established: this.#establishedMs,
      bytesSent: 0,
      bytesReceived: 0,
      inFlight: this.#unackedBytes,
      window: this.limitBytes,
      roundTrip,
      minRoundTrip: roundTrip,
      deliveryRate: 0,
      hangs: 0,
      resent: 0,
      intervals: [],
    }
  }

  /** For whoever drives the engine: it uses no more of a link than is here. */
  get asEngineLink(): EngineLink {
    return this as unknown as EngineLink
  }
}

export function referenceLink(link: EngineLink): ReferenceLink {
  return link as unknown as ReferenceLink
}
