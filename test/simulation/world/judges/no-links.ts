// Judge of the end without links (threat model, L4): a connection none of whose links works ends at its time, not before
// and not never.

import type { Connection } from '../../../../lib/engine/connection.ts'
import type { ConnectionFailure } from '../../../../lib/engine/events.ts'

/** A timer may be as late, and the round of input that is let in before. */
const SLACK_MS = 60
/** Who ends a connection by force waits so long for the answer, links or not. */
const TERMINATE_MS = 5_000

export class NoLinksJudge {
  readonly #timeoutMs: number
  /** `undefined` while a link works. */
  #sinceMs: number | undefined
  #judged = false

  /** @param sinceMs - when the connection began */
  constructor(timeoutMs: number, sinceMs: number) {
    this.#timeoutMs = timeoutMs
    this.#sinceMs = sinceMs
  }

  /**
   * To be called after everything that happens.
   *
   * @param punctualSinceMs - since when timers of that side fire in time
   * @returns what is wrong
   */
  look(engine: Connection, failure: ConnectionFailure | undefined, nowMs: number, punctualSinceMs: number): string | undefined {
    if (this.#judged) return undefined
    if (engine.closed) {
      this.#judged = true
      const early = failure === 'no-links-timeout' && !engine.finished && nowMs - (this.#sinceMs ?? nowMs) < this.#timeoutMs - 1
      return early ? `no-links-timeout after ${nowMs - (this.#sinceMs ?? nowMs)} ms` : undefined
    }
    if (engine.links.some(link => link.working)) this.#sinceMs = undefined
    else this.#sinceMs ??= nowMs
    const lateMs = nowMs - Math.max(this.#sinceMs ?? nowMs, punctualSinceMs - this.#timeoutMs) - this.#timeoutMs
    return lateMs > SLACK_MS + TERMINATE_MS ? `no link works since ${this.#timeoutMs + lateMs} ms` : undefined
  }
}
