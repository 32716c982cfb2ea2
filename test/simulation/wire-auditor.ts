// Watches every message between two engines and says when one breaks a rule of the protocol. It knows nothing of the
// engine but what the engine puts on the wire: the invariants S2, S3 and S4 of the threat model, and what blocked links
// and links after Goodbye may carry.

import { type AckMessage, type LinkMessage, MessageType, type ReliableMessage } from '../../lib/protocol/messages.ts'
import { Queue } from './queue.ts'
import type { Side } from './simulated-link.ts'

/** A message at one side of a link. */
export interface WireRecord {
  readonly timeMs: number
  readonly side: Side
  readonly link: number
  readonly direction: 'sent' | 'received'
  readonly message: LinkMessage
}

/** What one side sent on one link. */
export interface LinkTraffic {
  /** Reliable messages, also those sent again. */
  reliable: number
  /** Payload bytes of Data sent for the first time. */
  newBytes: number
  /** Payload bytes of Data that had been sent before. */
  repeatedBytes: number
  acks: number
  pings: number
  pongs: number
  testBytes: number
}

/** What the rules allow one side to send. */
export interface AuditLimits {
  /** Payload bytes sent and not acknowledged. */
  readonly sendBuffer: number
  /** Receive buffer of the other side. */
  readonly remoteRecvBuffer: number
  /** First sequence number of this side. */
  readonly firstSequence: number
  /** Numbers from the oldest unacknowledged message to the newest one. @defaultValue 65,536 */
  readonly spanLimit?: number | undefined
}

/** Numbers from the oldest unacknowledged message to the newest one. */
const SPAN_LIMIT = 65_536
/** Numbers of these that data must leave to other messages. */
const SPAN_RESERVE = 1_024
/** Messages remembered for each direction; a power of two and more than can be outstanding. */
const MEMORY = 131_072

export class WireAuditor {
  /** Called with every message; for traces and for rules of a single test. */
  onMessage: ((record: WireRecord) => void) | undefined
  /** Changes with everything that is sent and received, and when. */
  traceHash = 0

  readonly #directions: Record<Side, DirectionAudit>
  readonly #links: Record<Side, LinkAudit[]> = { client: [], server: [] }
  readonly #fail: (violation: string) => never
  readonly #seesArrival: boolean

  /**
   * @param limits - for what each side sends
   * @param fail - called with the first rule that was broken
   * @param seesArrival - `received` means that a message arrived; its receiver may look at it later
   */
  constructor(limits: Record<Side, AuditLimits>, fail: (violation: string) => never, { seesArrival = false } = {}) {
    this.#directions = { client: new DirectionAudit(limits.client), server: new DirectionAudit(limits.server) }
    this.#fail = fail
    this.#seesArrival = seesArrival
  }

  /** Reliable messages that `side` sent and has no ack for. */
  unacked(side: Side): number {
    return this.#directions[side].unackedMessages
  }

  /** Payload bytes that `side` sent and has no ack for. */
  unackedBytes(side: Side): number {
    return this.#directions[side].unackedBytes
  }

  /** Payload bytes that `side` sent and that the other side's application has not taken, as far as `side` knows. */
  unconsumedBytes(side: Side): number {
    return this.#directions[side].unconsumedBytes
  }

  traffic(side: Side, link: number): Readonly<LinkTraffic> {
    return this.#link(side, link).traffic
  }

  /** Acks that `side` owes on a link. */
  acksOwed(side: Side, link: number): number {
    return this.#link(side, link).acksOwed.length
  }

  sent(side: Side, link: number, message: LinkMessage, timeMs: number): void {
    this.#note(side, link, 'sent', message, timeMs)
    const violation = this.#judgeSent(side, this.#link(side, link), message)
    if (violation) this.#fail(`${side} sent ${describe(message)} on link ${link} at ${timeMs} ms: ${violation}`)
  }

  received(side: Side, link: number, message: LinkMessage, timeMs: number): void {
    this.#note(side, link, 'received', message, timeMs)
    const violation = this.#judgeReceived(side, this.#link(side, link), message)
    if (violation) this.#fail(`${side} received ${describe(message)} on link ${link} at ${timeMs} ms: ${violation}`)
  }

