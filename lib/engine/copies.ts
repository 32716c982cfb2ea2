// Second transmissions of what is in flight on a link that is not in doubt: what the receiver waits for, over a link that
// would bring it earlier. The receiver drops the later one.

import { sequenceDistance } from '../protocol/sequence.ts'
import type { EngineLink } from './engine-link.ts'
import type { Flight } from './flight.ts'
import type { SendWindow, SentMessage } from './send-window.ts'
import type { Steering } from './steering.ts'

/** Of so many messages at the head of the window copies may be sent when nothing new can go. */
const MOST_COPIED = 256
/** A message is late after at least this much more than its predicted time. */
const LATE_MS = 20

/** A message to be sent once more, and the link for it. */
export interface Copy {
  readonly sent: SentMessage
  readonly link: EngineLink
}

export class Copies {
  readonly #links: readonly EngineLink[]
  readonly #window: SendWindow
  readonly #steering: Steering

  constructor(links: readonly EngineLink[], window: SendWindow, steering: Steering) {
    this.#links = links
    this.#window = window
    this.#steering = steering
  }

  /** Time at which the oldest message becomes overdue so that a copy may be worth it. */
  get overdueMs(): number | undefined {
    const flight = this.#window.fromOldest(0)?.flight
    return flight && flight.sent.transmissions === 1 ? flight.predictedAckMs + 5 : undefined
  }

  /** For when nothing new can go: at the end of a burst and when the credit is used up. */
  whenIdle(nowMs: number): Copy | undefined {
    if (this.#window.span === 0 || this.#links.length < 2) return undefined
    const most = Math.min(this.#window.span, MOST_COPIED)
    for (let index = 0; index < most; index++) {
      const sent = this.#window.fromOldest(index) as SentMessage
      const { flight } = sent
      if (sent.acked || sent.transmissions !== 1 || !flight) continue
      const link = this.#quickerLink(flight, nowMs)
      if (link) return { sent, link }
      // What is younger is not more urgent, and behind a message on time nothing is.
      if (index >= 16) return undefined
    }
    return undefined
  }

  /**
   * Of what is late and older than all that waits, which begins with `nextNewSequence`: the receiver waits for it, or soon will.
   * It comes long before a link is in doubt and costs no more than its bytes, so it may be wrong now and then.
   */
  whenLate(nextNewSequence: number, nowMs: number): Copy | undefined {
    if (this.#links.length < 2) return undefined
    for (const link of this.#links) {
      const copy = link.trusted ? this.#lateOf(link, nextNewSequence, nowMs) : undefined
      if (copy) return copy
    }
    return undefined
  }

  #lateOf({ flights, path }: EngineLink, nextNewSequence: number, nowMs: number): Copy | undefined {
    const lateMs = Math.max(0, path.predictionErrorMs) + Math.max(LATE_MS, 4 * path.predictionDeviationMs)
    for (let index = 0; index < flights.length; index++) {
      const flight = flights.at(index) as Flight
      const overdueMs = nowMs - flight.predictedAckMs
      if (overdueMs < lateMs) return undefined
      const { sent } = flight
      if (sent.acked || sent.transmissions > 1) continue
      if (sequenceDistance(nextNewSequence, sent.sequence) > 0) return undefined
      const link = this.#linkForLate(flight, overdueMs, nowMs)
      return link && { sent, link }
    }
    return undefined
  }

  /** An open link that would bring the message of `flight` before it has been overdue for twice as long. */
  #linkForLate(flight: Flight, overdueMs: number, nowMs: number): EngineLink | undefined {
    for (const link of this.#steering.candidates) {
      if (link === flight.link || !link.isOpenFor(flight.wireBytes, nowMs)) continue
      if (!isWitness(link, flight, nowMs)) continue
      if (link.path.arrivalMs(flight.wireBytes, nowMs) < 2 * overdueMs) return link
    }
    return undefined
  }

  /** A link that would bring the message of `flight` earlier than the link that carries it. */
  #quickerLink(flight: Flight, nowMs: number): EngineLink | undefined {
    const carrier = flight.link
    const arrivalMs = flight.predictedAckMs - carrier.path.answerMs() - nowMs
    const overdueMs = nowMs - flight.predictedAckMs
    const remainingMs = Math.max(arrivalMs, overdueMs, 0)
    if (remainingMs <= 1) return undefined
    for (const link of this.#steering.candidates) {
      if (link === carrier || !link.usable || !link.isOpenFor(flight.wireBytes, nowMs)) continue
      if (overdueMs > arrivalMs && !isWitness(link, flight, nowMs)) continue
      if (1.1 * link.path.arrivalMs(flight.wireBytes, nowMs) + 1 < remainingMs) return link
    }
    return undefined
  }
}

/** It answers, so that what is overdue on another link is not so because all of them, or an event loop, stand still. */
function isWitness({ provenMs, resumedMs }: EngineLink, flight: Flight, nowMs: number): boolean {
  return provenMs > flight.sentMs && nowMs >= resumedMs + LATE_MS
}
