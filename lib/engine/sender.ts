// The sending half of a connection: numbers, credit, resends, copies, and on which link what goes out next.

import type { Config } from '../config.ts'
import { MessageType, type ReliableMessage } from '../protocol/messages.ts'
import { sequenceDistance } from '../protocol/sequence.ts'
import { wireSize } from '../protocol/wire-size.ts'
import { AheadQueue } from './ahead-queue.ts'
import { Copies, type Copy } from './copies.ts'
import type { EngineLink } from './engine-link.ts'
import type { Output } from './events.ts'
import type { Flight } from './flight.ts'
import { leadBytes } from './lead.ts'
import { payloadLimit } from './receiver.ts'
import { ResendQueue } from './resend-queue.ts'
import { aggregate } from './schedulers/aggregate.ts'
import { ForeignScheduler } from './schedulers/foreign.ts'
import { planOf, type Schedule, type SchedulePlan } from './schedulers/schedule.ts'
import { MessageDemand } from './schedulers/scheduler.ts'
import { SendQueue } from './send-queue.ts'
import { SendWindow, type SentMessage } from './send-window.ts'
import { HISTORY_MS, Steering } from './steering.ts'

/** Bytes of a Data message besides its payload. */
const DATA_OVERHEAD_BYTES = 25

/** So much a link without a history may carry beyond its half of the new data. */
const UNPROVEN_BYTES = 65_536

/**
 * A message costs some 500 bytes beside its payload until it is acknowledged. So many may be outstanding, and one more for
 * each so many bytes of the send buffer: together no more than half of 8 MiB and a quarter of the buffer.
 */
const MESSAGES_LEAST = 8_192
const BUFFER_BYTES_PER_MESSAGE = 2_048
/** Each transmission more costs some 190 bytes, which is 380 KiB of one link: with so many in flight it repeats nothing. */
const MOST_IN_FLIGHT_TO_REPEAT = 2_048

