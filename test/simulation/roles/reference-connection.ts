// The reference as an engine: it behaves as docs/protocol.md says that aggligator does, and is strict with its peer. It
// shares nothing with the library's engine but the types of what goes in and out.

import type { ConnectionOptions, NewLink } from '../../../lib/engine/connection.ts'
import type { ConnectionStats } from '../../../lib/engine/connection-stats.ts'
import type { EngineLink } from '../../../lib/engine/engine-link.ts'
import type { ConnectionFailure, EngineEvent, LinkCloseReason, NotWorkingReason, Output } from '../../../lib/engine/events.ts'
import { type LinkMessage, MessageType } from '../../../lib/protocol/messages.ts'
import { ProtocolError } from '../../../lib/protocol/protocol-error.ts'
import { Queue } from '../queue.ts'
import type { Engine } from './engine.ts'
import { ReferenceLink, referenceLink } from './reference-link.ts'
import { ReferenceReceiver } from './reference-receiver.ts'
import { ReferenceSender } from './reference-sender.ts'
import type { ReferenceVersion } from './reference-version.ts'

/** Test data goes out in packets of this size, and so much of it at most where there is no limit. */
const TEST_PACKET_BYTES = 8_192
const MOST_TEST_BYTES = 2_097_152
/** Acks fill the buffer of a link then, and are flushed by that. */
const MOST_ACKS_HELD = 512

export class ReferenceConnection implements Engine {
  readonly #version: ReferenceVersion
  readonly #links: ReferenceLink[] = []
  readonly #sender: ReferenceSender
  readonly #receiver: ReferenceReceiver
  readonly #events = new Queue<EngineEvent>()
  #nowMs: number
  #turn = 0
  #closed = false
  #terminatingSinceMs: number | undefined
  #notWorkingSinceMs: number | undefined
  #establishedMs: number | null = null
  #finishedSinceMs: number | undefined
  #writableTold = true
  #readableTold = false
  #endTold = false
  #finishTold = false
  #refusalTold = false
  moreWaiting = false

