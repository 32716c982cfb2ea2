// The sending half of a connection: numbers, credit, resends, copies, and on which link what goes out next.

import type { Config } from '../config.ts'
import { MessageType, type ReliableMessage } from '../protocol/messages.ts'
import { wireSize } from '../protocol/wire-size.ts'
import type { EngineLink } from './engine-link.ts'
import type { Output } from './events.ts'
import type { Flight } from './flight.ts'
import { payloadLimit } from './receiver.ts'
import { ResendQueue } from './resend-queue.ts'
import { chooseLink } from './scheduler.ts'
import { SendQueue } from './send-queue.ts'
import { SendWindow, type SentMessage } from './send-window.ts'

/** Of so many messages at the head of the window copies may be sent. */
const MOST_COPIED = 256
/** The oldest message is overdue after at least this much more than its predicted time. */
const LATE_HEAD_MS = 20
/** Bytes of a Data message besides its payload. */
const DATA_OVERHEAD_BYTES = 25

/** Until a link has worked for so long nobody knows whether what it acknowledges so quickly really arrives. */
const HISTORY_MS = 1_000
/** So much it may carry beyond its half of the new data meanwhile. */
const UNPROVEN_BYTES = 65_536

/**
 * A message costs some 400 bytes beside its payload until it is acknowledged. So many may be outstanding, and one more for
 * each so many bytes of the send buffer, which is what small buffers are bounded by; with the default one the numbers are.
 */
const MESSAGES_LEAST = 8_192
const BUFFER_BYTES_PER_MESSAGE = 256

type WriteState =
  | 'open'
  /** The application finished; SendFinish goes out behind what waits. */
  | 'finishing'
  /** SendFinish is on its way. */
  | 'finished'
  /** The peer's reader is gone: no SendFinish is owed. */
  | 'refused'

export class Sender {
  readonly #config: Config
  readonly #links: readonly EngineLink[]
  readonly #queue = new SendQueue()
  readonly #resends = new ResendQueue()
  readonly window: SendWindow
  #state: WriteState = 'open'
  /** The peer's receive buffer as its first link said it; 0 before. */
  #remoteRecvBuffer = 0
  /** Whether the application has more behind what is queued. */
  moreWaiting = false
  /** Payload bytes sent, resends not counted. */
  #carriedBytes = 0
  /** The peer processes nothing any more. */
  #refused = false
  #receiveCloseWanted = false
  #receiveFinishWanted = false

  constructor(config: Config, links: readonly EngineLink[], firstSequence: number) {
    this.#config = config
    this.#links = links
    this.window = new SendWindow(firstSequence)
  }

