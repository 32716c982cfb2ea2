// Messages that must go out again because the link that carried them is gone or in doubt: oldest first.

import { sequenceDistance } from '../protocol/sequence.ts'
import type { SentMessage } from './send-window.ts'

export class ResendQueue {
  /** Ordered by sequence number, oldest last, so that taking one is a pop. */
  #messages: SentMessage[] = []

  /** Messages that must still go out; counts them one by one. */
  get length(): number {
    let count = 0
    for (const sent of this.#messages) if (!isSettled(sent)) count++
    return count
  }

  /** Adds messages in any order; those that wait already or are acknowledged are passed over. */
  add(messages: readonly SentMessage[]): void {
    let added = false
    for (const sent of messages) {
      if (sent.queued || sent.acked) continue
      sent.queued = true
      this.#messages.push(sent)
      added = true
    }
    // All unacknowledged numbers lie within 2^17 of each other, so the signed difference orders them.
    if (added) this.#messages.sort((a, b) => sequenceDistance(a.sequence, b.sequence))
  }

  peek(): SentMessage | undefined {
    this.#dropSettled()
    return this.#messages.at(-1)
  }

  /** Removes and returns the oldest message that must still go out. */
  take(): SentMessage | undefined {
    this.#dropSettled()
    const sent = this.#messages.pop()
    if (sent) sent.queued = false
    return sent
  }

  #dropSettled(): void {
    for (let last = this.#messages.at(-1); last && isSettled(last); last = this.#messages.at(-1)) {
      last.queued = false
      this.#messages.pop()
    }
  }
}

/** The peer has it after all, or the link that carries it is trusted again. */
function isSettled(sent: SentMessage): boolean {
  return sent.acked || sent.liveFlights > 0
}
