// Drives the engine of one connection: feeds it what its links deliver, sends what it says, tells its owner what
// happened, and keeps its one timer.

import { afterInput, now, soon } from '#platform/loop'
import type { Config, LinkConfig } from './config.ts'
import { Connection } from './engine/connection.ts'
import type { ConnectionStats } from './engine/connection-stats.ts'
import type { EngineLink, LinkStats } from './engine/engine-link.ts'
import type { ConnectionFailure, EngineEvent, LinkCloseReason, NotWorkingReason } from './engine/events.ts'
import type { LinkPolicy } from './engine/link-policy.ts'
import { payloadLimit } from './engine/receiver.ts'
import type { Schedule } from './engine/schedulers/schedule.ts'
import type { Link, LinkController } from './link.ts'
import type { ChannelEnd, ChannelHandler, LinkChannel } from './link-channel.ts'
import { linkError } from './link-error.ts'
import { Extension, hasExtension } from './protocol/extensions.ts'
import type { LinkMessage } from './protocol/messages.ts'
import { FrameError, ProtocolError } from './protocol/protocol-error.ts'
import { throwLater } from './run-foreign.ts'
import { setReferenced } from './set-referenced.ts'

/** A timer that fires so late waits for input that has long arrived before anything is judged (threat model, L6). */
const LATE_MS = 5
/** Reading of a link stops when so many acks wait to be sent on it, and goes on at half of it. */
const ACKS_OWED_LIMIT = 131_072

/** What the owner of a bond is told. */
export interface BondHandler {
  /** `read` has bytes. */
  readable(): void
  /** The peer finished writing and all of it was read. */
  ended(): void
  /** All that was written is on its way. */
  writable(): void
  /** SendFinish is on its way. */
  finished(): void
  /** The peer takes no more. */
  writeRefused(): void
  /** @param error - why the link was lost, if it was */
  linkClosed(link: Link, reason: LinkCloseReason, error: Error | undefined): void
  /** The connection is over, though links may still be told. Without `failure` in good order. Once, and the last call. */
  closed(failure: ConnectionFailure | undefined, detail: string | undefined): void
  /** Whether there is more to write behind what was written; asked before links are chosen. */
  hasMore(): boolean
  /** The application's scheduler failed; 'aggregate' has taken its place. */
  schedulerFailed(error: Error): void
}

/** How a bond is made. */
export interface BondOptions {
  /** @defaultValue 'aggregate' */
  readonly schedule?: Schedule | undefined
  /** The other side made the connection. @defaultValue false */
  readonly accepting?: boolean | undefined
}

/** A link whose handshake is done. */
export interface ReadyLink {
  readonly link: Link
  readonly channel: LinkChannel
  readonly roundTripMs: number
  readonly remoteRecvBuffer: number
  /** As the other side said them in the handshake. */
  readonly remoteExtensions: number
  /** See `NewLink.known`. @defaultValue false */
  readonly known?: boolean | undefined
}

export class Bond {
  readonly #engine: Connection
  readonly #recvBuffer: number
  readonly #members = new Map<EngineLink, Member>()
  #handler: BondHandler
  #pumping = false
  #pumpWanted = false
  #pumpScheduled = false
  #inputScheduled = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #timerMs = 0
  /** Of the engine when all was last looked after. */
  #deadlineMs = 0
  #referenced = true
  #timersReferenced = true
  readonly #lingerMs: number
  #lingering = false
  #lingerTimer: ReturnType<typeof setInterval> | undefined
  /** What was owed to the peer when it was last looked at. */
  #owedBefore = Number.POSITIVE_INFINITY
  /** What the other side did wrong, and on which link. */
  #violation: string | undefined
  #closedTold = false
  #failure: ConnectionFailure | undefined

  constructor(config: Config, handler: BondHandler, options: BondOptions = {}) {
    this.#lingerMs = config.terminationTimeout
    this.#engine = new Connection({ config, ...options }, now())
    this.#recvBuffer = config.recvBuffer
    this.#handler = handler
    this.#armTimer()
  }

  /** Another owner, or none that cares. */
  set handler(handler: BondHandler) {
    this.#handler = handler
  }

