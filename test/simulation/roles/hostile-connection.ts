// A hostile peer as an engine: it keeps its links alive as far as it likes, and between lawful messages sends attacks,
// all drawn from the seed. It also watches what the victim sends: nobody may make an engine break its own promises.

import type { ConnectionOptions, NewLink } from '../../../lib/engine/connection.ts'
import type { ConnectionStats } from '../../../lib/engine/connection-stats.ts'
import type { EngineLink } from '../../../lib/engine/engine-link.ts'
import type { ConnectionFailure, EngineEvent, LinkCloseReason, Output } from '../../../lib/engine/events.ts'
import { type LinkMessage, MessageType } from '../../../lib/protocol/messages.ts'
import { Queue } from '../queue.ts'
import type { Random } from '../random.ts'
import type { Engine } from './engine.ts'
import { type Attack, attacks } from './hostile-attacks.ts'
import { ReferenceLink, referenceLink } from './reference-link.ts'
import { version010 } from './reference-version.ts'

/** What it does of its own accord when it does not attack. */
interface Temper {
  readonly acks: 'all' | 'none' | 'late'
  readonly pongs: 'all' | 'none' | 'first'
  readonly restMs: number
}

/** Attacks until it has enough and goes away, or just falls silent. */
const MOST_ATTACKS = 40
const LATE_ACK_MS = 400
/** Messages that wait to be sent; no attack begins beyond. */
const MOST_WAITING = 5_000

/** So long it looks, half of the times, what became of an attack. */
const WATCH_MS = 10_000

/** An attack of which the last message is on its way. */
export interface Launched {
  readonly attack: Attack
  readonly link: EngineLink
  readonly atMs: number
}

export class HostileConnection implements Engine {
  readonly launched: Launched[] = []
  /** What the victim did that it must not do. */
  complaint: string | undefined
  moreWaiting = false
  readonly #random: Random
  readonly #temper: Temper
  readonly #staysSilent: boolean
  readonly #links: ReferenceLink[] = []
  readonly #waiting = new Queue<{ readonly link: ReferenceLink; readonly message: LinkMessage; readonly ends?: Attack }>()
  readonly #watched = new Map<ReferenceLink, Watched>()
  readonly #events = new Queue<EngineEvent>()
  readonly #seen = new Set<number>()
  readonly #recvBuffer: number
  #sequence: number
  #newest: number
  #remoteRecvBuffer = 0
  #reportedBytes = 0
  #sentBytes = 0
  #gotBytes = 0
  #consumedBytes = 0
  #attacksLeft: number
  #nextAttackMs: number
  #closed = false
  #quiet = false