  constructor(version: ReferenceVersion, options: ConnectionOptions, nowMs: number) {
    const { config, firstSequence = { send: 0, receive: 0 } } = options
    this.#version = version
    this.#nowMs = nowMs
    this.#notWorkingSinceMs = nowMs
    this.#sender = new ReferenceSender(version, config.sendBuffer, firstSequence.send)
    this.#receiver = new ReferenceReceiver(version, config.recvBuffer, firstSequence.receive, message => {
      const sender = this.#sender
      if (message.type === MessageType.Consumed) {
        if (message.bytes > sender.unconsumedBytes) throw new ProtocolError('more consumed than was sent', 'connection')
        sender.unconsumedBytes -= message.bytes
        return
      }
      if (!this.#refusalTold && !(sender.finished && sender.queuedBytes === 0)) {
        this.#refusalTold = true
        this.#events.push({ kind: 'writeRefused' })
      }
      sender.drop()
      if (message.type === MessageType.ReceiveFinish && !sender.finishSent) sender.refused = true
    })
  }

  // ---------------------------------------------------------------- looking

  get links(): readonly EngineLink[] {
    return this.#links.map(link => link.asEngineLink)
  }

  get closed(): boolean {
    return this.#closed
  }

  get queuedBytes(): number {
    return this.#sender.queuedBytes
  }

  get readableBytes(): number {
    return this.#receiver.readableBytes
  }

  get finished(): boolean {
    return this.#sender.finished && this.#receiver.finished
  }

  get used(): boolean {
    return this.#establishedMs !== null
  }

  stats(): ConnectionStats {
    const { unackedBytes, unconsumedBytes, outstanding, resendCount } = this.#sender
    return {
      established: this.#establishedMs,
      notWorkingSince: this.#notWorkingSinceMs ?? null,
      sendSpace: 0,
      unacked: unackedBytes,
      unconsumed: unconsumedBytes,
      unconsumedCount: outstanding,
      unconsumable: 0,
      resendQueue: resendCount,
      receivedUnconsumed: this.#receiver.heldBytes,
      receivedUnconsumedCount: this.#receiver.heldMessages,
    }
  }

  // ---------------------------------------------------------------- links

  addLink({ config, roundTripMs, remoteRecvBuffer }: NewLink, nowMs: number): EngineLink {
    this.#nowMs = nowMs
    const link = new ReferenceLink(this.#version, config, roundTripMs, nowMs)
    link.terminateOwed = this.#terminating
    this.#links.push(link)
    if (this.#sender.remoteRecvBuffer === 0) this.#sender.remoteRecvBuffer = remoteRecvBuffer
    return link.asEngineLink
  }

  setWritable(engineLink: EngineLink, writable: boolean, nowMs: number): void {
    this.#nowMs = nowMs
    const link = referenceLink(engineLink)
    if (!writable && link.writable) link.stuckSinceMs = nowMs
    link.writable = writable
    // Test data without a limit is as much as the link takes at once.
    if (!writable && link.testBytesLeft !== undefined && this.#version.testDataLimit === Number.POSITIVE_INFINITY) {
      link.testBytesLeft = 0
    }
  }

  linkLost(engineLink: EngineLink, reason: LinkCloseReason, nowMs: number, detail?: string): void {
    this.#nowMs = nowMs
    const link = referenceLink(engineLink)
    const orderly = this.finished || link.state === 'leaving'
    this.#closeLink(link, orderly ? 'connection-closed' : reason, true, detail)
    this.#settle()
  }

  linkViolated(engineLink: EngineLink, detail: string, nowMs: number): void {
    this.linkLost(engineLink, 'protocol-error', nowMs, detail)
  }

  disconnectLink(engineLink: EngineLink, nowMs: number): void {
    this.#nowMs = nowMs
    this.#leave(referenceLink(engineLink))
  }

  /** The reference has nothing like it. */
  probeLinks(): void {}

  setBlocked(engineLink: EngineLink, blocked: boolean, nowMs: number): void {
    this.#nowMs = nowMs
    const link = referenceLink(engineLink)
    if (link.closed || link.blocked === blocked) return
    link.blocked = blocked
    this.#events.push({ kind: 'linkBlocked', link: engineLink })
  }

  /** The reference has no policies. */
  setPolicy(): void {}

  setSchedule(): void {}

  // ---------------------------------------------------------------- application

  write(chunks: readonly Uint8Array[], nowMs: number): void {
    this.#nowMs = nowMs
    if (this.#closed || this.#terminating || !this.#sender.open) return
    for (const chunk of chunks) this.#sender.write(chunk)
    this.#writableTold = false
  }

  finish(nowMs: number): void {
    this.#nowMs = nowMs
    this.#sender.finish()
  }

  read(): Uint8Array | undefined {
    const piece = this.#receiver.read()
    if (this.#receiver.readableBytes === 0) this.#readableTold = false
    return piece
  }

  closeRead(nowMs: number): void {
    this.#nowMs = nowMs
    if (this.#receiver.close()) this.#sender.wantReceiveClose()
  }

  dropRead(nowMs: number): void {
    this.#nowMs = nowMs
    if (this.#receiver.drop()) this.#sender.wantReceiveFinish()
  }

  /** A version that knows no Terminate just goes. */
  terminate(nowMs: number): void {
    this.#nowMs = nowMs
    if (this.#closed || this.#terminating) return
    if (!this.#version.knowsTerminate) {
      this.#close('terminated')
      return
    }
    this.#terminatingSinceMs = nowMs
    for (const link of this.#links) link.terminateOwed = true
    if (this.#links.length === 0) this.#close('terminated')
  }

  abort(failure: ConnectionFailure | undefined, nowMs: number, detail?: string): void {
    this.#nowMs = nowMs
    this.#close(failure, detail)
  }

  // ---------------------------------------------------------------- driving

  receive(engineLink: EngineLink, message: LinkMessage, nowMs: number): void {
    this.#nowMs = nowMs
    const link = referenceLink(engineLink)
    if (this.#closed || link.closed) return
    try {
      this.#receive(link, message)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      if (error.scope === 'link') this.#closeLink(link, 'protocol-error', true, error.message)
      else this.#close('protocol-error', error.message)
    }
    this.#settle()
  }

  takeOutput(nowMs: number): Output | undefined {
    this.#nowMs = nowMs
    if (this.#closed) return undefined
    for (const link of this.#rotated()) {
      if (!link.writable) continue
      const message = this.#terminating ? this.#nextTerminate(link) : this.#nextOf(link)
      if (!message) continue
      link.lastSentMs = nowMs
      return { link: link.asEngineLink, message }
    }
    if (!this.#writableTold && this.#sender.queuedBytes === 0) {
      this.#writableTold = true
      this.#events.push({ kind: 'writable' })
    }
    this.#settle()
    return undefined
  }

  takeEvent(): EngineEvent | undefined {
    return this.#events.shift()
  }

  get nextDeadlineMs(): number | undefined {
    if (this.#closed) return undefined
    const version = this.#version
    if (this.#terminatingSinceMs !== undefined) return this.#terminatingSinceMs + version.terminationTimeoutMs
    let earliest = Number.POSITIVE_INFINITY
    if (this.#notWorkingSinceMs !== undefined) earliest = this.#notWorkingSinceMs + version.noLinkTimeoutMs
    if (this.#finishedSinceMs !== undefined) earliest = Math.min(earliest, this.#finishedSinceMs + version.terminationTimeoutMs)
    for (const link of this.#links) {
      earliest = Math.min(
        earliest,
        this.#removalOf(link)?.atMs ?? Number.POSITIVE_INFINITY,
        link.working ? link.ackDeadlineMs : Number.POSITIVE_INFINITY,
        link.working && link.writable && link.pingSentMs === undefined
          ? link.lastSentMs + version.pingIntervalMs
          : Number.POSITIVE_INFINITY,
        link.retestMs ?? Number.POSITIVE_INFINITY,
        link.acksOwed.length > 0 && link.writable ? Math.max(link.oldestAckMs + version.flushDelayMs, this.#nowMs) : Infinity,
      )
    }
    return earliest === Number.POSITIVE_INFINITY ? undefined : earliest
  }

  expire(nowMs: number): void {
    this.#nowMs = nowMs
    if (this.#closed) return
    if (this.#terminatingSinceMs !== undefined) {
      if (nowMs >= this.#terminatingSinceMs + this.#version.terminationTimeoutMs) this.#close('terminated')
      return
    }
    for (const link of [...this.#links]) {
      const removal = this.#removalOf(link)
      if (removal && nowMs >= removal.atMs) this.#closeLink(link, removal.reason, true)
      else if (link.working && nowMs >= link.ackDeadlineMs) this.#unconfirm(link, 'ack-timeout')
      if (link.retestMs !== undefined && nowMs >= link.retestMs) this.#beginTest(link)
    }
    const { noLinkTimeoutMs, terminationTimeoutMs } = this.#version
    const alone = this.#notWorkingSinceMs !== undefined && nowMs >= this.#notWorkingSinceMs + noLinkTimeoutMs
    const overdue = this.#finishedSinceMs !== undefined && nowMs >= this.#finishedSinceMs + terminationTimeoutMs
    if (alone || overdue) this.#close(this.finished && this.#sender.delivered ? undefined : 'no-links-timeout')
    this.#settle()
  }

  // ---------------------------------------------------------------- receiving

  #receive(link: ReferenceLink, message: LinkMessage): void {
    switch (message.type) {
      case MessageType.Data:
      case MessageType.Consumed:
      case MessageType.SendFinish:
      case MessageType.ReceiveClose:
      case MessageType.ReceiveFinish:
        if (link.goodbyeReceived) throw new ProtocolError('a reliable message behind Goodbye', 'connection')
        if (link.acksOwed.length === 0) link.oldestAckMs = this.#nowMs
        if (!link.goodbyeSent) link.acksOwed.push(message.sequence)
        this.#receiver.receive(message)
        if (this.#receiver.readableBytes > 0 && !this.#readableTold) {
          this.#readableTold = true
          this.#events.push({ kind: 'readable' })
        }
        break
      case MessageType.Ack:
        this.#receiveAck(link, message.sequence)
        break
      case MessageType.Ping:
        link.pongOwed = true
        break
      case MessageType.Pong:
        this.#receivePong(link)
        break
      case MessageType.TestData:
        break
      case MessageType.SetBlock:
        if (link.remotelyBlocked === message.blocked) break
        link.remotelyBlocked = message.blocked
        this.#events.push({ kind: 'linkBlocked', link: link.asEngineLink })
        break
      case MessageType.Goodbye:
        if (link.goodbyeReceived) throw new ProtocolError('a second Goodbye', 'connection')
        link.goodbyeReceived = true
        this.#leave(link)
        this.#closeIfParted(link)
        break
      case MessageType.Terminate:
        this.#receiveTerminate(link)
        break
      default:
        throw new ProtocolError(`message of type ${message.type} behind the handshake`, 'connection')
    }
  }

  #receiveAck(link: ReferenceLink, sequence: number): void {
    const sent = link.acknowledged(sequence, this.#nowMs)
    if (!sent) throw new ProtocolError(`the ack of ${sequence} is not due on this link`, 'connection')
    this.#sender.acknowledged(sent, link)
    if (link.state === 'unconfirmed' && link.reason === 'ack-timeout' && !link.awaitsAcks) this.#confirm(link)
  }

  #receivePong(link: ReferenceLink): void {
    const { pingSentMs } = link
    if (pingSentMs === undefined) throw new ProtocolError('nobody asked for a Pong', 'connection')
    link.pingSentMs = undefined
    const roundTripMs = this.#nowMs - pingSentMs
    link.measured(roundTripMs)
    if (link.state !== 'unconfirmed') {
      if (link.working && this.#isSlow(link)) this.#unconfirm(link, 'max-ping')
      return
    }
    if (roundTripMs <= this.#version.ackTimeoutMaxMs / 2 && !this.#isSlow(link)) this.#confirm(link)
    else {
      link.testBytesLeft = undefined
      link.retestMs = this.#nowMs + this.#version.retestIntervalMs
    }
  }

  #receiveTerminate(link: ReferenceLink): void {
    if (!this.#version.knowsTerminate) throw new ProtocolError(`unknown message type ${MessageType.Terminate}`)
    if (!this.#terminating) {
      this.#events.push({ kind: 'terminated' })
      this.terminate(this.#nowMs)
    }
    link.goodbyeReceived = true
    this.#closeIfTerminated(link)
  }

  // ---------------------------------------------------------------- sending

  /** The links, beginning behind the one that was used last. */
  #rotated(): ReferenceLink[] {
    this.#turn = (this.#turn + 1) % Math.max(1, this.#links.length)
    return [...this.#links.slice(this.#turn), ...this.#links.slice(0, this.#turn)]
  }

  #nextOf(link: ReferenceLink): LinkMessage | undefined {
    if (link.goodbyeSent) return undefined
    const urgent = this.#nextUrgent(link)
    // Acks lie in the buffer of the link; what is sent behind them flushes them, too.
    const reliable = urgent || !this.#ackDue(link) ? undefined : this.#ack(link)
    return urgent ?? reliable ?? this.#nextTest(link) ?? this.#nextReliable(link)
  }

  #nextUrgent(link: ReferenceLink): LinkMessage | undefined {
    if (link.pongOwed) {
      link.pongOwed = false
      link.oldestAckMs = Number.NEGATIVE_INFINITY
      return { type: MessageType.Pong }
    }
    if (link.state === 'leaving') {
      if (link.acksOwed.length > 0) return this.#ack(link)
      link.goodbyeSent = true
      this.#closeIfParted(link)
      return { type: MessageType.Goodbye }
    }
    if (link.working && link.pingSentMs === undefined && this.#nowMs >= link.lastSentMs + this.#version.pingIntervalMs) {
      link.pingSentMs = this.#nowMs
      return { type: MessageType.Ping }
    }
    if (link.blocked === link.blockAnnounced) return undefined
    link.blockAnnounced = link.blocked
    return { type: MessageType.SetBlock, blocked: link.blocked }
  }

  #ackDue(link: ReferenceLink): boolean {
    if (link.acksOwed.length === 0) return false
    if (link.acksOwed.length >= MOST_ACKS_HELD) return true
    return this.#nowMs >= link.oldestAckMs + this.#version.flushDelayMs || (link.ready && this.#wantsToSend)
  }

  /** The next ack; all that wait go out with it. */
  #ack(link: ReferenceLink): LinkMessage {
    link.oldestAckMs = Number.NEGATIVE_INFINITY
    return { type: MessageType.Ack, sequence: link.acksOwed.shift() as number }
  }

  get #terminating(): boolean {
    return this.#terminatingSinceMs !== undefined
  }

  get #wantsToSend(): boolean {
    return this.#sender.resendCount > 0 || this.#sender.queuedBytes > 0
  }

  #nextTest(link: ReferenceLink): LinkMessage | undefined {
    if (link.state !== 'unconfirmed' || link.retestMs !== undefined || link.pingSentMs !== undefined) return undefined
    if (link.testBytesLeft === undefined && link.reason === 'ack-timeout' && link.awaitsAcks) {
      link.retestMs = this.#nowMs + this.#version.retestIntervalMs
      return undefined
    }
    if (link.testBytesLeft === undefined) this.#beginTest(link)
    const left = link.testBytesLeft ?? 0
    if (left <= 0) {
      link.pingSentMs = this.#nowMs
      return { type: MessageType.Ping }
    }
    const bytes = Math.min(left, TEST_PACKET_BYTES)
    link.testBytesLeft = left - bytes
    return { type: MessageType.TestData, bytes }
  }

  #nextReliable(link: ReferenceLink): LinkMessage | undefined {
    return link.ready ? this.#sender.next(link, () => this.#receiver.takeConsumed(), this.#nowMs) : undefined
  }

  #nextTerminate(link: ReferenceLink): LinkMessage | undefined {
    if (!link.terminateOwed) return undefined
    link.terminateOwed = false
    this.#closeIfTerminated(link)
    return { type: MessageType.Terminate }
  }

  // ---------------------------------------------------------------- life of links

  #beginTest(link: ReferenceLink): void {
    link.retestMs = undefined
    link.testBytesLeft = Math.min(this.#version.testDataLimit, MOST_TEST_BYTES)
  }

  #confirm(link: ReferenceLink): void {
    link.state = 'working'
    link.testBytesLeft = undefined
    link.retestMs = undefined
    this.#events.push({ kind: 'linkWorking', link: link.asEngineLink })
    this.#noteWorking()
  }

  #unconfirm(link: ReferenceLink, reason: NotWorkingReason): void {
    this.#sender.requeue(link)
    link.state = 'unconfirmed'
    link.reason = reason
    link.unconfirmedSinceMs = this.#nowMs
    link.limitBytes = Math.max(link.limitBytes / 2, 8_192)
    link.testBytesLeft = undefined
    if (reason === 'max-ping') link.retestMs = this.#nowMs + this.#version.retestIntervalMs
    this.#events.push({ kind: 'linkNotWorking', link: link.asEngineLink, reason })
    this.#noteWorking()
  }

  #leave(link: ReferenceLink): void {
    if (link.closed || link.state === 'leaving') return
    this.#sender.requeue(link)
    link.state = 'leaving'
    link.unconfirmedSinceMs = this.#nowMs
    this.#events.push({ kind: 'linkNotWorking', link: link.asEngineLink, reason: 'disconnecting' })
    this.#noteWorking()
  }

  #isSlow(link: ReferenceLink): boolean {
    const others = this.#links.filter(other => other !== link && other.working)
    return others.some(other => link.roundTripMs > other.roundTripMs * this.#version.pingSpread)
  }

  #removalOf(link: ReferenceLink): { atMs: number; reason: LinkCloseReason } | undefined {
    const { pingTimeoutMs, nonWorkingTimeoutMs } = this.#version
    const removals: { atMs: number; reason: LinkCloseReason }[] = []
    if (link.pingSentMs !== undefined) removals.push({ atMs: link.pingSentMs + pingTimeoutMs, reason: 'ping-timeout' })
    if (!link.writable) removals.push({ atMs: link.stuckSinceMs + pingTimeoutMs, reason: 'send-timeout' })
    if (!link.working) removals.push({ atMs: link.unconfirmedSinceMs + nonWorkingTimeoutMs, reason: 'non-working-timeout' })
    return removals.sort((one, other) => one.atMs - other.atMs)[0]
  }

  #noteWorking(): void {
    if (this.#links.some(link => link.working)) {
      this.#notWorkingSinceMs = undefined
      this.#establishedMs ??= this.#nowMs
    } else this.#notWorkingSinceMs ??= this.#nowMs
  }

  #closeIfParted(link: ReferenceLink): void {
    if (link.goodbyeSent && link.goodbyeReceived) this.#closeLink(link, 'locally-requested', false)
  }

  #closeIfTerminated(link: ReferenceLink): void {
    if (this.#terminating && !link.terminateOwed && link.goodbyeReceived) this.#closeLink(link, 'terminated', false)
  }

  #closeLink(link: ReferenceLink, reason: LinkCloseReason, abrupt: boolean, detail?: string): void {
    if (link.closed) return
    this.#sender.requeue(link)
    link.state = 'closed'
    this.#links.splice(this.#links.indexOf(link), 1)
    this.#events.push({ kind: 'linkClosed', link: link.asEngineLink, reason, abrupt, detail })
    this.#noteWorking()
    if (this.#terminating && this.#links.length === 0) this.#close('terminated')
  }

  // ---------------------------------------------------------------- the end

  #settle(): void {
    if (this.#closed || this.#terminating) return
    if (this.#receiver.ended && !this.#endTold) {
      this.#endTold = true
      this.#events.push({ kind: 'end' })
    }
    if (this.#sender.finished && !this.#finishTold) {
      this.#finishTold = true
      this.#events.push({ kind: 'finished' })
    }
    if (!this.finished) return
    this.#finishedSinceMs ??= this.#nowMs
    const { heldBytes, unreportedBytes } = this.#receiver
    // Acks that are owed are no reason to stay.
    const done = this.#sender.settled && heldBytes === 0 && unreportedBytes === 0
    if (done || (this.#links.length === 0 && this.#sender.delivered)) this.#close(undefined)
  }

  #close(failure: ConnectionFailure | undefined, detail?: string): void {
    if (this.#closed) return
    this.#closed = true
    const reason: LinkCloseReason = failure === 'protocol-error' || failure === 'terminated' ? failure : 'connection-closed'
    for (const link of [...this.#links]) this.#closeLink(link, reason, failure !== undefined)
    this.#events.push({ kind: 'closed', failure, detail })
  }
}
