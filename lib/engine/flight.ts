import type { ReliableMessage } from '../protocol/messages.ts'
import type { EngineLink } from './engine-link.ts'
import type { Output } from './events.ts'
import type { SentMessage } from './send-window.ts'

/** One transmission of a message over one link, from when it is put out until its ack on that link. */
export class Flight implements Output {
  readonly sent: SentMessage
  readonly link: EngineLink
  /** Bytes on the wire, framing included. */
  readonly wireBytes: number
  readonly sentMs: number
  /** When its ack should be here if nothing goes wrong. */
  readonly predictedAckMs: number
  /** Bytes acknowledged on the link when this was sent, and when the last of them was, if there were any. */
  readonly deliveredBytes: number
  readonly deliveredMs: number | undefined
  /** When the newest transmission that was acknowledged by then had been sent. */
  readonly deliveredSentMs: number | undefined
  /** What it measures is the application, not the link. */
  readonly applicationLimited: boolean
  /** It was on its way while the link was in doubt: its time says nothing about the path. */
  tainted = false

  constructor(
    sent: SentMessage,
    link: EngineLink,
    wireBytes: number,
    sentMs: number,
    predictedAckMs: number,
    deliveredBytes: number,
    deliveredMs: number | undefined,
    deliveredSentMs: number | undefined,
    applicationLimited: boolean,
  ) {
    this.sent = sent
    this.link = link
    this.wireBytes = wireBytes
    this.sentMs = sentMs
    this.predictedAckMs = predictedAckMs
    this.deliveredBytes = deliveredBytes
    this.deliveredMs = deliveredMs
    this.deliveredSentMs = deliveredSentMs
    this.applicationLimited = applicationLimited
  }

  /** Only while it is not acknowledged. */
  get message(): ReliableMessage {
    return this.sent.message
  }
}
