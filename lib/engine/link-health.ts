// Watches the links: tests new ones, pings idle ones, doubts those that fall silent, removes those that stay so.
//
// The failure detector is that of docs/protocol.md and docs/architecture.md: a link whose answers are overdue is
// pinged together with the others, its witnesses. Only when a witness answers something that was sent after that ping
// the link is in doubt: a stall of either event loop hits all links alike and is no failure of one.

import type { EngineLink } from './engine-link.ts'
import type { LinkCloseReason, NotWorkingReason } from './events.ts'
import { askPing, isWitnessed, lastResumedMs, SHORTEST_ANSWER_MS } from './witness.ts'

/** Silence of a link with something in flight before it is pinged. */
const PING_SILENCE_MS = 12
/** Shortest silence that counts as failure. */
const DOUBT_SILENCE_MS = 50
/** The same when only control messages are in flight, which a busy reader may leave unanswered for longer. */
const DOUBT_CONTROL_SILENCE_MS = 200

/** What health decides, for the table of links to carry out. */
export interface HealthActions {
  doubt(link: EngineLink): void
  confirm(link: EngineLink, nowMs: number): void
  unconfirm(link: EngineLink, reason: NotWorkingReason, nowMs: number): void
  close(link: EngineLink, reason: LinkCloseReason, nowMs: number): void
}

export class LinkHealth {
  readonly #links: readonly EngineLink[]
  readonly #actions: HealthActions
  readonly #maxPingSpread: number | null

  constructor(links: readonly EngineLink[], maxPingSpread: number | null, actions: HealthActions) {
    this.#links = links
    this.#maxPingSpread = maxPingSpread
    this.#actions = actions
  }

  /** A ping of the link came back. */
  pong(link: EngineLink, nowMs: number): void {
    const { pingSentMs } = link
    if (pingSentMs === undefined) return
    const roundTripMs = nowMs - pingSentMs
    link.pingSentMs = undefined
    link.pingAskedMs = undefined
    link.lastPingMs = nowMs
    noteAnswer(link, pingSentMs, nowMs)
    if (link.test.kind === 'running') link.path.takeTest(roundTripMs, link.config.testDataLimit, nowMs)
    else link.path.takePing(roundTripMs, nowMs)
    if (link.status.kind === 'suspect') this.#actions.confirm(link, nowMs)
    else if (link.status.kind === 'unconfirmed') this.#judgeTest(link, roundTripMs, nowMs)
    this.#unconfirmSlow(nowMs)
  }