  get links(): readonly Link[] {
    return Array.from(this.#members.values(), member => member.link)
  }

  get closed(): boolean {
    return this.#engine.closed
  }

  /** Whether a link ever worked, for this side or for the peer. */
  get used(): boolean {
    return this.#engine.used
  }

  /** Why the connection ended; `undefined` before, and if it ended in good order. */
  get failure(): ConnectionFailure | undefined {
    return this.#failure
  }

  /** Bytes written that are not on their way. */
  get queuedBytes(): number {
    return this.#engine.queuedBytes
  }

  stats(): ConnectionStats {
    return this.#engine.stats(now())
  }

  /** Takes in a link; its messages go to this bond from here on. */
  join(ready: ReadyLink): void {
    const { link, channel, roundTripMs, remoteRecvBuffer, remoteExtensions, known } = ready
    const remoteAcksAll = hasExtension(remoteExtensions, Extension.AcksBeforeClosing)
    const engineLink = this.#engine.addLink(
      {
        config: link.config,
        roundTripMs,
        remoteRecvBuffer,
        remoteAcksAll,
        checksummed: channel.checksummed,
        known,
        id: link.id,
        tag: link.tag,
      },
      now(),
    )
    const member = new Member(this, this.#engine, engineLink, link, channel)
    this.#members.set(engineLink, member)
    channel.finishHandshake(payloadLimit(this.#recvBuffer), hasExtension(remoteExtensions, Extension.AuthenticatedLink))
    channel.handler = member
    link.attach(member)
    if (!this.#referenced) setReferenced(link.stream, false)
    if (!channel.writable) this.#engine.setWritable(engineLink, false, now())
    this.schedule()
  }

  write(chunks: readonly Uint8Array[]): void {
    this.#engine.write(chunks, now())
    this.schedule()
  }

  finish(): void {
    this.#engine.finish(now())
    this.schedule()
  }

  /** Next bytes for the application, which thereby has taken them; `undefined` when there are none. */
  read(): Uint8Array | undefined {
    const piece = this.#engine.read()
    if (piece) this.schedule()
    return piece
  }

  dropRead(): void {
    this.#engine.dropRead(now())
    this.schedule()
  }

  terminate(): void {
    this.#engine.terminate(now())
    this.schedule()
  }

  setSchedule(schedule: Schedule): void {
    this.#engine.setSchedule(schedule, now())
    this.schedule()
  }

  /** Something suggests that the links may be dead: finds out soon. */
  probeLinks(): void {
    this.#engine.probeLinks(now())
    this.schedule()
  }

  /** The server that held the other end is gone: the end of the connection, in good order if both sides had finished. */
  serverLost(failure: ConnectionFailure): void {
    this.#engine.abort(this.#engine.finished ? undefined : failure, now())
    this.schedule()
  }

  /** Ends at once, without a word to the peer. */
  abort(failure: ConnectionFailure): void {
    this.#engine.abort(failure, now())
    this.schedule()
  }

  /** Whether links and timers keep the process alive. */
  set referenced(referenced: boolean) {
    this.#referenced = referenced
    this.#timersReferenced = referenced
    for (const { link } of this.#members.values()) setReferenced(link.stream, referenced)
    if (referenced) this.#timer?.ref?.()
    else this.#timer?.unref?.()
  }

  /**
   * The application is gone. Links keep the process alive until the peer has everything; timers do not: without a link
   * there is nobody to deliver to. A peer that takes nothing for long gets a forced end.
   */
  linger(): void {
    if (this.#lingering || this.#engine.closed) return
    this.#lingering = true
    this.#timersReferenced = false
    this.#timer?.unref?.()
    this.#lingerTimer = setInterval(this.#checkLinger, this.#lingerMs)
    this.#lingerTimer.unref?.()
    this.schedule()
  }

  /** Looks after everything soon: once for all that happens in this turn. */
  schedule(): void {
    this.#pumpWanted = true
    if (this.#pumping || this.#pumpScheduled) return
    this.#pumpScheduled = true
    soon(this.#runScheduled)
  }

  /** Looks after everything now. */
  pump(): void {
    this.#pumpWanted = true
    if (this.#pumping) return
    this.#pumping = true
    while (this.#pumpWanted) {
      // Events first: what the application answers leaves together with the acks of what it answers.
      this.#tellEvents()
      this.#pumpWanted = false
      this.#sendOutput()
      this.#tellEvents()
    }
    this.#pumping = false
    this.#armTimer()
    if (this.#lingering) this.#releaseProcess()
  }

  /** A link has handed over what it had. The other links get to do the same before everything is looked after. */
  batchEnd(): void {
    if (this.#members.size < 2) this.pump()
    else if (!this.#inputScheduled) {
      this.#inputScheduled = true
      afterInput(this.#runAfterInput)
    }
  }

  readonly #runAfterInput = (): void => {
    this.#inputScheduled = false
    this.pump()
  }

  /** The Duplex of a link is gone. */
  lost(member: Member, reason: LinkCloseReason, error: Error | undefined): void {
    member.error = error
    const { engineLink } = member
    if (error instanceof ProtocolError && error.scope === 'connection') this.#engine.abort('protocol-error', now(), error.message)
    else if (error instanceof ProtocolError && !(error instanceof FrameError))
      this.#engine.linkViolated(engineLink, error.message, now())
    else this.#engine.linkLost(engineLink, reason, now(), error?.message)
    this.schedule()
  }

  readonly #runScheduled = (): void => {
    this.#pumpScheduled = false
    if (this.#pumpWanted) this.pump()
  }

  #sendOutput(): void {
    const engine = this.#engine
    engine.moreWaiting = this.#handler.hasMore()
    let nowMs = now()
    for (let output = engine.takeOutput(nowMs); output; output = engine.takeOutput(nowMs)) {
      const member = this.#members.get(output.link)
      if (!member) continue
      // A link within the process may deliver, and its peer answer, while it is written to.
      if (member.channel.send(output.message)) nowMs = now()
      if (!member.channel.writable) engine.setWritable(output.link, false, nowMs)
    }
    this.#members.forEach(flush)
  }

  #tellEvents(): void {
    for (let event = this.#engine.takeEvent(); event; event = this.#engine.takeEvent()) {
      try {
        this.#tell(event)
      } catch (error) {
        throwLater(error)
      }
    }
  }

  #tell(event: EngineEvent): void {
    switch (event.kind) {
      case 'readable':
        this.#handler.readable()
        break
      case 'end':
        this.#handler.ended()
        break
      case 'writable':
        this.#handler.writable()
        break
      case 'finished':
        this.#handler.finished()
        break
      case 'writeRefused':
        this.#handler.writeRefused()
        break
      case 'terminated':
        this.#tellClosed('terminated', undefined)
        break
      case 'linkWorking':
        this.#members.get(event.link)?.link.emit('working')
        break
      case 'linkNotWorking':
        this.#members.get(event.link)?.link.emit('notworking', event.reason)
        break
      case 'linkBlocked':
        this.#members.get(event.link)?.link.emit('blocked')
        break
      case 'schedulerFailed':
        this.#handler.schedulerFailed(event.error)
        break
      case 'linkClosed':
        this.#closeMember(event.link, event.reason, event.abrupt, event.detail)
        break
      case 'closed':
        this.#clearTimer()
        clearInterval(this.#lingerTimer)
        this.#tellClosed(event.failure, event.failure === 'protocol-error' ? this.#violation : event.detail)
        break
    }
  }

  #tellClosed(failure: ConnectionFailure | undefined, detail: string | undefined): void {
    if (this.#closedTold) return
    this.#closedTold = true
    this.#failure = failure
    this.#handler.closed(failure, detail)
  }

  #closeMember(engineLink: EngineLink, reason: LinkCloseReason, abrupt: boolean, detail: string | undefined): void {
    const member = this.#members.get(engineLink)
    if (!member) return
    this.#members.delete(engineLink)
    member.channel.handler = IGNORE
    if (abrupt) member.channel.destroy()
    else member.channel.end()
    member.link.detach(reason)
    const error = linkError(member.link.tag, reason, member.error, detail)
    if (reason === 'protocol-error') this.#violation ??= error?.message
    this.#handler.linkClosed(member.link, reason, error)
  }

  // ---- lingering

  /** What the peer has not got, or not taken; 0 once it has everything. */
  get #owed(): number {
    const { unconsumed, unconsumedCount } = this.#engine.stats(now())
    return this.#engine.queuedBytes + unconsumed + unconsumedCount
  }

  readonly #checkLinger = (): void => {
    const owed = this.#owed
    if (owed >= this.#owedBefore) this.terminate()
    this.#owedBefore = owed
  }

  /** The peer holds everything: that its application has not read it yet is no reason to stay for. */
  #releaseProcess(): void {
    if (!this.#referenced || this.#engine.closed || !this.#engine.finished || this.#engine.queuedBytes > 0) return
    if (this.#engine.stats(now()).unconsumedCount === 0) this.referenced = false
  }

  // ---- the timer

  #armTimer(): void {
    const deadlineMs = this.#engine.nextDeadlineMs
    if (deadlineMs === undefined) {
      this.#clearTimer()
      return
    }
    this.#deadlineMs = deadlineMs
    // A timer that fires too early is set again: cheaper than setting it anew for every message.
    if (this.#timer !== undefined && this.#timerMs <= deadlineMs) return
    this.#clearTimer()
    this.#setTimer(now())
  }

  #setTimer(nowMs: number): void {
    this.#timerMs = this.#deadlineMs
    this.#timer = setTimeout(this.#onTimer, Math.max(1, Math.ceil(this.#deadlineMs - nowMs)))
    if (!this.#timersReferenced) this.#timer.unref?.()
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#timer = undefined
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    const dueMs = this.#timerMs
    const nowMs = now()
    // What the loop loses until then counts, too: it may stand still between this timer and the round of input.
    if (nowMs - dueMs > LATE_MS) afterInput(() => this.#expire(now() - dueMs))
    else if (nowMs < this.#deadlineMs) this.#setTimer(nowMs)
    else this.#expire(0)
  }

  #expire(lateMs: number): void {
    this.#engine.expire(now(), lateMs)
    this.pump()
  }
}

function flush(member: Member): void {
  member.flush()
}

/** Joins one link's channel, its engine side and its public face. */
class Member implements ChannelHandler, LinkController {
  readonly engineLink: EngineLink
  readonly link: Link
  readonly channel: LinkChannel
  /** What the Duplex failed with. */
  error: Error | undefined
  readonly #bond: Bond
  readonly #engine: Connection

  constructor(bond: Bond, engine: Connection, engineLink: EngineLink, link: Link, channel: LinkChannel) {
    this.#bond = bond
    this.#engine = engine
    this.engineLink = engineLink
    this.link = link
    this.channel = channel
  }

  flush(): void {
    this.channel.flush()
    if (this.engineLink.writable && !this.channel.writable) this.#engine.setWritable(this.engineLink, false, now())
    if (this.engineLink.acksOwed.length <= ACKS_OWED_LIMIT / 2) this.channel.resume()
  }

  // ---- of the channel

  message(message: LinkMessage): void {
    this.#engine.receive(this.engineLink, message, now())
    if (this.engineLink.acksOwed.length >= ACKS_OWED_LIMIT) this.channel.pause()
  }

  batchEnd(): void {
    this.#bond.batchEnd()
  }

  drained(): void {
    this.#engine.setWritable(this.engineLink, true, now())
    this.#bond.pump()
  }

  closed(how: ChannelEnd, error: Error | undefined): void {
    this.#bond.lost(this, how === 'protocol-error' ? 'protocol-error' : 'io-error', error)
  }

  // ---- of the link

  get working(): boolean {
    return this.engineLink.working
  }

  get notWorkingReason(): NotWorkingReason | null {
    return this.engineLink.notWorkingReason
  }

  get remotelyBlocked(): boolean {
    return this.engineLink.remotelyBlocked
  }

  get blocked(): boolean {
    return this.engineLink.blocked
  }

  set blocked(blocked: boolean) {
    this.#engine.setBlocked(this.engineLink, blocked, now())
    this.#bond.schedule()
  }

  get config(): LinkConfig {
    return this.engineLink.config
  }

  set config(config: LinkConfig) {
    this.engineLink.config = config
    this.#bond.schedule()
  }

  set policy(policy: LinkPolicy) {
    this.#engine.setPolicy(this.engineLink, policy, now())
    this.#bond.schedule()
  }

  get standby(): boolean {
    return this.engineLink.standby !== 'no'
  }

  get quietMs(): number {
    return now() - this.engineLink.lastReceivedMs
  }

  stats(): LinkStats {
    return this.engineLink.stats(now())
  }

  disconnect(): void {
    this.#engine.disconnectLink(this.engineLink, now())
    this.#bond.schedule()
  }

  drop(): void {
    this.#engine.linkLost(this.engineLink, 'non-working-timeout', now())
    // Closed in good order it would wait for the retransmission timer that was too slow; a reset arrives now.
    resetStream(this.link.stream)
    this.#bond.schedule()
  }
}

/** Sockets of Node can. */
function resetStream(stream: Link['stream']): void {
  ;(stream as { resetAndDestroy?(): void }).resetAndDestroy?.()
}

const IGNORE: ChannelHandler = { message() {}, batchEnd() {}, drained() {}, closed() {} }
