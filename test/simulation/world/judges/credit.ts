// Judge of the credit that an engine takes (threat model, S4 and attack A14): the receive buffer that the peer announced on
// the first link counts for good, whatever it says on others. No more is sent, and no less is taken for granted.

import { type LinkMessage, MessageType } from '../../../../lib/protocol/messages.ts'

export class CreditJudge {
  #promisedBytes: number | undefined
  #outstandingBytes = 0
  readonly #sent = new Set<number>()
  readonly #consumed = new Set<number>()
  /** What was sent beyond the promise. */
  broken: string | undefined

  get promisedBytes(): number | undefined {
    return this.#promisedBytes
  }

  /** Bytes that may be sent. */
  get creditBytes(): number {
    return Math.max(0, (this.#promisedBytes ?? 0) - this.#outstandingBytes)
  }

  /** A link joined. Returns how its promise differs from that of the first one. */
  joined(recvBuffer: number): 'more' | 'less' | undefined {
    this.#promisedBytes ??= recvBuffer
    if (recvBuffer === this.#promisedBytes) return undefined
    return recvBuffer > this.#promisedBytes ? 'more' : 'less'
  }

  sent(message: LinkMessage): void {
    if (message.type !== MessageType.Data || this.#sent.has(message.sequence)) return
    this.#sent.add(message.sequence)
    this.#outstandingBytes += message.bytes
    const promised = this.#promisedBytes ?? 0
    if (message.bytes > Math.max(Math.floor(promised / 2), 2) - 1)
      this.broken ??= `sent ${message.bytes} of ${promised} bytes at once`
    if (this.#outstandingBytes > promised) this.broken ??= `sent ${this.#outstandingBytes} bytes to a buffer of ${promised}`
  }

  received(message: LinkMessage): void {
    if (message.type !== MessageType.Consumed || this.#consumed.has(message.sequence)) return
    this.#consumed.add(message.sequence)
    this.#outstandingBytes -= message.bytes
  }
}
