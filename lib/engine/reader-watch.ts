// A side that only reads has nothing in flight whose ack could be overdue, but for what it tells the peer of its reading, and
// that goes over one link: another one that dies just brings nothing any more. Only the writer would know, and whoever dials
// the link anew need not be the writer. So a link that falls quiet while another one goes on is pinged, and does not
// work if it has not answered after its ack timeout while another one has.

import type { EngineLink } from './engine-link.ts'
import type { HealthActions } from './link-health.ts'
import { askPing, askWitnesses, isWitnessed, lastResumedMs, SHORTEST_ANSWER_MS } from './witness.ts'

/** So much later than the link another one must have brought data. */
const QUIET_MS = 200
/** After this share of its time others are asked for a witness. */
const WITNESS_SHARE = 1 / 2

export class ReaderWatch {
  readonly #links: readonly EngineLink[]
  readonly #actions: Pick<HealthActions, 'unconfirm'>

  constructor(links: readonly EngineLink[], actions: Pick<HealthActions, 'unconfirm'>) {
    this.#links = links
    this.#actions = actions
  }

  /** Not to be called for an answer that came in: after a stall of the event loop those of other links may be there without being read. */
  check(nowMs: number): void {
    const latestMs = this.#latestMs
    for (const link of this.#links) {
      if (!isLeftBehind(link, latestMs)) continue
      if (needsPing(link)) askPing(link, nowMs)
      if (nowMs >= witnessesDueMs(link)) askWitnesses(link, this.#links, nowMs)
      if (nowMs >= this.#timeoutMs(link) && isWitnessed(link, this.#links)) this.#actions.unconfirm(link, 'ack-timeout', nowMs)
    }
  }

  nextDeadlineMs(nowMs: number): number {
    let earliest = Number.POSITIVE_INFINITY
    const latestMs = this.#latestMs
    for (const link of this.#links) {
      if (isLeftBehind(link, latestMs)) earliest = Math.min(earliest, this.#nextStepMs(link, nowMs))
    }
    return earliest
  }

  /** What another link brought may have made it due already: that is now, for an earlier time would look like a timer that is late. */
  #nextStepMs(link: EngineLink, nowMs: number): number {
    if (needsPing(link)) return nowMs
    if (isWitnessed(link, this.#links)) return Math.max(nowMs, this.#timeoutMs(link))
    const canAsk = this.#links.some(other => other !== link && other.trusted && other.pingAskedMs === undefined)
    return canAsk ? Math.max(nowMs, witnessesDueMs(link)) : Number.POSITIVE_INFINITY
  }

  /** When a link that works last brought data. */
  get #latestMs(): number {
    let latest = Number.NEGATIVE_INFINITY
    for (const { trusted, broughtMs } of this.#links) if (trusted) latest = Math.max(latest, broughtMs)
    return latest
  }

  #timeoutMs(link: EngineLink): number {
    return Math.max(
      quietSinceMs(link) + link.ackTimeoutMs,
      link.excusedAtMs + link.excusedMs,
      lastResumedMs(this.#links) + Math.max(SHORTEST_ANSWER_MS, link.path.roundTripMs),
    )
  }
}

/** It fell quiet while another link went on, and has answered nothing that was sent since. */
function isLeftBehind({ working, broughtMs, provenMs }: EngineLink, latestMs: number): boolean {
  return working && latestMs >= broughtMs + QUIET_MS && provenMs < broughtMs + QUIET_MS
}

/** With something in flight it is pinged when its ack is overdue, see `link-health.ts`. */
function needsPing({ pingAskedMs, flights }: EngineLink): boolean {
  return pingAskedMs === undefined && flights.length === 0
}

function witnessesDueMs(link: EngineLink): number {
  return quietSinceMs(link) + WITNESS_SHARE * link.ackTimeoutMs
}

/** Since when its ping waits. A link that brings something is slow, not dead. */
function quietSinceMs({ pingSentMs = Number.POSITIVE_INFINITY, lastReceivedMs }: EngineLink): number {
  return Math.max(pingSentMs, lastReceivedMs)
}