  #link(side: Side, link: number): LinkAudit {
    const links = this.#links[side]
    while (links.length <= link) links.push(new LinkAudit())
    return links[link] as LinkAudit
  }

  #note(side: Side, link: number, direction: 'sent' | 'received', message: LinkMessage, timeMs: number): void {
    const kind = message.type * 4 + (side === 'client' ? 2 : 0) + (direction === 'sent' ? 1 : 0)
    this.#mix(timeMs * 1_000_000)
    this.#mix(kind * 256 + link)
    if ('sequence' in message) this.#mix(message.sequence)
    if ('bytes' in message) this.#mix(message.bytes)
    this.onMessage?.({ timeMs, side, link, direction, message })
  }

  #mix(part: number): void {
    this.traceHash = Math.imul(this.traceHash ^ part, 0x01000193)
  }

  #judgeSent(side: Side, link: LinkAudit, message: LinkMessage): string | undefined {
    // Terminate ends everything, also what has ended already.
    if (link.saidGoodbye && message.type !== MessageType.Terminate) return 'nothing may follow Goodbye'
    const { traffic } = link
    switch (message.type) {
      case MessageType.Data:
      case MessageType.Consumed:
      case MessageType.SendFinish:
      case MessageType.ReceiveClose:
      case MessageType.ReceiveFinish:
        return link.blockedBySelf || (link.blockedByPeer && !this.#seesArrival)
          ? 'the link is blocked'
          : this.#directions[side].send(message, traffic)
      case MessageType.Ack:
        traffic.acks++
        return judgeAck(link, message)
      case MessageType.SetBlock:
        link.blockedBySelf = message.blocked
        return undefined
      case MessageType.Goodbye:
        link.saidGoodbye = true
        return link.acksOwed.length > 0 && !this.#seesArrival ? `${link.acksOwed.length} acks are owed` : undefined
      case MessageType.Ping:
        traffic.pings++
        return undefined
      case MessageType.Pong:
        traffic.pongs++
        if (link.pongsOwed === 0) return 'nobody asked'
        link.pongsOwed--
        return undefined
      case MessageType.TestData:
        traffic.testBytes += message.bytes
        return undefined
      case MessageType.Terminate:
        return undefined
      default:
        return 'the handshake is over'
    }
  }

  #judgeReceived(side: Side, link: LinkAudit, message: LinkMessage): string | undefined {
    const peer = side === 'client' ? 'server' : 'client'
    switch (message.type) {
      case MessageType.Data:
      case MessageType.Consumed:
      case MessageType.SendFinish:
      case MessageType.ReceiveClose:
      case MessageType.ReceiveFinish: {
        if (!link.saidGoodbye) link.acksOwed.push(message.sequence)
        const first = this.#directions[peer].receive(message)
        if (typeof first === 'string') return first
        if (first && message.type === MessageType.Consumed) return this.#directions[side].consume(message.bytes)
        return undefined
      }
      case MessageType.Ack:
        return this.#directions[side].acknowledge(message.sequence)
      case MessageType.SetBlock:
        link.blockedByPeer = message.blocked
        return undefined
      case MessageType.Ping:
        link.pongsOwed++
        return undefined
      default:
        return undefined
    }
  }
}

/** One link at one side. */
class LinkAudit {
  readonly acksOwed = new Queue<number>()
  pongsOwed = 0
  saidGoodbye = false
  blockedBySelf = false
  blockedByPeer = false
  readonly traffic: LinkTraffic = { reliable: 0, newBytes: 0, repeatedBytes: 0, acks: 0, pings: 0, pongs: 0, testBytes: 0 }
}

function judgeAck(link: LinkAudit, message: AckMessage): string | undefined {
  const due = link.acksOwed.shift()
  if (due === undefined) return 'no ack is due'
  return due === message.sequence ? undefined : `the ack of ${due} is due`
}

interface Remembered {
  readonly sequence: number
  readonly fingerprint: number
  readonly bytes: number
  acked: boolean
  received: boolean
}

/** The reliable messages that one side sends. */
class DirectionAudit {
  unackedMessages = 0
  unackedBytes = 0
  unconsumedBytes = 0
  readonly #limits: AuditLimits
  readonly #payloadLimit: number
  /** Ring; the index is the distance from the first sequence number. */
  readonly #memory: (Remembered | undefined)[] = []
  #oldestUnacked: number
  #finishSequence: number | undefined
  /** Highest number of Data. */
  #lastData: number | undefined

  constructor(limits: AuditLimits) {
    this.#limits = limits
    this.#payloadLimit = Math.max(Math.floor(limits.remoteRecvBuffer / 2), 2) - 1
    this.#oldestUnacked = limits.firstSequence
  }