  set remoteRecvBuffer(bytes: number) {
    if (this.#remoteRecvBuffer === 0) this.#remoteRecvBuffer = bytes
  }

  get queuedBytes(): number {
    return this.#queue.bytes
  }

  /** Whether something could go out now if a link were open for it. */
  get waiting(): boolean {
    return this.#queue.bytes > 0 || this.#resends.peek() !== undefined
  }

  get resendCount(): number {
    return this.#resends.length
  }

  /** Bytes that may be sent before the peer or our own send buffer says stop. */
  get spaceBytes(): number {
    const own = this.#config.sendBuffer - this.window.unackedBytes
    const peers = this.#remoteRecvBuffer - this.window.unconsumedBytes
    return Math.max(0, Math.min(own, peers))
  }

  get state(): WriteState {
    return this.#state
  }

  /** Nothing more will be sent of its own accord. */
  get finished(): boolean {
    return this.#state === 'finished' || this.#state === 'refused'
  }

  /** Everything sent was received, and taken if it ever will be, and no ending waits. */
  get settled(): boolean {
    if (this.#receiveCloseWanted || this.#receiveFinishWanted) return false
    return this.window.span === 0 && (this.#refused || this.window.unconsumedBytes === 0)
  }

  write(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.#queue.push(chunk)
  }

  finish(): void {
    if (this.#state === 'open') this.#state = 'finishing'
  }

  /** Drops what is not on its way yet and finishes: the peer wants no more. */
  close(): void {
    this.#queue.clear()
    this.finish()
  }

  /** The peer processes nothing any more: what it has not taken it never will. */
  get refused(): boolean {
    return this.#refused
  }

  refuse(): void {
    this.#refused = true
    this.#queue.clear()
    if (this.#state !== 'finished') this.#state = 'refused'
  }

  wantReceiveClose(): void {
    this.#receiveCloseWanted = true
  }

  wantReceiveFinish(): void {
    this.#receiveCloseWanted = false
    this.#receiveFinishWanted = true
  }

  /** Puts messages back that only links in doubt carry. */
  requeue(link: EngineLink): void {
    const lost: SentMessage[] = []
    for (let index = 0; index < link.flights.length; index++) {
      const flight = link.flights.at(index) as Flight
      flight.tainted = true
      const { sent } = flight
      sent.liveFlights--
      if (sent.liveFlights === 0 && !sent.acked) lost.push(sent)
    }
    link.resent += lost.length
    this.#resends.add(lost)
  }

  /** What the link holds counts as being on its way again. */
  trustAgain(link: EngineLink): void {
    for (let index = 0; index < link.flights.length; index++) {
      const flight = link.flights.at(index) as Flight
      flight.sent.liveFlights++
    }
  }

  /** Next reliable message; `consumed` makes the Consumed that is due, if one is. */
  takeOutput(consumedDue: boolean, takeConsumed: () => number, nowMs: number): Output | undefined {
    if (consumedDue && this.window.hasRoomForControl) {
      const link = this.#linkForControl(nowMs)
      if (!link) return undefined
      return this.#sendNew(link, { type: MessageType.Consumed, sequence: this.window.nextSequence, bytes: takeConsumed() }, nowMs)
    }
    const sent = this.#resends.peek()
    // New data never overtakes a resend: with its smaller messages it could keep a narrow link full for ever.
    if (sent) return this.#takeResend(sent, nowMs) ?? this.#takeEnding(nowMs)
    return this.#takeEnding(nowMs) ?? this.#takeData(nowMs) ?? this.#takeCopy(nowMs)
  }

  /** Time at which the oldest message becomes overdue so that a copy may be worth it. */
  get overdueMs(): number | undefined {
    const flight = this.window.fromOldest(0)?.flight
    return flight && flight.sent.transmissions === 1 ? flight.predictedAckMs + 5 : undefined
  }

  #linkForControl(nowMs: number): EngineLink | undefined {
    let best: EngineLink | undefined
    let bestMs = Number.POSITIVE_INFINITY
    for (const link of this.#links) {
      if (!link.usable || !link.writable) continue
      const arrivalMs = link.path.arrivalMs(0, nowMs)
      if (arrivalMs < bestMs) {
        best = link
        bestMs = arrivalMs
      }
    }
    return best
  }

  #takeResend(sent: SentMessage, nowMs: number): Output | undefined {
    const size = wireSize(sent.message)
    const demand = { waitingBytes: size, moreWaiting: true, creditBytes: Number.POSITIVE_INFINITY }
    // It was cut for another link and may be larger than the whole window of this one.
    const link = chooseLink(this.#links, demand, candidate => Math.min(size, candidate.path.chunkBytes()), nowMs)
    if (!link) return undefined
    this.#resends.take()
    return this.#transmit(link, sent, nowMs)
  }

  #takeEnding(nowMs: number): Output | undefined {
    const finish = this.#state === 'finishing' && this.#queue.bytes === 0
    if (!(finish || this.#receiveCloseWanted || this.#receiveFinishWanted) || !this.window.hasRoomForControl) return undefined
    const link = this.#linkForControl(nowMs)
    if (!link) return undefined
    const sequence = this.window.nextSequence
    if (this.#receiveCloseWanted) {
      this.#receiveCloseWanted = false
      return this.#sendNew(link, { type: MessageType.ReceiveClose, sequence }, nowMs)
    }
    if (this.#receiveFinishWanted) {
      this.#receiveFinishWanted = false
      return this.#sendNew(link, { type: MessageType.ReceiveFinish, sequence }, nowMs)
    }
    this.#state = 'finished'
    return this.#sendNew(link, { type: MessageType.SendFinish, sequence }, nowMs)
  }

  #takeData(nowMs: number): Output | undefined {
    const waitingBytes = this.#queue.bytes
    if (waitingBytes === 0) return undefined
    const spaceBytes = this.spaceBytes
    if (!this.#mayNumberData || this.#tooLittleSpace(spaceBytes)) return undefined
    const most = Math.min(waitingBytes, spaceBytes, this.#config.chunkSize, payloadLimit(this.#remoteRecvBuffer))
    const demand = { waitingBytes, moreWaiting: this.moreWaiting, creditBytes: spaceBytes }
    const link = chooseLink(
      this.#trustworthy(nowMs),
      demand,
      candidate => Math.min(most, candidate.path.chunkBytes()) + DATA_OVERHEAD_BYTES,
      nowMs,
    )
    if (!link) return undefined
    const bytes = Math.min(most, link.path.chunkBytes())
    const payload = this.#queue.take(bytes)
    link.carriedBefore ??= this.#carriedBytes
    link.carriedBytes += bytes
    this.#carriedBytes += bytes
    return this.#sendNew(link, { type: MessageType.Data, sequence: this.window.nextSequence, payload, bytes }, nowMs)
  }

  /** The links that may carry new data: while one with a history works, newcomers get no more than half of it. */
  #trustworthy(nowMs: number): readonly EngineLink[] {
    const isNewcomer = (link: EngineLink) => link.workingSinceMs !== undefined && nowMs - link.workingSinceMs < HISTORY_MS
    if (!this.#links.some(isNewcomer) || !this.#links.some(link => link.usable && !isNewcomer(link))) return this.#links
    return this.#links.filter(link => {
      const othersBytes = this.#carriedBytes - (link.carriedBefore ?? this.#carriedBytes) - link.carriedBytes
      return !isNewcomer(link) || link.carriedBytes <= othersBytes + UNPROVEN_BYTES
    })
  }

  get #mayNumberData(): boolean {
    const most = MESSAGES_LEAST + this.#config.sendBuffer / BUFFER_BYTES_PER_MESSAGE
    return this.window.hasRoomForData && this.window.span < most
  }

  /** A trickle of credit is saved up, or it would be spent in ever smaller messages. */
  #tooLittleSpace(spaceBytes: number): boolean {
    if (spaceBytes === 0) return true
    if (this.window.unconsumedBytes === 0 || spaceBytes >= this.#queue.bytes) return false
    return spaceBytes < Math.min(this.#config.chunkSize, this.#remoteRecvBuffer / 16, this.#config.sendBuffer / 16)
  }

  /**
   * A second transmission of what the receiver waits for, over a link that would bring it earlier: at the end of a
   * burst, when the credit is used up, and of a head that is overdue. The receiver drops the later one.
   */
  #takeCopy(nowMs: number): Output | undefined {
    if (this.window.span === 0 || this.#links.length < 2) return undefined
    const nothingNew = this.#queue.bytes === 0 && !this.moreWaiting
    if (!nothingNew && this.#mayNumberData && !this.#tooLittleSpace(this.spaceBytes)) return this.#takeLateHead(nowMs)
    const most = Math.min(this.window.span, MOST_COPIED)
    for (let index = 0; index < most; index++) {
      const sent = this.window.fromOldest(index) as SentMessage
      const { flight } = sent
      if (sent.acked || sent.transmissions !== 1 || !flight) continue
      const link = this.#quickerLink(flight, nowMs)
      if (link) return this.#transmit(link, sent, nowMs)
      // What is younger is not more urgent, and behind a message on time nothing is.
      if (index >= 16) return undefined
    }
    return undefined
  }

  /** With new data waiting a copy takes the place of something: only the oldest message is worth it, and only if it is late. */
  #takeLateHead(nowMs: number): Output | undefined {
    const sent = this.window.fromOldest(0)
    const flight = sent?.flight
    if (!flight || sent.transmissions !== 1) return undefined
    const { path } = flight.link
    const lateMs = Math.max(0, path.predictionErrorMs) + Math.max(LATE_HEAD_MS, 4 * path.predictionDeviationMs)
    if (nowMs < flight.predictedAckMs + lateMs) return undefined
    const link = this.#quickerLink(flight, nowMs)
    return link && this.#transmit(link, sent, nowMs)
  }

  /** A link that would bring the message of `flight` earlier than the link that carries it. */
  #quickerLink(flight: Flight, nowMs: number): EngineLink | undefined {
    const carrier = flight.link
    const arrivalMs = flight.predictedAckMs - carrier.path.answerMs() - nowMs
    const overdueMs = nowMs - flight.predictedAckMs
    const remainingMs = Math.max(arrivalMs, overdueMs, 0)
    if (remainingMs <= 1) return undefined
    for (const link of this.#links) {
      if (link === carrier || !link.usable || !link.writable || !link.path.isOpen(flight.wireBytes, nowMs)) continue
      if (1.1 * link.path.arrivalMs(flight.wireBytes, nowMs) + 1 < remainingMs) return link
    }
    return undefined
  }

  #sendNew(link: EngineLink, message: ReliableMessage, nowMs: number): Output {
    return this.#transmit(link, this.window.append(message), nowMs)
  }

  #transmit(link: EngineLink, sent: SentMessage, nowMs: number): Output {
    const flight = link.path.send(sent, link, wireSize(sent.message), nowMs)
    link.flights.push(flight)
    sent.flight = flight
    sent.liveFlights++
    sent.transmissions++
    return { link, message: sent.message }
  }
}