/** A message that was cut for a quicker link may be so many times as large as those that the link would like. */
const MOST_CHUNKS = 2

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
  readonly #ahead = new AheadQueue()
  /** So many bytes more must wait, or be numbered, before a slower link may take what comes behind them. */
  #leadBytes = 0
  readonly window: SendWindow
  readonly steering: Steering
  readonly #copies: Copies
  /** What links tell schedulers depends on it. */
  readonly demand = new MessageDemand()
  readonly #onSchedulerFailed: (error: Error) => void
  #plan: SchedulePlan
  #foreign: ForeignScheduler | undefined
  /** The message that goes out on further links now, on which it has gone out, and on how many at most. */
  #repeated: SentMessage | undefined
  readonly #carriers: EngineLink[] = []
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
  /** Whether late messages shall be looked for before new ones go out, and when they were looked for in vain. */
  #lateDue = true
  #lateSeenMs = Number.NEGATIVE_INFINITY

  /** @param onSchedulerFailed - the application's scheduler is not asked any more */
  constructor(
    config: Config,
    links: readonly EngineLink[],
    firstSequence: number,
    schedule: Schedule,
    accepting: boolean,
    onSchedulerFailed: (error: Error) => void,
  ) {
    this.#config = config
    this.#links = links
    this.window = new SendWindow(firstSequence)
    this.#plan = planOf(schedule)
    this.steering = new Steering(links, this.#plan, accepting)
    this.#copies = new Copies(links, this.window, this.steering)
    this.#onSchedulerFailed = onSchedulerFailed
    this.schedule = schedule
  }

  set schedule(schedule: Schedule) {
    this.#plan = planOf(schedule)
    this.#foreign = this.#plan.foreign ? new ForeignScheduler(this.#plan.scheduler, this.demand) : undefined
    this.#repeated = undefined
    for (const { path } of this.#links) path.shortQueues = this.#plan.shortQueues
    this.steering.plan = this.#plan
  }

  /** A link joined. */
  linkAdded(link: EngineLink): void {
    link.path.shortQueues = this.#plan.shortQueues
    this.steering.policyChanged()
  }

  /** What is known of links, or what waits, is not as it was. */
  changed(): void {
    this.steering.changed()
    this.#lateDue = true
  }

  /** Decides which links may carry messages now; true if the peer may have to be told. */
  steer(nowMs: number): boolean {
    return this.steering.refresh(this.queuedBytes, this.moreWaiting, nowMs)
  }

  /** A scheduler of the application may want to send what it did not want to send before. */
  get asksAgain(): boolean {
    return this.#foreign !== undefined && this.waiting && this.steering.candidates.length > 0
  }

  set remoteRecvBuffer(bytes: number) {
    if (this.#remoteRecvBuffer === 0) this.#remoteRecvBuffer = bytes
  }

  /** Bytes written that no link has carried. */
  get queuedBytes(): number {
    return this.#queue.bytes + this.#ahead.bytes
  }

  /** Payload bytes sent and not acknowledged. */
  get unackedBytes(): number {
    return this.window.unackedBytes - this.#ahead.bytes
  }

  /** Payload bytes sent that the peer's application has not taken as far as known here, and messages since the oldest of them. */
  get unconsumedBytes(): number {
    return this.window.unconsumedBytes - this.#ahead.bytes
  }

  /** The peer's application took so many bytes; false if no link has carried as many, numbered or not. */
  consumed(bytes: number): boolean {
    return bytes <= this.unconsumedBytes && this.window.consumed(bytes)
  }

  get unconsumedCount(): number {
    return this.window.span - this.#ahead.length
  }

  /** More may be written: everything is on its way, or the slower links need to look further ahead in the stream. */
  get wantsMore(): boolean {
    return this.#queue.bytes === 0 || this.queuedBytes < this.#leadBytes
  }

  /** Whether something could go out now if a link were open for it. */
  get waiting(): boolean {
    return this.queuedBytes > 0 || this.#resends.peek() !== undefined
  }

  get resendCount(): number {
    return this.#resends.length
  }

  /** Bytes that may be sent before the peer or our own send buffer says stop. */
  get spaceBytes(): number {
    return Math.max(0, Math.min(this.#config.sendBuffer - this.unackedBytes, this.#remoteRecvBuffer - this.unconsumedBytes))
  }

  /** Bytes of them that no numbered message has taken. */
  get #spaceToNumber(): number {
    return Math.max(0, this.spaceBytes - this.#ahead.bytes)
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
    if (this.#repeated) {
      const output = this.#takeRepeat(this.#repeated, nowMs)
      if (output) return output
    }
    if (consumedDue && this.window.hasRoomForControl) {
      const link = this.#linkForControl(nowMs)
      if (!link) return undefined
      return this.#sendNew(link, { type: MessageType.Consumed, sequence: this.window.nextSequence, bytes: takeConsumed() }, nowMs)
    }
    const sent = this.#resends.peek()
    // New data never overtakes a resend: with its smaller messages it could keep a narrow link full for ever.
    if (sent && sequenceDistance(sent.sequence, this.#nextNewSequence) > 0) {
      return this.#takeResend(sent, nowMs) ?? this.#takeEnding(nowMs)
    }
    return this.#takeEnding(nowMs) ?? this.#takeLate(nowMs) ?? this.#takeData(nowMs) ?? this.#takeCopy(nowMs)
  }

  /** When something will have to be sent twice that has not to be yet; `Infinity` if nothing. */
  copyDeadlineMs(nowMs: number): number {
    return this.#copies.nextDeadlineMs(nowMs)
  }

  #linkForControl(nowMs: number): EngineLink | undefined {
    let best: EngineLink | undefined
    let bestMs = Number.POSITIVE_INFINITY
    for (const link of this.steering.candidates) {
      if (!link.usable || !link.writable) continue
      const arrivalMs = link.path.arrivalMs(0, nowMs, link.weight)
      if (arrivalMs < bestMs) {
        best = link
        bestMs = arrivalMs
      }
    }
    return best
  }

  #takeResend(sent: SentMessage, nowMs: number): Output | undefined {
    this.#demandResend(sent, nowMs)
    const link = this.#choose(this.steering.candidates)
    if (!link) return undefined
    this.#resends.take()
    this.#repeat(sent, link)
    return this.#transmit(link, sent, nowMs)
  }

  #takeEnding(nowMs: number): Output | undefined {
    const finish = this.#state === 'finishing' && this.queuedBytes === 0
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
    const waitingBytes = this.queuedBytes
    if (waitingBytes === 0) return undefined
    // What has its number takes no more credit.
    const numbered = this.#ahead.peek(0)
    const spaceBytes = this.#spaceForData
    if (!numbered && spaceBytes === 0) return undefined
    const most = Math.min(waitingBytes, numbered ? numbered.bytes : spaceBytes, this.#mostPayload)
    const { demand } = this
    demand.number++
    demand.nowMs = nowMs
    demand.waiting = waitingBytes
    demand.more = this.moreWaiting
    demand.credit = spaceBytes + this.#ahead.bytes
    demand.mostBytes = most
    demand.overheadBytes = DATA_OVERHEAD_BYTES
    const links = this.#trustworthy(nowMs)
    const link = this.#choose(links)
    if (!link) return undefined
    let lead = this.#plan.numbersAhead ? Math.min(leadBytes(links, link, nowMs), demand.credit - most) : 0
    if (lead > 0) this.#leadBytes = lead + 2 * this.#mostPayload
    if (!this.#numberUntil(lead, links, link)) {
      // The quicker links carry what there is, as long as something comes back from them.
      if (links.some(other => other !== link && other.inFlight > 0)) return undefined
      lead = 0
    }
    const sent = this.#takeAhead(lead, link) ?? this.#numberData(link.path.chunkBytes())
    link.carriedBefore ??= this.#carriedBytes
    link.carriedBytes += sent.bytes
    this.#carriedBytes += sent.bytes
    this.#repeat(sent, link)
    return this.#transmit(link, sent, nowMs)
  }

  /** Numbers messages for the other links, small enough for any of them; false if there is too little. */
  #numberUntil(lead: number, links: readonly EngineLink[], chosen: EngineLink): boolean {
    let bytes = this.#mostPayload
    if (this.#ahead.bytes < lead) {
      for (const link of links) if (link !== chosen) bytes = Math.min(bytes, link.path.chunkBytes())
    }
    while (this.#ahead.bytes < lead) {
      if (this.#spaceForData <= bytes || this.#queue.bytes <= bytes) return false
      this.#ahead.push(this.#numberData(bytes))
    }
    return this.#ahead.peek(lead) !== undefined || this.#mayNumber
  }

  get #mayNumber(): boolean {
    return this.#queue.bytes > 0 && this.#spaceForData > 0
  }

  /** The message that far ahead, if it is small enough for the link or nothing else is left. */
  #takeAhead(lead: number, link: EngineLink): SentMessage | undefined {
    const sent = this.#ahead.peek(lead)
    if (lead > 0 && sent && sent.bytes > MOST_CHUNKS * link.path.chunkBytes() && this.#mayNumber) return undefined
    return this.#ahead.take(lead)
  }

  #numberData(mostBytes: number): SentMessage {
    const bytes = Math.min(mostBytes, this.#queue.bytes, this.#spaceToNumber, this.#mostPayload)
    const payload = this.#queue.take(bytes)
    return this.window.append({ type: MessageType.Data, sequence: this.window.nextSequence, payload, bytes })
  }

  get #mostPayload(): number {
    return Math.min(this.#config.chunkSize, payloadLimit(this.#remoteRecvBuffer))
  }

  /** Bytes that new messages may take. */
  get #spaceForData(): number {
    const spaceBytes = this.#spaceToNumber
    return !this.#mayNumberData || this.#tooLittleSpace(spaceBytes) ? 0 : spaceBytes
  }

  /** The link that the schedule gives the message at hand to, if that may go out now. */
  #choose(links: readonly EngineLink[]): EngineLink | undefined {
    if (!this.#foreign) return (this.#plan.scheduler.choose(links, this.demand) as EngineLink | null) ?? undefined
    try {
      return this.#foreign.choose(links)
    } catch (error) {
      this.schedule = 'aggregate'
      this.#onSchedulerFailed(error as Error)
      return (aggregate.choose(links, this.demand) as EngineLink | null) ?? undefined
    }
  }

  /** The links that may carry new data: while one with a history works, newcomers get no more than half of it. */
  #trustworthy(nowMs: number): readonly EngineLink[] {
    const links = this.steering.candidates
    let newcomers = 0
    for (const link of links) if (isNewcomer(link, nowMs)) newcomers++
    if (newcomers === 0 || newcomers === links.length) return links
    return links.filter(link => {
      const othersBytes = this.#carriedBytes - (link.carriedBefore ?? this.#carriedBytes) - link.carriedBytes
      return !isNewcomer(link, nowMs) || link.carriedBytes <= othersBytes + UNPROVEN_BYTES
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

  /** Looks once after each change: new messages that go out in between make none late. */
  #takeLate(nowMs: number): Output | undefined {
    if (!this.#lateDue) return undefined
    const output = this.#sendCopy(this.#copies.whenLate(this.#nextNewSequence, nowMs), nowMs)
    this.#lateDue = output !== undefined
    this.#lateSeenMs = nowMs
    return output
  }

  #takeCopy(nowMs: number): Output | undefined {
    // Time has passed while the new ones went out.
    if (nowMs > this.#lateSeenMs) {
      this.#lateDue = true
      const late = this.#takeLate(nowMs)
      if (late) return late
    }
    const nothingNew = this.queuedBytes === 0 && !this.moreWaiting
    if (!nothingNew && (this.#ahead.bytes > 0 || this.#spaceForData > 0)) return undefined
    return this.#sendCopy(this.#copies.whenIdle(nowMs), nowMs)
  }

  #sendCopy(copy: Copy | undefined, nowMs: number): Output | undefined {
    return copy && this.#transmit(copy.link, copy.sent, nowMs)
  }

  get #nextNewSequence(): number {
    return this.#ahead.peek(0)?.sequence ?? this.window.nextSequence
  }

  #sendNew(link: EngineLink, message: ReliableMessage, nowMs: number): Output {
    const sent = this.window.append(message)
    this.#repeat(sent, link)
    return this.#transmit(link, sent, nowMs)
  }

  // ---- every message over several links

  /** Further links get the message right behind the first one. */
  #repeat(sent: SentMessage, link: EngineLink): void {
    if (this.#plan.linksPerMessage === 1) return
    this.#repeated = sent
    this.#carriers.length = 0
    this.#carriers.push(link)
  }

  /** Takes no credit. Behind one on a link with a history those without get none: their acks must not be what is believed. */
  #takeRepeat(sent: SentMessage, nowMs: number): Output | undefined {
    let best: EngineLink | undefined
    if (!sent.acked && this.#carriers.length < this.#plan.linksPerMessage) {
      this.#demandResend(sent, nowMs)
      for (const link of this.steering.candidates) {
        if (!link.usable || !link.open || this.#carriers.includes(link)) continue
        if (link.flights.length >= MOST_IN_FLIGHT_TO_REPEAT) continue
        if (isNewcomer(link, nowMs) && !isNewcomer(this.#carriers[0] as EngineLink, nowMs)) continue
        if (!best || link.arrival < best.arrival) best = link
      }
    }
    if (best) {
      this.#carriers.push(best)
      return this.#transmit(best, sent, nowMs)
    }
    this.#repeated = undefined
    return undefined
  }

  /** It was cut for another link and may be larger than the whole window of the one that it goes to. */
  #demandResend(sent: SentMessage, nowMs: number): void {
    const { demand } = this
    const size = wireSize(sent.message)
    demand.number++
    demand.nowMs = nowMs
    demand.waiting = size
    demand.more = true
    demand.credit = Number.POSITIVE_INFINITY
    demand.mostBytes = size
    demand.overheadBytes = 0
  }

  #transmit(link: EngineLink, sent: SentMessage, nowMs: number): Output {
    const bytes = wireSize(sent.message)
    const flight = link.path.send(sent, link, bytes, nowMs)
    link.chargeLimit(bytes, nowMs)
    link.flights.push(flight)
    sent.flight = flight
    sent.liveFlights++
    sent.transmissions++
    return flight
  }
}

function isNewcomer({ workingSinceMs }: EngineLink, nowMs: number): boolean {
  return workingSinceMs !== undefined && nowMs - workingSinceMs < HISTORY_MS
}
