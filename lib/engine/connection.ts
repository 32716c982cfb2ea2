// The aggregator as a machine without I/O: it gets messages, writability, time and application data in and says what
// to send on which link, what to deliver and when it wants to be woken. docs/architecture.md tells how it is driven.

import type { Config, LinkConfig } from '../config.ts'
import { type LinkMessage, MessageType, type ReliableMessage } from '../protocol/messages.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { wireSize } from '../protocol/wire-size.ts'
import { assert } from './assert.ts'
import type { ConnectionStats } from './connection-stats.ts'
import { Ending } from './ending.ts'
import { EngineLink } from './engine-link.ts'
import type { ConnectionFailure, EngineEvent, LinkCloseReason, Output } from './events.ts'
import { Fifo } from './fifo.ts'
import { nextControlMessage } from './link-control.ts'
import { LinkHealth } from './link-health.ts'
import type { LinkPolicy } from './link-policy.ts'
import { LinkTable } from './link-table.ts'
import { ReaderWatch } from './reader-watch.ts'
import { Receiver } from './receiver.ts'
import type { Schedule } from './schedulers/schedule.ts'
import { Sender } from './sender.ts'
import { copyCheckDue, hasOldCopies, patienceEndMs } from './stalled-links.ts'
import { StandbyWatch } from './standby-watch.ts'
import { Termination } from './termination.ts'
import { checkOddAck, Violations } from './violations.ts'

/** Those that come with every message. */
const READABLE: EngineEvent = { kind: 'readable' }
const WRITABLE: EngineEvent = { kind: 'writable' }

/** A scheduler of the application that sends nothing is asked again after this time. */
const ASK_AGAIN_MS = 10

export interface ConnectionOptions {
  readonly config: Config
  /** Sequence numbers to begin with; other than 0 only to test their wrap. */
  readonly firstSequence?: { readonly send: number; readonly receive: number }
  /** @defaultValue 'aggregate' */
  readonly schedule?: Schedule | undefined
  /** The peer made the connection: where both have policies that contradict each other it has its way. @defaultValue false */
  readonly accepting?: boolean | undefined
}

/** What is known of a link from its handshake. */
export interface NewLink {
  readonly config: LinkConfig
  /** As the handshake measured it. */
  readonly roundTripMs: number
  readonly remoteRecvBuffer: number
  /**
   * The other side acks everything before it closes a connection, and says Goodbye then. The reference does neither: when
   * all links are gone and all data was consumed, its acks of the last messages count as lost. @defaultValue false
   */
  readonly remoteAcksAll?: boolean | undefined
  /** Links to the same end have worked long enough: it is no stranger. @defaultValue false */
  readonly known?: boolean | undefined
  /** A checksum guards its messages: what is wrong with them is the peer's doing. @defaultValue false */
  readonly checksummed?: boolean | undefined
  /** What schedulers of the application know it by. */
  readonly id?: number | undefined
  readonly tag?: { toString(): string } | undefined
}

type ConnectionState =
  | { readonly kind: 'open' }
  /** Terminate goes to all links; until each answered, or the time is over. */
  | { readonly kind: 'terminating'; readonly termination: Termination }
  /** Over for this side; Goodbye goes to the links that take it now, so that the peer knows that no link was lost. */
  | { readonly kind: 'parting' }
  | { readonly kind: 'closed' }

/** The same inputs at the same times always give the same outputs. */
export class Connection {
  readonly #config: Config
  readonly #links: EngineLink[] = []
  readonly #sender: Sender
  readonly #receiver: Receiver
  readonly #table: LinkTable
  readonly #health: LinkHealth
  readonly #ending: Ending
  readonly #violations = new Violations()
  readonly #readerWatch: ReaderWatch
  readonly #standbyWatch: StandbyWatch
  readonly #events = new Fifo<EngineEvent>()
  #state: ConnectionState = { kind: 'open' }
  #nowMs: number
  #controlFrom = 0
  /** Links have not been asked since something happened, or owed more then. */
  #controlDue = true
  #writableAnnounced = true
  #readableAnnounced = false

