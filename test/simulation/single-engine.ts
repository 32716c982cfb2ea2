// One engine by itself: the test plays the peer, message by message, and moves the time.

import { type ConfigInput, type LinkConfigInput, resolveConfig, resolveLinkConfig } from '../../lib/config.ts'
import { Connection } from '../../lib/engine/connection.ts'
import type { EngineLink } from '../../lib/engine/engine-link.ts'
import type { EngineEvent } from '../../lib/engine/events.ts'
import { type DataMessage, type LinkMessage, MessageType } from '../../lib/protocol/messages.ts'

export interface SentRecord {
  readonly timeMs: number
  readonly link: EngineLink
  readonly message: LinkMessage
}

export interface EventRecord {
  readonly timeMs: number
  readonly event: EngineEvent
}

export interface SingleEngineOptions {
  readonly config?: ConfigInput
  readonly firstSequence?: { readonly send: number; readonly receive: number }
  readonly startMs?: number
  /** Receive buffer of the peer. @defaultValue 1 MiB */
  readonly remoteRecvBuffer?: number
  /** The peer says that it acks everything before it closes. @defaultValue false */
  readonly remoteAcksAll?: boolean
}

/** What a link of a single engine does by itself. */
export interface PeerOptions {
  /** Links to its end have worked before. */
  readonly known?: boolean
  readonly config?: LinkConfigInput
  readonly roundTripMs?: number
}

export class SingleEngine {
  readonly engine: Connection
  nowMs: number
  /** Everything that the engine sent, oldest first. */
  readonly sent: SentRecord[] = []
  /** Everything that the engine reported, oldest first. */
  readonly events: EventRecord[] = []
  readonly #options: SingleEngineOptions
  /** How many of the messages sent on a link were acknowledged by `acknowledge`. */
  readonly #acknowledged = new Map<EngineLink, number>()

  constructor(options: SingleEngineOptions = {}) {
    this.#options = options
    this.nowMs = options.startMs ?? 1_000
    const config = resolveConfig(options.config)
    this.engine = new Connection({ config, ...(options.firstSequence && { firstSequence: options.firstSequence }) }, this.nowMs)
    this.take()
  }