  constructor(random: Random, options: ConnectionOptions, nowMs: number) {
    this.#random = random
    this.#recvBuffer = options.config.recvBuffer
    this.#sequence = options.firstSequence?.send ?? 0
    this.#newest = options.firstSequence?.receive ?? 0
    this.#temper = {
      acks: random.pick(['all', 'all', 'none', 'late'] as const),
      pongs: random.pick(['all', 'all', 'all', 'none', 'first'] as const),
      restMs: random.logBetween(1, 500),
    }
    this.#attacksLeft = random.logBetween(1, MOST_ATTACKS)
    this.#staysSilent = random.chance(0.3)
    this.#nextAttackMs = nowMs + random.logBetween(1, 300)
  }

  get links(): readonly EngineLink[] {
    return this.#links.map(link => link.asEngineLink)
  }

  get closed(): boolean {
    return this.#closed
  }

  readonly queuedBytes = 0
  readonly readableBytes = 0
  readonly finished = false
  readonly used = true

  stats(): ConnectionStats {
    return {
      established: null,
      notWorkingSince: null,
      sendSpace: 0,
      unacked: 0,
      unconsumed: 0,
      unconsumedCount: 0,
      unconsumable: 0,
      resendQueue: 0,
      receivedUnconsumed: 0,
      receivedUnconsumedCount: 0,
    }
  }

  addLink({ config, roundTripMs, remoteRecvBuffer }: NewLink, nowMs: number): EngineLink {
    const link = new ReferenceLink(version010, config, roundTripMs, nowMs)
    this.#links.push(link)
    this.#watched.set(link, new Watched())
    if (this.#remoteRecvBuffer === 0) this.#remoteRecvBuffer = remoteRecvBuffer
    if (this.#random.chance(0.9)) this.#waiting.push({ link, message: { type: MessageType.Ping } })
    return link.asEngineLink
  }

  setWritable(link: EngineLink, writable: boolean): void {
    referenceLink(link).writable = writable
  }

  linkLost(link: EngineLink, reason: LinkCloseReason): void {
    this.#closeLink(referenceLink(link), reason)
  }

  linkViolated(link: EngineLink): void {
    this.#closeLink(referenceLink(link), 'protocol-error')
  }

  disconnectLink(link: EngineLink): void {
    this.#closeLink(referenceLink(link), 'locally-requested')
  }

  setBlocked(): void {}

  setPolicy(): void {}

  setSchedule(): void {}

  probeLinks(): void {}

  /** Its application's bytes go nowhere. */
  write(): void {
    this.#events.push({ kind: 'writable' })
  }

  finish(): void {
    this.#events.push({ kind: 'finished' })
  }

  read(): undefined {}

  closeRead(): void {}

  dropRead(): void {}

  terminate(): void {
    this.#leave('terminated')
  }

  abort(failure: ConnectionFailure | undefined): void {
    this.#leave(failure)
  }

  receive(engineLink: EngineLink, message: LinkMessage, nowMs: number): void {
    const link = referenceLink(engineLink)
    const watched = this.#watched.get(link)
    if (!watched || link.closed || this.#quiet) return
    this.#watch(watched, message)
    switch (message.type) {
      case MessageType.Data:
      case MessageType.Consumed:
      case MessageType.SendFinish:
      case MessageType.ReceiveClose:
      case MessageType.ReceiveFinish:
        if (((message.sequence - this.#newest) | 0) > 0) this.#newest = message.sequence
        watched.owed.push({ sequence: message.sequence, atMs: nowMs })
        break
      case MessageType.Ping: {
        const { pongs } = this.#temper
        if (pongs === 'all' || (pongs === 'first' && watched.pongsSent++ === 0)) {
          this.#waiting.push({ link, message: { type: MessageType.Pong } })
        }
      }
    }
  }

  takeOutput(nowMs: number): Output | undefined {
    if (this.#closed || this.#quiet) return undefined
    this.#queueAcks(nowMs)
    for (let round = this.#waiting.length; round > 0; round--) {
      const next = this.#waiting.shift()
      if (!next || next.link.closed) continue
      if (!next.link.writable) {
        this.#waiting.push(next)
        continue
      }
      const { link, message, ends } = next
      const watched = this.#watched.get(link) as Watched
      if (message.type === MessageType.Ping) watched.pingsSent++
      if (message.type >= MessageType.Consumed && message.type <= MessageType.ReceiveFinish) watched.reliableSent++
      if (message.type === MessageType.Data) {
        watched.reliableSent++
        this.#sentBytes += message.bytes
      }
      if (message.type === MessageType.Consumed) this.#consumedBytes += message.bytes
      if (ends) this.launched.push({ attack: ends, link: link.asEngineLink, atMs: nowMs })
      return { link: link.asEngineLink, message }
    }
    return undefined
  }

  takeEvent(): EngineEvent | undefined {
    return this.#events.shift()
  }

  get nextDeadlineMs(): number | undefined {
    if (this.#closed || this.#quiet) return undefined
    return this.#temper.acks === 'late' ? Math.min(this.#nextAttackMs, this.#lateAckMs) : this.#nextAttackMs
  }

  expire(nowMs: number): void {
    if (this.#closed || this.#quiet || nowMs < this.#nextAttackMs) return
    this.#nextAttackMs = nowMs + this.#random.logBetween(1, this.#temper.restMs)
    if (this.#attacksLeft-- > 0) this.#attack()
    else if (this.#staysSilent) this.#quiet = true
    else this.#leave('terminated')
  }

  #attack(): void {
    if (this.#links.length === 0 || this.#waiting.length > MOST_WAITING) return
    const link = this.#random.pick(this.#links)
    const attack = this.#random.pick(attacks)
    const scene = {
      random: this.#random,
      sequence: this.#sequence,
      creditBytes: Math.max(0, this.#remoteRecvBuffer - this.#sentBytes + this.#reportedBytes),
      recvBuffer: this.#remoteRecvBuffer,
      unconsumedBytes: this.#gotBytes - this.#consumedBytes,
      newest: this.#newest,
      owed: this.#owedOn(link),
      owedElsewhere: this.#links.filter(other => other !== link).flatMap(other => this.#owedOn(other)),
    }
    if (attack.costs && this.#random.chance(0.5)) this.#nextAttackMs += WATCH_MS
    const messages = attack.messages(scene)
    this.#sequence = scene.sequence
    for (const [index, message] of messages.entries()) {
      this.#waiting.push({ link, message, ...(index === messages.length - 1 && { ends: attack }) })
    }
  }

  #owedOn(link: ReferenceLink): number[] {
    return [...(this.#watched.get(link)?.owed ?? [])].map(({ sequence }) => sequence)
  }

  get #lateAckMs(): number {
    let earliest = Number.POSITIVE_INFINITY
    for (const { owed } of this.#watched.values()) earliest = Math.min(earliest, (owed.peek()?.atMs ?? earliest) + LATE_ACK_MS)
    return earliest
  }

  #queueAcks(nowMs: number): void {
    const { acks } = this.#temper
    if (acks === 'none') return
    for (const [link, { owed }] of this.#watched) {
      for (let next = owed.peek(); next && (acks === 'all' || nowMs >= next.atMs + LATE_ACK_MS); next = owed.peek()) {
        owed.shift()
        this.#waiting.push({ link, message: { type: MessageType.Ack, sequence: next.sequence } })
      }
    }
  }

  /** The victim keeps the rules, whatever it is told. */
  #watch(watched: Watched, message: LinkMessage): void {
    const complain = (text: string) => {
      this.complaint ??= text
    }
    if (watched.goodbyeSeen && message.type !== MessageType.Terminate) complain(`type ${message.type} behind Goodbye`)
    switch (message.type) {
      case MessageType.Ack:
        if (++watched.acksSeen > watched.reliableSent) complain('more acks than messages')
        break
      case MessageType.Pong:
        if (++watched.pongsSeen > watched.pingsSent) complain('more pongs than pings')
        break
      case MessageType.Goodbye:
        watched.goodbyeSeen = true
        break
      case MessageType.Consumed:
        if (this.#isNew(message.sequence)) this.#reportedBytes += message.bytes
        if (this.#reportedBytes > this.#sentBytes) complain('more consumed than was sent')
        break
      case MessageType.Data: {
        if (message.bytes > Math.max(Math.floor(this.#recvBuffer / 2), 2) - 1) complain(`${message.bytes} bytes in one message`)
        if (this.#isNew(message.sequence)) this.#gotBytes += message.bytes
        if (this.#gotBytes - this.#consumedBytes > this.#recvBuffer) complain('more than the receive buffer')
      }
    }
  }

  #isNew(sequence: number): boolean {
    if (this.#seen.has(sequence)) return false
    this.#seen.add(sequence)
    return true
  }

  #closeLink(link: ReferenceLink, reason: LinkCloseReason): void {
    if (link.closed) return
    link.state = 'closed'
    this.#links.splice(this.#links.indexOf(link), 1)
    this.#watched.delete(link)
    this.#events.push({ kind: 'linkClosed', link: link.asEngineLink, reason, abrupt: this.#random.chance(0.5) })
  }

  #leave(failure: ConnectionFailure | undefined): void {
    if (this.#closed) return
    this.#closed = true
    for (const link of [...this.#links]) this.#closeLink(link, 'terminated')
    this.#events.push({ kind: 'closed', failure })
  }
}

/** What went over one link, as the hostile side sees it. */
class Watched {
  readonly owed = new Queue<{ readonly sequence: number; readonly atMs: number }>()
  pingsSent = 0
  pongsSent = 0
  pongsSeen = 0
  reliableSent = 0
  acksSeen = 0
  goodbyeSeen = false
}
