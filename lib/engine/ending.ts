// The end in good order: what has ended, what is still owed, and when the connection may go.

import { MessageType } from '../protocol/messages.ts'
import type { EngineLink } from './engine-link.ts'
import type { EngineEvent, Output } from './events.ts'
import type { Fifo } from './fifo.ts'
import type { Receiver } from './receiver.ts'
import type { Sender } from './sender.ts'

export class Ending {
  readonly #links: readonly EngineLink[]
  readonly #sender: Sender
  readonly #receiver: Receiver
  readonly #events: Fifo<EngineEvent>
  /** As its first links said: see `NewLink.remoteAcksAll`. */
  remoteAcksAll = false
  #bothFinishedSinceMs: number | undefined
  #endAnnounced = false
  #finishAnnounced = false
  #refusalAnnounced = false

  constructor(links: readonly EngineLink[], sender: Sender, receiver: Receiver, events: Fifo<EngineEvent>) {
    this.#links = links
    this.#sender = sender
    this.#receiver = receiver
    this.#events = events
  }

  /** Both directions have ended; what is left is to tell the peer. */
  get bothFinished(): boolean {
    return this.#sender.finished && this.#receiver.finished
  }

  /** Since when, as `announce` saw it. */
  get bothFinishedSinceMs(): number | undefined {
    return this.#bothFinishedSinceMs
  }

  /** Data that was sent and that the peer's application still wants may not have reached it. */
  get undelivered(): boolean {
    return this.#sender.window.unconsumedBytes > 0 && !this.#sender.refused
  }

  /** Whether the peer may still lack something that matters. */
  get mayMatter(): boolean {
    return this.undelivered || (this.remoteAcksAll && !this.#sender.settled)
  }

  /** Whether links that go now go in good order. */
  get complete(): boolean {
    return this.bothFinished && !this.mayMatter
  }

  /** Whether there is nothing left to wait for, and nobody to say Goodbye to. */
  get mayClose(): boolean {
    if (!this.bothFinished) return false
    return this.#links.length === 0 ? !this.mayMatter : this.#isSettled && !this.remoteAcksAll
  }

  /** Once everything that came is answered: Goodbye is the last that a peer which waits for it hears. */
  get mayPart(): boolean {
    return this.bothFinished && this.remoteAcksAll && this.#isSettled
  }

  /** A Goodbye that says that all is over: the peer needs nothing more, acked or not. */
  get goodbyeIsEnough(): boolean {
    return this.remoteAcksAll && this.bothFinished && !this.undelivered
  }

  /** Tells the application what has come to an end. */
  announce(nowMs: number): void {
    if (this.#receiver.ended && !this.#endAnnounced) {
      this.#endAnnounced = true
      this.#events.push({ kind: 'end' })
    }
    if (this.#sender.finished && !this.#finishAnnounced) {
      this.#finishAnnounced = true
      this.#events.push({ kind: 'finished' })
    }
    if (this.bothFinished) this.#bothFinishedSinceMs ??= nowMs
  }

  /** Tells the application that the peer takes no more, unless all it wrote is on its way. */
  announceRefusal(): void {
    const nothingLost = this.#sender.state !== 'open' && this.#sender.queuedBytes === 0
    if (this.#refusalAnnounced || nothingLost) return
    this.#refusalAnnounced = true
    this.#events.push({ kind: 'writeRefused' })
  }

  /** Goodbye on the next link that takes it now, so that the peer knows that no link was lost. */
  takeParting(): Output | undefined {
    const link = this.#links.find(candidate => candidate.writable && !candidate.goodbyeSent)
    if (!link) return undefined
    link.goodbyeSent = true
    return { link, message: { type: MessageType.Goodbye, over: true } }
  }

  /** Nothing is owed to either side. */
  get #isSettled(): boolean {
    if (!this.#sender.settled || this.#receiver.heldBytes > 0 || this.#receiver.unreportedBytes > 0) return false
    return this.#links.every(link => link.acksOwed.length === 0)
  }
}
