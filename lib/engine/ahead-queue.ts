// New messages that have their number but no link yet: a slower link carries what comes behind them in the stream, and they
// go out over the quicker ones meanwhile, so that all arrive in order.

import type { SentMessage } from './send-window.ts'

export class AheadQueue {
  /** Oldest first. */
  readonly #messages: SentMessage[] = []
  #bytes = 0

  get length(): number {
    return this.#messages.length
  }

  /** Payload. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds a message behind all others. */
  push(sent: SentMessage): void {
    this.#messages.push(sent)
    this.#bytes += sent.bytes
  }

  /** The oldest message with at least so many bytes before it. */
  peek(bytesBefore: number): SentMessage | undefined {
    return this.#messages[this.#indexOf(bytesBefore)]
  }

  /** Removes and returns the message that `peek` tells. */
  take(bytesBefore: number): SentMessage | undefined {
    if (this.#messages.length === 0) return undefined
    const [sent] = this.#messages.splice(this.#indexOf(bytesBefore), 1)
    if (sent) this.#bytes -= sent.bytes
    return sent
  }

  #indexOf(bytesBefore: number): number {
    let index = 0
    for (let bytes = 0; bytes < bytesBefore && index < this.#messages.length; index++) {
      bytes += (this.#messages[index] as SentMessage).bytes
    }
    return index
  }
}