  /** Something sent at `sentMs` was acknowledged on the link. */
  acked(link: EngineLink, sentMs: number, nowMs: number): void {
    noteAnswer(link, sentMs, nowMs)
    // Its late acks show that a link that timed out works after all.
    const { status } = link
    const timedOut = status.kind === 'suspect' || (status.kind === 'unconfirmed' && status.reason === 'ack-timeout')
    if (timedOut && link.flights.length === 0) this.#actions.confirm(link, nowMs)
    if (link.config.maxPing !== null || this.#maxPingSpread !== null) this.#unconfirmSlow(nowMs)
  }

  /** Pings every link now, whatever its mode says: one that is dead must not count as working for long. */
  probe(nowMs: number): void {
    for (const link of this.#links) askPing(link, nowMs)
  }

  /** Runs what is due on every link. */
  check(nowMs: number): void {
    for (const link of [...this.#links]) {
      this.#checkRemoval(link, nowMs)
      if (link.closed) continue
      this.#checkAcks(link, nowMs)
      this.#checkSilence(link, nowMs)
      if (link.test.kind === 'failed' && nowMs >= link.test.retryMs) link.test = { kind: 'idle' }
      const pingDueMs = this.#pingDueMs(link)
      if (pingDueMs !== undefined && nowMs >= pingDueMs) askPing(link, nowMs)
    }
  }

  /**
   * A witness may just have answered: links that were only waiting for one can be doubted now. Time-outs are left to
   * `check`, for after a stall of the event loop the answers of the other links may be there without being read.
   */
  checkSilence(nowMs: number): void {
    for (const link of this.#links) this.#checkSilence(link, nowMs)
  }

  /**
   * The event loop stood still: what the links have answered meanwhile may lie behind megabytes that are read only now.
   * Each gets as much more time as was lost, at most its own time-out; again only once it answered, or for a stall
   * twice as long: a loop that is always late must not excuse a dead link for ever.
   */
  excuse(lateMs: number, nowMs: number): void {
    for (const link of this.#links) {
      const sentMs = link.flights.peek()?.sentMs ?? link.pingSentMs
      if (sentMs === undefined) continue
      const excusedMs = Math.min(lateMs, link.ackTimeoutMs)
      if (Math.max(link.progressMs, sentMs) <= link.excusedAtMs && excusedMs < 2 * link.excusedMs) continue
      link.excusedAtMs = nowMs
      link.excusedMs = excusedMs
    }
  }

  /** Earliest time at which `check` has something to do. */
  nextDeadlineMs(nowMs: number): number | undefined {
    let earliest = Number.POSITIVE_INFINITY
    for (const link of this.#links) {
      earliest = Math.min(
        earliest,
        this.#removalMs(link),
        this.#ackDeadlineMs(link),
        this.#silenceDeadlineMs(link, nowMs),
        link.test.kind === 'failed' ? link.test.retryMs : Number.POSITIVE_INFINITY,
        this.#pingDueMs(link) ?? Number.POSITIVE_INFINITY,
      )
    }
    return earliest === Number.POSITIVE_INFINITY ? undefined : earliest
  }

  #judgeTest(link: EngineLink, roundTripMs: number, nowMs: number): void {
    if (roundTripMs <= link.config.ackTimeoutMax / 2 && (!this.#isSlow(link) || this.#othersUnusable(link))) {
      this.#actions.confirm(link, nowMs)
      return
    }
    if (link.status.kind === 'unconfirmed') this.#actions.unconfirm(link, this.#isSlow(link) ? 'max-ping' : 'test-failed', nowMs)
    link.test = { kind: 'failed', retryMs: nowMs + link.config.retestInterval }
  }

  // ---- removal

  #checkRemoval(link: EngineLink, nowMs: number): void {
    const { config, status } = link
    if (nowMs >= pingDeadlineMs(link)) this.#actions.close(link, 'ping-timeout', nowMs)
    else if (!link.writable && nowMs >= link.stuckSinceMs + config.pingTimeout) this.#actions.close(link, 'send-timeout', nowMs)
    else if (status.kind === 'leaving' && nowMs >= status.sinceMs + config.nonWorkingTimeout) {
      this.#actions.close(link, status.initiator === 'local' ? 'locally-requested' : 'remotely-requested', nowMs)
    } else if (status.kind === 'unconfirmed' && nowMs >= status.sinceMs + config.nonWorkingTimeout) {
      this.#actions.close(link, 'non-working-timeout', nowMs)
    }
  }

  #removalMs(link: EngineLink): number {
    const { config, status } = link
    let earliest = pingDeadlineMs(link)
    if (!link.writable) earliest = Math.min(earliest, link.stuckSinceMs + config.pingTimeout)
    if (status.kind === 'leaving' || status.kind === 'unconfirmed')
      earliest = Math.min(earliest, status.sinceMs + config.nonWorkingTimeout)
    return earliest
  }

  // ---- overdue acks

  #checkAcks(link: EngineLink, nowMs: number): void {
    if (nowMs >= this.#ackDeadlineMs(link)) this.#actions.unconfirm(link, 'ack-timeout', nowMs)
  }

  #ackDeadlineMs(link: EngineLink): number {
    const oldest = link.flights.peek()
    if (!link.working || !oldest) return Number.POSITIVE_INFINITY
    return Math.max(Math.max(link.progressMs, oldest.sentMs) + link.ackTimeoutMs, link.excusedAtMs + link.excusedMs)
  }

  // ---- silence

  #checkSilence(link: EngineLink, nowMs: number): void {
    if (nowMs < this.#silenceDeadlineMs(link, Number.NEGATIVE_INFINITY)) return
    if (link.pingAskedMs === undefined) {
      for (const other of this.#links) if (other === link || other.trusted) askPing(other, nowMs)
    } else if (isWitnessed(link, this.#links)) this.#actions.doubt(link)
  }

  /** Time of the next step against a silent link; a step due before `afterMs` waits for a witness, not for time. */
  #silenceDeadlineMs(link: EngineLink, afterMs: number): number {
    const oldest = link.flights.peek()
    if (link.status.kind !== 'working' || !oldest) return Number.POSITIVE_INFINITY
    const sinceMs = Math.max(link.progressMs, oldest.sentMs)
    const { path } = link
    // Without another link, too: the first one that joins is a witness then as soon as it has passed its test.
    if (link.pingAskedMs === undefined) {
      return Math.max(sinceMs + Math.max(PING_SILENCE_MS, path.minRoundTripMs / 2), oldest.predictedAckMs)
    }
    if (!this.#hasOther(link)) return Number.POSITIVE_INFINITY
    const least = oldest.sent.bytes > 0 ? DOUBT_SILENCE_MS : DOUBT_CONTROL_SILENCE_MS
    const doubtMs = Math.max(
      lastResumedMs(this.#links) + Math.max(SHORTEST_ANSWER_MS, path.roundTripMs),
      sinceMs + Math.max(least, path.roundTripMs + 4 * path.roundTripDeviationMs),
      link.pingAskedMs + Math.max(SHORTEST_ANSWER_MS, path.roundTripMs),
      oldest.predictedAckMs + Math.max(0, path.predictionErrorMs) + 8 * path.predictionDeviationMs,
    )
    return doubtMs > afterMs ? doubtMs : Number.POSITIVE_INFINITY
  }

  #hasOther(link: EngineLink): boolean {
    for (const other of this.#links) if (other !== link && other.usable) return true
    return false
  }

  // ---- pings

  #pingDueMs(link: EngineLink): number | undefined {
    if (link.pingAskedMs !== undefined || link.status.kind === 'leaving') return undefined
    const { mode, interval } = link.config.ping
    switch (mode) {
      case 'periodic':
        return link.lastPingMs + interval
      case 'whenIdle':
        // With something in flight its ack tells as much as a ping.
        return link.flights.length === 0 ? Math.max(link.lastSentMs, link.lastPingMs) + interval : undefined
      case 'whenTimedOut':
        // Silence is pinged in any mode, see `#checkSilence`.
        return undefined
    }
  }

  // ---- slow links

  #isSlow(link: EngineLink): boolean {
    const { roundTripMs } = link.path
    if (link.config.maxPing !== null && roundTripMs > link.config.maxPing) return true
    if (this.#maxPingSpread === null) return false
    let shortestMs = Number.POSITIVE_INFINITY
    for (const other of this.#links) if (other.usable) shortestMs = Math.min(shortestMs, other.path.roundTripMs)
    return roundTripMs > shortestMs * this.#maxPingSpread
  }

  /** No other link could do better than this slow one. */
  #othersUnusable(link: EngineLink): boolean {
    return this.#links.every(other => other === link || !other.usable || this.#isSlow(other))
  }

  #unconfirmSlow(nowMs: number): void {
    for (const link of this.#links) {
      if (link.working && this.#isSlow(link) && !this.#othersUnusable(link)) this.#actions.unconfirm(link, 'max-ping', nowMs)
    }
  }
}

/** The link answered something that was sent at `sentMs`. */
function noteAnswer(link: EngineLink, sentMs: number, nowMs: number): void {
  const silenceMs = nowMs - Math.max(link.progressMs, sentMs)
  if (silenceMs > Math.max(SHORTEST_ANSWER_MS, link.path.roundTripMs + 4 * link.path.roundTripDeviationMs)) link.resumedMs = nowMs
  link.progressMs = nowMs
  link.provenMs = Math.max(link.provenMs, sentMs)
}

function pingDeadlineMs({ pingSentMs, config, excusedAtMs, excusedMs }: EngineLink): number {
  if (pingSentMs === undefined) return Number.POSITIVE_INFINITY
  return Math.max(pingSentMs + config.pingTimeout, excusedAtMs + excusedMs)
}