  /** A link as it is after its handshake. */
  addLink(options: PeerOptions = {}): EngineLink {
    const base = resolveConfig(this.#options.config).link
    const { remoteRecvBuffer = 1_048_576, remoteAcksAll } = this.#options
    const config = resolveLinkConfig(options.config, base)
    const link = this.engine.addLink(
      { config, roundTripMs: options.roundTripMs ?? 10, remoteRecvBuffer, remoteAcksAll, known: options.known },
      this.nowMs,
    )
    this.take()
    return link
  }

  /** A link that has passed its test: its ping is answered after `roundTripMs`. */
  addWorkingLink(options: PeerOptions = {}): EngineLink {
    const link = this.addLink(options)
    this.advance(options.roundTripMs ?? 10)
    this.receive(link, { type: MessageType.Pong })
    return link
  }

  receive(link: EngineLink, message: LinkMessage): void {
    this.engine.receive(link, message, this.nowMs)
    this.take()
  }

  /** A Data message from the peer. */
  receiveData(link: EngineLink, sequence: number, bytes: number): void {
    this.receive(link, dataMessage(sequence, bytes))
  }

  /** Acknowledges everything that was sent on the link and not acknowledged there yet, in order. */
  acknowledge(link: EngineLink): number {
    const sequences = this.sequencesOn(link).slice(this.#acknowledged.get(link) ?? 0)
    this.#acknowledged.set(link, this.sequencesOn(link).length)
    for (const sequence of sequences) this.receive(link, { type: MessageType.Ack, sequence })
    return sequences.length
  }

  /** Writes so many bytes of zeros. */
  write(bytes: number): void {
    this.engine.write([new Uint8Array(bytes)], this.nowMs)
    this.take()
  }

  /** Runs an input of the engine that the class has no method for, then takes what follows from it. */
  do(input: (engine: Connection, nowMs: number) => void): void {
    input(this.engine, this.nowMs)
    this.take()
  }

  /** Reads everything; returns the number of bytes. */
  readAll(): number {
    let bytes = 0
    for (let piece = this.engine.read(); piece; piece = this.engine.read()) bytes += piece.byteLength
    this.take()
    return bytes
  }

  /** Lets time pass, stopping at every deadline. */
  advance(durationMs: number): void {
    this.advanceTo(this.nowMs + durationMs)
  }

  advanceTo(endMs: number): void {
    for (let rounds = 0; ; rounds++) {
      const deadlineMs = this.engine.nextDeadlineMs
      if (deadlineMs === undefined || deadlineMs > endMs) break
      if (rounds > 100_000) throw new Error(`the deadline never moves on: ${deadlineMs} at ${this.nowMs}`)
      this.nowMs = Math.max(this.nowMs, deadlineMs)
      this.engine.expire(this.nowMs)
      this.take()
    }
    this.nowMs = endMs
  }

  /** Takes all output and all events, as drivers do after every input. */
  take(): void {
    for (let more = true; more; ) {
      more = false
      for (let output = this.engine.takeOutput(this.nowMs); output; output = this.engine.takeOutput(this.nowMs)) {
        const { link, message } = output
        this.sent.push({ timeMs: this.nowMs, link, message })
        more = true
      }
      for (let event = this.engine.takeEvent(); event; event = this.engine.takeEvent()) {
        this.events.push({ timeMs: this.nowMs, event })
        more = true
      }
    }
  }

  /** What was sent, oldest first, on one link or of one type only. */
  sentOn(link: EngineLink | undefined, type?: MessageType): SentRecord[] {
    return this.sent.filter(record => (!link || record.link === link) && (type === undefined || record.message.type === type))
  }

  /** Sequence numbers of the reliable messages that were sent on the link, in order. */
  sequencesOn(link: EngineLink): number[] {
    const sequences: number[] = []
    for (const { message } of this.sentOn(link)) {
      if ('sequence' in message && message.type !== MessageType.Ack) sequences.push(message.sequence)
    }
    return sequences
  }

  /** Sequence numbers of the acks that were sent on the link, in order. */
  acksOn(link: EngineLink): number[] {
    return this.sentOn(link, MessageType.Ack).map(({ message }) => ('sequence' in message ? message.sequence : -1))
  }

  /** Payload bytes of all Data that was sent for the first time. */
  get newBytesSent(): number {
    const seen = new Set<number>()
    let bytes = 0
    for (const { message } of this.sent) {
      if (message.type !== MessageType.Data || seen.has(message.sequence)) continue
      seen.add(message.sequence)
      bytes += message.bytes
    }
    return bytes
  }

  /** Events of one kind, oldest first. */
  eventsOf<K extends EngineEvent['kind']>(kind: K): (Extract<EngineEvent, { kind: K }> & { timeMs: number })[] {
    const found: (Extract<EngineEvent, { kind: K }> & { timeMs: number })[] = []
    for (const { timeMs, event } of this.events) {
      if (event.kind === kind) found.push({ timeMs, ...(event as Extract<EngineEvent, { kind: K }>) })
    }
    return found
  }

  /** The event that ended the connection. */
  get closure(): (Extract<EngineEvent, { kind: 'closed' }> & { timeMs: number }) | undefined {
    return this.eventsOf('closed')[0]
  }

  /** The event that ended a link. */
  linkClosure(link: EngineLink): (Extract<EngineEvent, { kind: 'linkClosed' }> & { timeMs: number }) | undefined {
    return this.eventsOf('linkClosed').find(event => event.link === link)
  }

  /** Forgets what was sent and reported so far. */
  forget(): void {
    this.sent.length = 0
    this.events.length = 0
    this.#acknowledged.clear()
  }
}

/** A Data message of zeros. */
export function dataMessage(sequence: number, bytes: number): DataMessage {
  return { type: MessageType.Data, sequence, payload: [new Uint8Array(bytes)], bytes }
}
