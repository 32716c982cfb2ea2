// While links stand by, the peer sends on the others only, and a side that only receives has nothing in flight whose ack
// could be overdue: so the links are pinged, and one whose ping stays unanswered while another answers is in doubt.

import type { EngineLink } from './engine-link.ts'
import type { HealthActions } from './link-health.ts'
import type { Steering } from './steering.ts'
import { askPing, askWitnesses, isWitnessed } from './witness.ts'

/** A link in use is pinged when nothing has come from it for so long after something had. */
const QUIET_MS = 100
/** And at any rate as often, and so are links that stand by under `handover`. */
const PING_INTERVAL_MS = 1_000
/** Backups are only kept warm. */
const BACKUP_PING_INTERVAL_MS = 5_000
/** What a link in use has not said for so long is asked for when the peer pings a link that stands by. */
const SUSPICIOUS_MS = 50
/** Others are asked for a witness when a ping takes so long, */
const SLOW_ANSWER_MS = 50
/** and it counts as unanswered after this. */
const NO_ANSWER_MS = 200

export class StandbyWatch {
  readonly #links: readonly EngineLink[]
  readonly #steering: Steering
  readonly #actions: Pick<HealthActions, 'doubt'>

  constructor(links: readonly EngineLink[], steering: Steering, actions: Pick<HealthActions, 'doubt'>) {
    this.#links = links
    this.#steering = steering
    this.#actions = actions
  }

  /** The peer pinged a link: if it stands by perhaps because the one in use is dead. */
  pinged(link: EngineLink, nowMs: number): void {
    if (link.standby === 'other-link') this.probe(nowMs)
  }

  /** Pings the links in use unless they have just said something. */
  probe(nowMs: number): void {
    for (const link of this.#steering.candidates) if (nowMs - link.lastReceivedMs >= SUSPICIOUS_MS) askPing(link, nowMs)
  }

  check(nowMs: number): void {
    if (!this.#steering.hasStandbys) return
    for (const link of this.#links) {
      if (!link.trusted) continue
      if (nowMs >= this.#pingDueMs(link)) askPing(link, nowMs)
      if (nowMs >= slowMs(link)) askWitnesses(link, this.#links, nowMs)
      if (nowMs >= unansweredMs(link) && isWitnessed(link, this.#links)) this.#actions.doubt(link)
    }
  }

  nextDeadlineMs(nowMs: number): number {
    if (!this.#steering.hasStandbys) return Number.POSITIVE_INFINITY
    let earliest = Number.POSITIVE_INFINITY
    for (const link of this.#links) {
      if (!link.trusted) continue
      earliest = Math.min(earliest, this.#pingDueMs(link))
      for (const stepMs of [slowMs(link), unansweredMs(link)]) if (stepMs > nowMs) earliest = Math.min(earliest, stepMs)
    }
    return earliest
  }

  #pingDueMs(link: EngineLink): number {
    if (link.pingAskedMs !== undefined || link.standby === 'never') return Number.POSITIVE_INFINITY
    if (link.standby === 'other-link') {
      return link.lastPingMs + (this.#steering.oneLink ? PING_INTERVAL_MS : BACKUP_PING_INTERVAL_MS)
    }
    const { lastReceivedMs, lastPingMs } = link
    return lastReceivedMs > lastPingMs
      ? Math.max(lastReceivedMs, lastPingMs + QUIET_MS) + QUIET_MS
      : lastPingMs + PING_INTERVAL_MS
  }
}

function slowMs({ pingSentMs, path }: EngineLink): number {
  return pingSentMs === undefined ? Number.POSITIVE_INFINITY : pingSentMs + Math.max(SLOW_ANSWER_MS, path.roundTripMs)
}

/** With something in flight its overdue ack is for the detector of `link-health.ts`. */
function unansweredMs({ pingSentMs, lastReceivedMs, flights, path }: EngineLink): number {
  if (pingSentMs === undefined || flights.length > 0) return Number.POSITIVE_INFINITY
  return Math.max(pingSentMs, lastReceivedMs) + Math.max(NO_ANSWER_MS, path.roundTripMs + 4 * path.roundTripDeviationMs)
}