  constructor(options: ConnectionOptions, nowMs: number) {
    const { config, firstSequence = { send: 0, receive: 0 }, schedule = 'aggregate', accepting = false } = options
    this.#config = config
    this.#nowMs = nowMs
    this.#sender = new Sender(config, this.#links, firstSequence.send, schedule, accepting, error =>
      this.#events.push({ kind: 'schedulerFailed', error }),
    )
    this.#receiver = new Receiver(config.recvBuffer, firstSequence.receive, {
      consumed: message => {
        if (!this.#sender.consumed(message.bytes)) throw new ProtocolError('Consumed exceeds what was sent', 'connection')
      },
      receiveClosed: () => {
        this.#ending.announceRefusal()
        this.#sender.close()
      },
      receiveFinished: () => {
        this.#ending.announceRefusal()
        this.#sender.refuse()
      },
    })
    this.#ending = new Ending(this.#links, this.#sender, this.#receiver, this.#events)
    this.#table = new LinkTable(this.#links, this.#sender, this.#events, nowMs)
    this.#health = new LinkHealth(this.#links, config.maxPingSpread, this.#table)
    this.#readerWatch = new ReaderWatch(this.#links, this.#table)
    this.#standbyWatch = new StandbyWatch(this.#links, this.#sender.steering, this.#table)
  }

  // ---------------------------------------------------------------- looking

  /** The present links, in the order in which they joined. */
  get links(): readonly EngineLink[] {
    return this.#links
  }

  get closed(): boolean {
    return this.#state.kind === 'closed'
  }

  /** Bytes written that no message carries yet. */
  get queuedBytes(): number {
    return this.#sender.queuedBytes
  }

  /** Both directions have ended; what is left is to tell the peer. */
  get finished(): boolean {
    return this.#ending.bothFinished
  }

  /** A link has worked, as this side or the peer, which sends nothing before, found out. */
  get used(): boolean {
    return this.#table.establishedMs !== null || this.#receiver.heard
  }

  stats(nowMs: number): ConnectionStats {
    this.#nowMs = nowMs
    const { window, unackedBytes, unconsumedBytes, unconsumedCount } = this.#sender
    return {
      established: this.#table.establishedMs,
      notWorkingSince: this.#table.notWorkingSinceMs,
      sendSpace: this.#sender.spaceBytes,
      unacked: unackedBytes,
      unconsumed: unconsumedBytes,
      unconsumedCount,
      unconsumable: Math.min(window.unconsumableBytes, unconsumedBytes),
      resendQueue: this.#sender.resendCount,
      receivedUnconsumed: this.#receiver.heldBytes,
      receivedUnconsumedCount: this.#receiver.heldMessages,
    }
  }

  // ---------------------------------------------------------------- links

  /** A link whose handshake is done. */
  addLink(options: NewLink, nowMs: number): EngineLink {
    this.#enter(nowMs)
    assert(this.#state.kind !== 'closed', 'link added to a closed connection')
    const { config, roundTripMs, checksummed = false } = options
    const { statsIntervals } = this.#config
    const link = new EngineLink(config, roundTripMs, statsIntervals, nowMs, checksummed, this.#sender.demand, options)
    if (options.known) link.workingSinceMs = Number.NEGATIVE_INFINITY
    this.#table.add(link)
    this.#sender.linkAdded(link)
    this.#sender.remoteRecvBuffer = options.remoteRecvBuffer
    this.#ending.remoteAcksAll = options.remoteAcksAll === true
    if (this.#state.kind === 'terminating') this.#state.termination.add(link)
    return link
  }

  /** The Duplex below the link takes more, or needs a drain first. */
  setWritable(link: EngineLink, writable: boolean, nowMs: number): void {
    // Less is possible than before: nothing new becomes due.
    if (writable) this.#enter(nowMs)
    else this.#nowMs = nowMs
    if (!writable && link.writable) link.stuckSinceMs = nowMs
    link.writable = writable
  }

  /** The Duplex below the link ended or failed; what the link held goes out elsewhere. */
  linkLost(link: EngineLink, reason: LinkCloseReason, nowMs: number, detail?: string): void {
    this.#enter(nowMs)
    if (link.closed) return
    const orderly = this.#ending.complete || link.status.kind === 'leaving'
    this.#closeLink(link, orderly ? this.#orderlyReason(link) : reason, true, detail)
    this.#settle()
  }

  /** The peer sent on the link what it must not. */
  linkViolated(link: EngineLink, detail: string, nowMs: number): void {
    this.#enter(nowMs)
    if (link.closed) return
    this.#violated(link, detail)
    this.#settle()
  }

  /** Removes a link in good order: no more data, Goodbye, the other side's Goodbye. */
  disconnectLink(link: EngineLink, nowMs: number): void {
    this.#enter(nowMs)
    this.#table.leave(link, 'local', nowMs)
  }

  /** Something suggests that the links may be dead: pings them all. */
  probeLinks(nowMs: number): void {
    this.#enter(nowMs)
    this.#health.probe(nowMs)
  }

  /** Stops or allows reliable messages on the link, in both directions. */
  setBlocked(link: EngineLink, blocked: boolean, nowMs: number): void {
    this.#enter(nowMs)
    if (link.blocked === blocked || link.closed) return
    link.blocked = blocked
    this.#events.push({ kind: 'linkBlocked', link })
  }

  /** What the link is used for, from now on. */
  setPolicy(link: EngineLink, policy: LinkPolicy, nowMs: number): void {
    this.#enter(nowMs)
    link.policy = policy
    this.#sender.steering.policyChanged()
  }

  /** Which links messages are given to, from now on. */
  setSchedule(schedule: Schedule, nowMs: number): void {
    this.#enter(nowMs)
    this.#sender.schedule = schedule
  }

  // ---------------------------------------------------------------- application

  /** Whether the application has more to write behind what it wrote; a hint for the choice of links. */
  set moreWaiting(more: boolean) {
    this.#sender.moreWaiting = more
  }

  /** Takes over `chunks`, which must not change any more. The event `writable` follows when all is on its way. */
  write(chunks: readonly Uint8Array[], nowMs: number): void {
    this.#nowMs = nowMs
    if (this.#state.kind !== 'open' || this.#sender.state !== 'open') return
    this.#sender.write(chunks)
    this.#writableAnnounced = false
  }

  /** Nothing follows what was written. */
  finish(nowMs: number): void {
    this.#nowMs = nowMs
    this.#sender.finish()
  }

  /** Next received bytes in order, one piece; they count as taken by the application. */
  read(): Uint8Array | undefined {
    const piece = this.#receiver.read()
    if (this.#receiver.readableBytes === 0) this.#readableAnnounced = false
    return piece
  }

  /** Tells the peer to stop; what is under way is received and dropped. */
  closeRead(nowMs: number): void {
    this.#enter(nowMs)
    if (this.#receiver.close()) this.#sender.wantReceiveClose()
  }

  /** Gives up reading: nothing received from here on is processed. */
  dropRead(nowMs: number): void {
    this.#enter(nowMs)
    if (this.#receiver.drop()) this.#sender.wantReceiveFinish()
  }

  /** Ends the connection by force on both sides. */
  terminate(nowMs: number): void {
    this.#enter(nowMs)
    if (this.#state.kind !== 'open') return
    this.#state = { kind: 'terminating', termination: new Termination(this.#links, nowMs) }
    if (this.#links.length === 0) this.#close('terminated')
  }

  /** Ends the connection at once, without a word to the peer. */
  abort(failure: ConnectionFailure | undefined, nowMs: number, detail?: string): void {
    this.#enter(nowMs)
    this.#close(failure, detail)
  }

  // ---------------------------------------------------------------- driving

  /** Something happens after which links may owe messages, or be able to carry some, as they did not before. */
  #enter(nowMs: number): void {
    this.#nowMs = nowMs
    this.#controlDue = true
    this.#sender.changed()
  }

  /**
   * Takes in one message that arrived on a link. Never throws for what a peer sent.
   *
   * @param message - its payload is kept, not copied: nobody may write to it again
   */
  receive(link: EngineLink, message: LinkMessage, nowMs: number): void {
    this.#enter(nowMs)
    if (link.closed || this.#isOver) return
    link.recordReceived(wireSize(message), nowMs)
    try {
      this.#receive(link, message)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      if (error.scope === 'link') this.#violated(link, error.message)
      else this.#close('protocol-error', error.message, link)
    }
    this.#settle()
  }

  /** Next message to send and its link; `undefined` when nothing may go out. Ask again after every input. */
  takeOutput(nowMs: number): Output | undefined {
    this.#nowMs = nowMs
    if (this.#state.kind === 'closed') return undefined
    if (this.#sender.steer(nowMs)) this.#controlDue = true
    const output = this.#state.kind === 'parting' ? this.#ending.takeParting() : (this.#takeControl() ?? this.#takeReliable())
    if (output) {
      output.link.recordSent(wireSize(output.message), nowMs)
      return output
    }
    if (this.#state.kind === 'parting') this.#close(undefined)
    if (this.#isOver) return undefined
    this.#noteIdleLinks()
    this.#settle()
    if (this.#state.kind !== 'open' || !this.#ending.mayPart) return undefined
    this.#state = { kind: 'parting' }
    return this.takeOutput(nowMs)
  }

  /** Next event for the application, oldest first. */
  takeEvent(): EngineEvent | undefined {
    return this.#events.shift()
  }

  /** Earliest time at which `expire` has work. Any input may move it. */
  get nextDeadlineMs(): number | undefined {
    if (this.#isOver) return undefined
    if (this.#state.kind === 'terminating') return this.#state.termination.deadlineMs
    let earliest = this.#health.nextDeadlineMs(this.#nowMs) ?? Number.POSITIVE_INFINITY
    const { notWorkingSinceMs } = this.#table
    if (notWorkingSinceMs !== null) earliest = Math.min(earliest, notWorkingSinceMs + this.#config.noLinkTimeout)
    const { bothFinishedSinceMs } = this.#ending
    if (bothFinishedSinceMs !== undefined) earliest = Math.min(earliest, bothFinishedSinceMs + this.#config.terminationTimeout)
    if (this.#links.length > 1) {
      earliest = Math.min(earliest, this.#sender.copyDeadlineMs(this.#nowMs))
      earliest = Math.min(earliest, this.#readerWatch.nextDeadlineMs(this.#nowMs))
      if (this.#sender.waiting) earliest = Math.min(earliest, patienceEndMs(this.#links, this.#nowMs))
    }
    earliest = Math.min(
      earliest,
      this.#allowanceMs,
      this.#sender.steering.nextDeadlineMs(this.#nowMs),
      this.#standbyWatch.nextDeadlineMs(this.#nowMs),
    )
    return earliest === Number.POSITIVE_INFINITY ? undefined : earliest
  }

  /** When a rate limit, the pacing or a scheduler of the application may let something through that it holds up. */
  get #allowanceMs(): number {
    let earliest = Number.POSITIVE_INFINITY
    if (!this.#sender.waiting) return earliest
    if (this.#sender.asksAgain) earliest = this.#nowMs + ASK_AGAIN_MS
    for (const { limitedUntilMs, usable, writable, path } of this.#sender.steering.candidates) {
      if (limitedUntilMs > this.#nowMs) earliest = Math.min(earliest, limitedUntilMs)
      if (!usable || !writable || path.pacedUntilMs <= this.#nowMs || !path.hasRoom(path.chunkBytes(), this.#nowMs)) continue
      earliest = Math.min(earliest, path.pacedUntilMs)
    }
    return earliest
  }

  /**
   * Runs every deadline due at `nowMs`. Calling it early or twice does nothing.
   *
   * @param lateMs - how long ago the driver wanted to call this: for so long it may have read nothing, either
   */
  expire(nowMs: number, lateMs = 0): void {
    this.#enter(nowMs)
    if (this.#isOver) return
    if (this.#state.kind === 'terminating') {
      if (nowMs >= this.#state.termination.deadlineMs) this.#close('terminated')
      return
    }
    if (lateMs > 0) this.#health.excuse(lateMs, nowMs)
    this.#health.check(nowMs)
    this.#readerWatch.check(nowMs)
    this.#standbyWatch.check(nowMs)
    const { notWorkingSinceMs } = this.#table
    const { bothFinishedSinceMs } = this.#ending
    if (bothFinishedSinceMs !== undefined && nowMs >= bothFinishedSinceMs + this.#config.terminationTimeout) {
      this.#close(this.#ending.undelivered ? 'no-links-timeout' : undefined)
    } else if (notWorkingSinceMs !== null && nowMs >= notWorkingSinceMs + this.#config.noLinkTimeout) {
      this.#close(this.#ending.complete ? undefined : 'no-links-timeout')
    }
  }

  // ---------------------------------------------------------------- receiving

  #receive(link: EngineLink, message: LinkMessage): void {
    switch (message.type) {
      case MessageType.Data:
      case MessageType.Consumed:
      case MessageType.SendFinish:
      case MessageType.ReceiveClose:
      case MessageType.ReceiveFinish:
        this.#receiveReliable(link, message)
        break
      case MessageType.Ack:
        this.#receiveAck(link, message.sequence)
        break
      case MessageType.Ping:
        link.pongOwed = true
        this.#standbyWatch.pinged(link, this.#nowMs)
        break
      case MessageType.Pong:
        this.#health.pong(link, this.#nowMs)
        this.#recheckSilence()
        break
      case MessageType.TestData:
        link.noteTest(this.#nowMs)
        break
      case MessageType.SetBlock:
        if (link.remotelyBlocked === message.blocked) break
        link.remotelyBlocked = message.blocked
        this.#events.push({ kind: 'linkBlocked', link })
        if (this.#sender.steering.remoteBlockChanged(link, this.#nowMs)) this.#standbyWatch.probe(this.#nowMs)
        this.#recheckSilence()
        break
      case MessageType.Goodbye:
        this.#receiveGoodbye(link, message.over === true)
        break
      case MessageType.Terminate:
        this.#receiveTerminate(link)
        break
      default:
        throw new ProtocolError(`message of type ${message.type} after the handshake`)
    }
  }

  #receiveReliable(link: EngineLink, message: ReliableMessage): void {
    if (link.goodbyeReceived) throw new ProtocolError('reliable message after Goodbye')
    if (this.#receiver.receive(message)) link.acksOwed.push(message.sequence)
    if (message.type === MessageType.Data) {
      link.path.received(message.bytes)
      link.broughtMs = this.#nowMs
    }
    link.retestedMs = Number.NEGATIVE_INFINITY
    if (this.#receiver.readableBytes > 0 && !this.#readableAnnounced) {
      this.#readableAnnounced = true
      this.#events.push(READABLE)
    }
  }

  #receiveAck(link: EngineLink, sequence: number): void {
    const oldest = link.flights.peek()
    if (oldest?.sent.sequence !== sequence) {
      checkOddAck(link, sequence, this.#sender.window)
      return
    }
    link.flights.shift()
    const { sent } = oldest
    if (link.trusted) sent.liveFlights--
    link.path.delivered(oldest, this.#nowMs)
    this.#sender.window.acknowledge(sent)
    this.#health.acked(link, oldest.sentMs, this.#nowMs)
  }

  #receiveGoodbye(link: EngineLink, over: boolean): void {
    if (link.goodbyeReceived) throw new ProtocolError('second Goodbye')
    link.goodbyeReceived = true
    if (over && this.#ending.goodbyeIsEnough) this.#close(undefined)
    else {
      this.#table.leave(link, 'remote', this.#nowMs)
      this.#closeIfGoodbyesDone(link)
    }
  }

  #receiveTerminate(link: EngineLink): void {
    if (this.#state.kind === 'open') {
      this.#events.push({ kind: 'terminated' })
      this.terminate(this.#nowMs)
    }
    // Having terminated and been answered, or answering: either way nothing more comes on this link.
    link.goodbyeReceived = true
    this.#closeIfTerminated(link)
  }

  /** Fails the link; a peer that does it again and again on new links loses the connection. */
  #violated(link: EngineLink, detail: string): void {
    this.#closeLink(link, 'protocol-error', true, detail)
    if (!link.checksummed || this.#state.kind !== 'open') return
    if (this.#violations.add(this.#nowMs)) this.#close('protocol-error', detail)
  }

  // ---------------------------------------------------------------- sending

  /** Messages that belong to one link, in the order of docs/protocol.md section 6; links take turns. */
  #takeControl(): Output | undefined {
    if (!this.#controlDue) return undefined
    const count = this.#links.length
    for (let turn = 0; turn < count; turn++) {
      const index = (this.#controlFrom + turn) % count
      const link = this.#links[index] as EngineLink
      if (!link.writable) continue
      const message =
        this.#state.kind === 'terminating'
          ? this.#nextTerminate(link, this.#state.termination)
          : nextControlMessage(link, this.#nowMs)
      if (!message) continue
      this.#controlFrom = index
      if (message.type === MessageType.Goodbye) this.#closeIfGoodbyesDone(link)
      return { link, message }
    }
    this.#controlDue = false
    return undefined
  }

  #nextTerminate(link: EngineLink, termination: Termination): LinkMessage | undefined {
    if (!termination.take(link)) return undefined
    this.#closeIfTerminated(link)
    return { type: MessageType.Terminate }
  }

  #takeReliable(): Output | undefined {
    if (this.#state.kind !== 'open') return undefined
    const output = this.#sender.takeOutput(this.#receiver.consumedDue, this.#takeUnreported, this.#nowMs)
    if (!this.#writableAnnounced && this.#sender.wantsMore) {
      this.#writableAnnounced = true
      this.#events.push(WRITABLE)
    }
    const sequence = this.#sender.window.nextSequence
    if (output && copyCheckDue(sequence)) this.#closeStalled(sequence)
    return output
  }

  #closeStalled(nextSequence: number): void {
    for (const link of [...this.#links]) if (hasOldCopies(link, nextSequence)) this.#closeLink(link, 'send-timeout')
  }

  readonly #takeUnreported = (): number => this.#receiver.takeUnreported()

  /** Links that could carry more than there is measure the application, not their path. */
  #noteIdleLinks(): void {
    const moreComes = this.#sender.moreWaiting && this.#sender.queuedBytes === 0
    // Pacing that holds something back does not make a link idle.
    const { waiting } = this.#sender
    for (const link of this.#links) {
      const bytes = link.path.chunkBytes()
      const room = waiting ? link.isOpenFor(bytes, this.#nowMs) : link.writable && link.path.hasRoom(bytes, this.#nowMs)
      if (!link.usable || !room) continue
      link.recordIdle(this.#nowMs)
      if (!moreComes) link.path.limitedByApplication()
    }
  }

  // ---------------------------------------------------------------- link states

  #closeIfGoodbyesDone(link: EngineLink): void {
    if (link.goodbyeSent && link.goodbyeReceived) this.#closeLink(link, this.#orderlyReason(link), false)
  }

  #orderlyReason(link: EngineLink): LinkCloseReason {
    if (link.status.kind !== 'leaving') return 'connection-closed'
    return link.status.initiator === 'local' ? 'locally-requested' : 'remotely-requested'
  }

  #closeLink(link: EngineLink, reason: LinkCloseReason, abrupt?: boolean, detail?: string): void {
    this.#table.close(link, reason, this.#nowMs, abrupt, detail)
    this.#enter(this.#nowMs)
    this.#closeIfAllTerminated()
  }

  #closeIfAllTerminated(): void {
    if (this.#state.kind === 'terminating' && this.#links.length === 0) this.#close('terminated')
  }

  #recheckSilence(): void {
    if (this.#links.length < 2 || this.#state.kind !== 'open') return
    this.#health.checkSilence(this.#nowMs)
    this.#standbyWatch.check(this.#nowMs)
  }

  // ---------------------------------------------------------------- the end

  /** Nothing that comes or becomes due matters any more. */
  get #isOver(): boolean {
    return this.#state.kind === 'parting' || this.#state.kind === 'closed'
  }

  /** Announces what has come to an end, and closes the connection when everything has. */
  #settle(): void {
    if (this.#state.kind !== 'open') return
    this.#ending.announce(this.#nowMs)
    if (this.#ending.mayClose) this.#close(undefined)
  }

  #closeIfTerminated(link: EngineLink): void {
    if (this.#state.kind === 'terminating' && this.#state.termination.isDone(link)) this.#closeLink(link, 'terminated', false)
  }

  /** @param culprit - the link that `detail` is about */
  #close(failure: ConnectionFailure | undefined, detail?: string, culprit?: EngineLink): void {
    if (this.#state.kind === 'closed') return
    // What the application just read may have been all there is, which nobody has told it yet.
    if (this.#state.kind === 'open') this.#ending.announce(this.#nowMs)
    this.#state = { kind: 'closed' }
    const reason = closeReasonOf(failure)
    const abrupt = failure !== undefined && failure !== 'terminated'
    for (const link of [...this.#links]) this.#closeLink(link, reason, abrupt, link === culprit ? detail : undefined)
    this.#events.push({ kind: 'closed', failure, detail })
  }
}

function closeReasonOf(failure: ConnectionFailure | undefined): LinkCloseReason {
  switch (failure) {
    case undefined:
      return 'connection-closed'
    case 'terminated':
    case 'protocol-error':
    case 'server-id-mismatch':
      return failure
    default:
      return 'all-unconfirmed-timeout'
  }
}
