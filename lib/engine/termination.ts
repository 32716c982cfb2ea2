// The end by force: Terminate goes to all links, and each is done when the peer has answered it.

import type { EngineLink } from './engine-link.ts'

/** Longest wait for the other side's Terminate. */
const TERMINATE_WAIT_MS = 5_000

export class Termination {
  readonly deadlineMs: number
  /** Links that Terminate has still to be sent on. */
  readonly #owed: Set<EngineLink>

  constructor(links: readonly EngineLink[], nowMs: number) {
    this.deadlineMs = nowMs + TERMINATE_WAIT_MS
    this.#owed = new Set(links)
  }

  /** A link that joined meanwhile. */
  add(link: EngineLink): void {
    this.#owed.add(link)
  }

  /** Whether Terminate has to go out on the link, which counts as done then. */
  take(link: EngineLink): boolean {
    return this.#owed.delete(link)
  }

  /** Whether the link has carried Terminate both ways. */
  isDone(link: EngineLink): boolean {
    return !this.#owed.has(link) && link.goodbyeReceived
  }
}