  send(message: ReliableMessage, traffic: LinkTraffic): string | undefined {
    traffic.reliable++
    const bytes = message.type === MessageType.Data ? message.bytes : 0
    const known = this.#recall(message.sequence)
    if (known) {
      traffic.repeatedBytes += bytes
      return known.fingerprint === fingerprintOf(message) ? undefined : 'the number belongs to another message'
    }
    traffic.newBytes += bytes
    this.#memory[this.#slot(message.sequence)] = {
      sequence: message.sequence,
      fingerprint: fingerprintOf(message),
      bytes,
      acked: false,
      received: false,
    }
    this.unackedMessages++
    this.unackedBytes += bytes
    this.unconsumedBytes += bytes
    return this.#judgeNew(message)
  }

  /** @returns whether it came for the first time, or what is wrong with it */
  receive(message: ReliableMessage): boolean | string {
    const known = this.#recall(message.sequence)
    if (!known) return 'it was never sent'
    if (known.fingerprint !== fingerprintOf(message)) return 'it was changed on its way'
    if (known.received) return false
    known.received = true
    return true
  }

  acknowledge(sequence: number): string | undefined {
    const known = this.#recall(sequence)
    if (!known) return 'the message was never sent'
    if (known.acked) return undefined
    known.acked = true
    this.unackedMessages--
    this.unackedBytes -= known.bytes
    while (this.#recall(this.#oldestUnacked)?.acked) this.#oldestUnacked = (this.#oldestUnacked + 1) >>> 0
    return undefined
  }

  consume(bytes: number): string | undefined {
    this.unconsumedBytes -= bytes
    return this.unconsumedBytes < 0 ? 'more than was sent' : undefined
  }

  #judgeNew(message: ReliableMessage): string | undefined {
    const span = ((message.sequence - this.#oldestUnacked) >>> 0) + 1
    const { spanLimit = SPAN_LIMIT } = this.#limits
    if (span > spanLimit) return `${span} numbers are outstanding`
    if (message.type === MessageType.SendFinish) {
      if (this.#finishSequence !== undefined) return 'it is the second one'
      if (isLater(this.#lastData, message.sequence)) return `SendFinish before Data #${this.#lastData}`
      this.#finishSequence = message.sequence
    }
    if (message.type !== MessageType.Data) return undefined
    if (span > spanLimit - SPAN_RESERVE) return `data may not make ${span} numbers outstanding`
    // Numbers count, not times: links send out what they were given at times of their own.
    if (isLater(message.sequence, this.#finishSequence)) return `data after SendFinish #${this.#finishSequence}`
    if (this.#lastData === undefined || isLater(message.sequence, this.#lastData)) this.#lastData = message.sequence
    if (message.bytes < 1 || message.bytes > this.#payloadLimit) return `the payload limit is ${this.#payloadLimit}`
    if (this.unackedBytes > this.#limits.sendBuffer) return `${this.unackedBytes} bytes are unacknowledged`
    if (this.unconsumedBytes > this.#limits.remoteRecvBuffer) return `${this.unconsumedBytes} bytes are unconsumed`
    return undefined
  }

  #slot(sequence: number): number {
    return ((sequence - this.#limits.firstSequence) >>> 0) % MEMORY
  }

  #recall(sequence: number): Remembered | undefined {
    const entry = this.#memory[this.#slot(sequence)]
    return entry?.sequence === sequence ? entry : undefined
  }
}

/** Tells most different messages apart without looking at all of their bytes. */
function fingerprintOf(message: ReliableMessage): number {
  let fingerprint: number = message.type
  if (!('bytes' in message)) return fingerprint
  fingerprint = Math.imul(fingerprint ^ message.bytes, 0x01000193)
  if (message.type !== MessageType.Data) return fingerprint
  for (const part of [0, 0.3, 0.7, 1]) {
    const byte = byteAt(message.payload, Math.floor(part * (message.bytes - 1)))
    fingerprint = Math.imul(fingerprint ^ byte, 0x01000193)
  }
  return fingerprint
}

function byteAt(pieces: readonly Uint8Array[], position: number): number {
  let offset = position
  for (const piece of pieces) {
    if (offset < piece.byteLength) return piece[offset] as number
    offset -= piece.byteLength
  }
  return -1
}

/** Whether both are there and `sequence` is the later number. */
function isLater(sequence: number | undefined, than: number | undefined): boolean {
  return sequence !== undefined && than !== undefined && ((sequence - than) | 0) > 0
}

const names = new Map<number, string>(Object.entries(MessageType).map(([name, type]) => [type, name]))

/** A message in a few words. */
export function describe(message: LinkMessage): string {
  const parts = [names.get(message.type) ?? `type ${message.type}`]
  if ('sequence' in message) parts.push(`#${message.sequence}`)
  if ('bytes' in message) parts.push(`${message.bytes} bytes`)
  if ('blocked' in message) parts.push(String(message.blocked))
  return parts.join(' ')
}
