// Second transmissions of what is in flight on a link that is not in doubt: what the receiver waits for, over a link that
// would bring it earlier. The receiver drops the later one.

import { sequenceDistance } from '../protocol/sequence.ts'
import type { EngineLink } from './engine-link.ts'
import type { Flight } from './flight.ts'
import type { PathModel } from './path-model.ts'
import type { SendWindow, SentMessage } from './send-window.ts'
import type { Steering } from './steering.ts'

/** So many messages at the head of the window, or of what is in flight on a link, are looked at for one that is worth a copy. */
const MOST_LOOKED_AT = 256
/** A message may be copied after so much more than its predicted time. */
const OVERDUE_MS = 5
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

  /** When a copy will be worth it that is not yet, unless something comes before; `Infinity` if none will. */
  nextDeadlineMs(nowMs: number): number {
    let earliest = Number.POSITIVE_INFINITY
    if (this.#links.length < 2) return earliest
    for (const link of this.#links) {
      const flight = link.trusted ? oldestOpen(link, nowMs) : undefined
      if (!flight) continue
      const overdueMs = flight.predictedAckMs + OVERDUE_MS
      earliest = Math.min(earliest, overdueMs > nowMs ? overdueMs : this.#worthMs(flight, nowMs))
    }
    return earliest
  }

  /** The same for one message that is overdue: when `whenLate` will copy it. */
  #worthMs(flight: Flight, nowMs: number): number {
    const lateMs = flight.predictedAckMs + latenessMs(flight.link.path)
    let earliest = Number.POSITIVE_INFINITY
    for (const link of this.#steering.candidates) {
      const { path } = link
      if (link === flight.link || !link.writable || !path.hasRoom(flight.wireBytes, nowMs) || !hasAnswered(link, flight)) continue
      const quickerMs = flight.predictedAckMs + path.arrivalMs(flight.wireBytes, nowMs) / 2
      const timeMs = Math.max(lateMs, quickerMs, path.pacedUntilMs, link.limitedUntilMs)
      // What is not copied although it is time waits for something else.
      if (timeMs > nowMs) earliest = Math.min(earliest, timeMs)
    }
    return earliest
  }

  /** For when nothing new can go: at the end of a burst and when the credit is used up. */
  whenIdle(nowMs: number): Copy | undefined {
    if (this.#window.span === 0 || this.#links.length < 2) return undefined
    const most = Math.min(this.#window.span, MOST_LOOKED_AT)
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

  #lateOf(carrier: EngineLink, nextNewSequence: number, nowMs: number): Copy | undefined {
    const flight = oldestOpen(carrier, nowMs)
    if (!flight || nowMs < flight.predictedAckMs + latenessMs(carrier.path)) return undefined
    const { sent } = flight
    if (sequenceDistance(nextNewSequence, sent.sequence) > 0) return undefined
    const link = this.#linkForLate(flight, nowMs)
    return link && { sent, link }
  }

  /** An open link that would bring the message of `flight` before it has been overdue for twice as long. */
  #linkForLate(flight: Flight, nowMs: number): EngineLink | undefined {
    for (const link of this.#steering.candidates) {
      if (link === flight.link || !link.isOpenFor(flight.wireBytes, nowMs)) continue
      if (!isWitness(link, flight, nowMs)) continue
      if (nowMs >= flight.predictedAckMs + link.path.arrivalMs(flight.wireBytes, nowMs) / 2) return link
    }
    return undefined
  }

  /** A link that would bring the message of `flight` earlier than the link that carries it. */
  #quickerLink(flight: Flight, nowMs: number): EngineLink | undefined {
    const arrivalMs = flight.predictedAckMs - flight.link.path.answerMs()
    if (nowMs + gainMs(0) >= arrivalMs && nowMs < flight.predictedAckMs + gainMs(0)) return undefined
    for (const link of this.#steering.candidates) {
      if (link === flight.link || !link.usable || !link.isOpenFor(flight.wireBytes, nowMs)) continue
      const neededMs = gainMs(link.path.arrivalMs(flight.wireBytes, nowMs))
      if (nowMs + neededMs < arrivalMs) return link
      // What is overdue is expected to take as long again.
      if (nowMs >= flight.predictedAckMs + neededMs && isWitness(link, flight, nowMs)) return link
    }
    return undefined
  }
}

/** The oldest that is overdue and was sent nowhere else, or else the oldest that is not overdue. */
function oldestOpen({ flights }: EngineLink, nowMs: number): Flight | undefined {
  const most = Math.min(flights.length, MOST_LOOKED_AT)
  for (let index = 0; index < most; index++) {
    const flight = flights.at(index) as Flight
    if (nowMs < flight.predictedAckMs + OVERDUE_MS || (!flight.sent.acked && flight.sent.transmissions === 1)) return flight
  }
  return undefined
}

/** So much later than predicted the acks of a path are late. */
function latenessMs({ predictionErrorMs, predictionDeviationMs }: PathModel): number {
  return Math.max(0, predictionErrorMs) + Math.max(LATE_MS, 4 * predictionDeviationMs)
}

/** So long it must take otherwise for a copy to be worth it that arrives after `arrivalMs`. */
function gainMs(arrivalMs: number): number {
  return 1.1 * arrivalMs + 1
}

/**
 * It answers, so that what is overdue on another link is not so because all of them, or an event loop, stand still; nor has it
 * just begun to answer again.
 */
function isWitness(link: EngineLink, flight: Flight, nowMs: number): boolean {
  return hasAnswered(link, flight) && nowMs >= link.resumedMs + LATE_MS
}

/** It answered something sent after `flight`, and did so when the ack of that one was due. */
function hasAnswered({ provenMs, progressMs }: EngineLink, flight: Flight): boolean {
  return provenMs > flight.sentMs && progressMs >= flight.predictedAckMs
}
