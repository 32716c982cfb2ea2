// Judge of silent links (threat model, L2): a link that has answered nothing for longer than the ack timeout carries no
// new messages. The longest round trip that was seen on it stands for the engine's measure.

import { MessageType } from '../../../../lib/protocol/messages.ts'
import { Queue } from '../../queue.ts'
import type { ParsedMessage } from '../wire-parser.ts'

export interface AckTimeouts {
  readonly minMs: number
  readonly maxMs: number
  readonly factor: number
}

/** A timer may be as late, and the round of input that is let in before. */
const SLACK_MS = 60

/** One link at one side. */
export class SilenceJudge {
  readonly #limits: AckTimeouts
  readonly #unacked = new Queue<{ readonly sequence: number; readonly sentMs: number }>()
  #progressMs = 0
  #pingMs: number | undefined
  #longestMs: number

  /** @param handshakeMs - how long the handshake took, and with it its round trip at most */
  constructor(limits: AckTimeouts, handshakeMs: number) {
    this.#limits = limits
    this.#longestMs = handshakeMs
  }

  /**
   * @param punctualSinceMs - since when timers of that side fire in time
   * @returns what is wrong
   */
  sent(message: ParsedMessage, nowMs: number, punctualSinceMs: number): string | undefined {
    if (message.type === MessageType.Ping) this.#pingMs = nowMs
    if (message.sequence === undefined || message.type === MessageType.Ack) return undefined
    const oldest = this.#unacked.peek()
    const { minMs, maxMs, factor } = this.#limits
    const limitMs = Math.min(Math.max(minMs, factor * this.#longestMs), maxMs) + SLACK_MS
    this.#unacked.push({ sequence: message.sequence, sentMs: nowMs })
    if (!oldest) return undefined
    const silentMs = nowMs - Math.max(oldest.sentMs, this.#progressMs, punctualSinceMs)
    return silentMs > limitMs ? `nothing was answered for ${silentMs} ms, and the timeout is ${limitMs} ms` : undefined
  }

  received(message: ParsedMessage, nowMs: number): void {
    if (message.type === MessageType.Pong) {
      if (this.#pingMs !== undefined) this.#longestMs = Math.max(this.#longestMs, nowMs - this.#pingMs)
      this.#pingMs = undefined
      this.#progressMs = nowMs
    }
    if (message.type !== MessageType.Ack) return
    this.#progressMs = nowMs
    for (let oldest = this.#unacked.peek(); oldest; oldest = this.#unacked.peek()) {
      this.#unacked.shift()
      if (oldest.sequence !== message.sequence) continue
      this.#longestMs = Math.max(this.#longestMs, nowMs - oldest.sentMs)
      return
    }
  }
}
