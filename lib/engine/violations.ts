// Violations of the peer: acks that no whole link brings, and when failed links are no accident any more.

import { ProtocolError } from '../protocol/protocol-error.ts'
import type { EngineLink } from './engine-link.ts'
import type { SendWindow } from './send-window.ts'

/** A peer that fails so many links within this time, by messages that no damage on the way explains, is hostile. */
const VIOLATIONS_LIMIT = 3
const VIOLATIONS_SPAN_MS = 60_000
/** So many places behind the oldest transmission an ack is looked for, to tell a lost message from an ack of old. */
const ACK_SEARCH = 64

export class Violations {
  /** When the peer last failed links, oldest first, fewer than `VIOLATIONS_LIMIT`. */
  readonly #timesMs: number[] = []

  /** Notes a link that the peer failed, and says whether it was one too many. */
  add(nowMs: number): boolean {
    this.#timesMs.push(nowMs)
    if (this.#timesMs.length < VIOLATIONS_LIMIT) return false
    const oldestMs = this.#timesMs.shift() as number
    return nowMs - oldestMs < VIOLATIONS_SPAN_MS
  }
}

/**
 * Looks at an ack that is not for the oldest transmission on its link. One of a message acknowledged before is allowed.
 *
 * @throws {ProtocolError} the message was never sent, or older ones on the link are not acknowledged yet
 */
export function checkOddAck(link: EngineLink, sequence: number, window: SendWindow): void {
  if (!window.wasSent(sequence)) throw new ProtocolError('ack of a message that was never sent')
  const searched = Math.min(ACK_SEARCH, link.flights.length)
  for (let index = 1; index < searched; index++) {
    // Links are ordered and acks are too: the messages before this one got lost on a link that must not lose any.
    if (link.flights.at(index)?.sent.sequence === sequence) throw new ProtocolError('ack before that of an older message')
  }
}
