// One engine with everything around it in the hands of the fuzzer: links, peer, time, application. What the engine does
// is judged after every step.

import { defaults, resolveConfig } from '../../lib/config.ts'
import { Connection } from '../../lib/engine/connection.ts'
import type { EngineLink } from '../../lib/engine/engine-link.ts'
import type { EngineEvent } from '../../lib/engine/events.ts'
import type { Flight } from '../../lib/engine/flight.ts'
import { payloadLimit } from '../../lib/engine/receiver.ts'
import type { SentMessage } from '../../lib/engine/send-window.ts'
import { type LinkMessage, MessageType } from '../../lib/protocol/messages.ts'
import { PacketDecoder } from '../../lib/protocol/packet-decoder.ts'
import { ProtocolError } from '../../lib/protocol/protocol-error.ts'
import { InboxModel } from './inbox-model.ts'
import { OutboxModel } from './outbox-model.ts'
import { judge } from './target.ts'

const BUFFERS = [4_000, 1, 3, 70_000, 300, defaults.recvBuffer]
const REMOTE_BUFFERS = [5_000, 1, 2, 3, 60_000, 0xffff_ffff]
const FIRST_SEQUENCES = [0, 2 ** 31 - 10, 2 ** 32 - 10]
/** Steps of time in ms; the last ones fire every deadline there is. */
const STEPS_MS = [0, 0.2, 10, 40, 100, 250, 700, 1_500, 4_000, 12_000, 21_000, 45_000, 95_000, 3_600_000]
/** As many links as a server allows for a connection. */
const MOST_LINKS = 32
/** What a driver stops reading at (docs: acks waiting on a link). */
const ACKS_OWED_LIMIT = 131_072
const DEADLINES_MAX = 300
/** Events that one step can cause: a few for each link. */
const EVENTS_MAX = 16 + 8 * MOST_LINKS

interface Peer {
  readonly link: EngineLink
  readonly decoder: PacketDecoder
  /** Sent by the engine on this link, oldest first, and not answered by `answer`. */
  readonly unanswered: LinkMessage[]
}

export class EngineWorld {
  readonly engine: Connection
  /** What was seen that no coverage of code shows. */
  readonly states = new Set<string>()
  readonly #inbox: InboxModel
  readonly #outbox: OutboxModel
  readonly #recvBuffer: number
  readonly #sendBuffer: number
  readonly #remoteRecvBuffer: number
  readonly #remoteAcksAll: boolean
  #nowMs = 1_000
  #peers: Peer[] = []
  #lastEvent = 'none'
  readonly #once = new Set<string>()
  /** Reliable messages by number, as the engine keeps them. */
  readonly #sent = new Map<number, SentMessage>()
  readonly #closedLinks = new Set<EngineLink>()

  constructor(options: number, buffers: number) {
    this.#recvBuffer = BUFFERS[buffers % BUFFERS.length] as number
    this.#sendBuffer = BUFFERS[(buffers >>> 3) % BUFFERS.length] as number
    this.#remoteRecvBuffer = REMOTE_BUFFERS[(buffers >>> 5) % REMOTE_BUFFERS.length] as number
    const first = FIRST_SEQUENCES[options % FIRST_SEQUENCES.length] as number
    this.#remoteAcksAll = (options & 4) !== 0
    const config = resolveConfig({
      recvBuffer: this.#recvBuffer,
      sendBuffer: this.#sendBuffer,
      maxPingSpread: (options & 8) !== 0 ? 3 : null,
      link: {
        maxPing: (options & 16) !== 0 ? 500 : null,
        ping: { mode: (options & 32) !== 0 ? 'periodic' : (options & 64) !== 0 ? 'whenTimedOut' : 'whenIdle' },
      },
    })
    this.engine = new Connection({ config, firstSequence: { send: first, receive: first } }, this.#nowMs)
    this.#inbox = new InboxModel(first)
    this.#outbox = new OutboxModel(first, this.#remoteRecvBuffer)
    this.#settle()
  }

  // ---------------------------------------------------------------- links

  addLink(roundTrip: number): void {
    if (this.engine.closed || this.#peers.length >= MOST_LINKS) return
    const link = this.engine.addLink(
      {
        config: resolveConfig({ link: { testDataLimit: (roundTrip & 1) * 8_192 } }).link,
        roundTripMs: roundTrip,
        remoteRecvBuffer: this.#remoteRecvBuffer,
        remoteAcksAll: this.#remoteAcksAll,
      },
      this.#nowMs,
    )
    const decoder = new PacketDecoder()
    decoder.finishHandshake(payloadLimit(this.#recvBuffer))
    this.#peers.push({ link, decoder, unanswered: [] })
    this.#settle()
  }

  setWritable(index: number, writable: number): void {
    this.#onPeer(index, ({ link }) => this.engine.setWritable(link, (writable & 1) === 1, this.#nowMs))
  }

  loseLink(index: number): void {
    this.#onPeer(index, ({ link }) => this.engine.linkLost(link, 'io-error', this.#nowMs))
  }

  disconnectLink(index: number): void {
    this.#onPeer(index, ({ link }) => this.engine.disconnectLink(link, this.#nowMs))
  }

  setBlocked(index: number, blocked: number): void {
    this.#onPeer(index, ({ link }) => this.engine.setBlocked(link, (blocked & 1) === 1, this.#nowMs))
  }

  // ---------------------------------------------------------------- the peer

  /** A packet of a packet link, with whatever bytes. */
  packet(index: number, bytes: Uint8Array): void {
    this.#onPeer(index, peer => {
      peer.decoder.push(bytes)
      try {
        for (let message = peer.decoder.next(); message; message = peer.decoder.next()) this.#receive(peer, message)
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        // As the driver does it.
        if (error.scope === 'connection') this.engine.abort('protocol-error', this.#nowMs, error.message)
        else this.engine.linkLost(peer.link, 'protocol-error', this.#nowMs, error.message)
      }
    })
  }

  /** Answers the oldest `count` messages on the link as an honest peer would. */
  answer(index: number, count: number): void {
    this.#onPeer(index, peer => {
      for (const message of peer.unanswered.splice(0, count)) {
        const answer = answerTo(message)
        if (answer) this.#receive(peer, answer)
      }
    })
  }

  /** Data, its number relative to the next one due. */
  data(index: number, ahead: number, bytes: number): void {
    const sequence = this.#inbox.sequence(ahead)
    this.#onPeer(index, peer =>
      this.#receive(peer, { type: MessageType.Data, sequence, payload: [new Uint8Array(bytes).fill(bytes + ahead)], bytes }),
    )
  }

  consumed(index: number, ahead: number, bytes: number): void {
    const sequence = this.#inbox.sequence(ahead)
    this.#onPeer(index, peer => this.#receive(peer, { type: MessageType.Consumed, sequence, bytes }))
  }

  ending(index: number, ahead: number, kind: number): void {
    const types = [MessageType.SendFinish, MessageType.ReceiveClose, MessageType.ReceiveFinish] as const
    const type = types[kind % types.length] as (typeof types)[number]
    const sequence = this.#inbox.sequence(ahead)
    this.#onPeer(index, peer => this.#receive(peer, { type, sequence }))
  }

  /** An ack of any message, by its distance from the first that was not sent. */
  ack(index: number, ahead: number): void {
    const sequence = this.#outbox.sequence(ahead)
    this.#onPeer(index, peer => this.#receive(peer, { type: MessageType.Ack, sequence }))
  }

  // ---------------------------------------------------------------- time

  /** Lets time pass; the driver wakes at every deadline. */
  advance(step: number): void {
    const untilMs = this.#nowMs + (STEPS_MS[step % STEPS_MS.length] as number)
    for (let deadlines = 0; deadlines < DEADLINES_MAX; deadlines++) {
      const deadlineMs = this.engine.nextDeadlineMs
      if (deadlineMs === undefined || deadlineMs > untilMs) break
      this.#wake(deadlineMs)
    }
    this.#nowMs = untilMs
  }

  /** Lets time pass in which the driver does not wake. */
  oversleep(step: number): void {
    this.#wake(this.#nowMs + (STEPS_MS[step % STEPS_MS.length] as number))
  }

  #wake(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs)
    this.engine.expire(this.#nowMs)
    this.#settle()
    const { nextDeadlineMs } = this.engine
    judge(nextDeadlineMs === undefined || nextDeadlineMs > this.#nowMs, 'a deadline is still due after it was run')
  }

  // ---------------------------------------------------------------- the application

  write(bytes: number): void {
    // Once it is refused an application stops.
    const accepted = this.engine.queuedBytes === 0 && !this.#once.has('writeRefused') && !this.#outbox.finished
    if (!accepted) return
    this.engine.write(this.#outbox.written(bytes), this.#nowMs)
    this.#settle()
  }

  moreWaiting(more: number): void {
    this.engine.moreWaiting = (more & 1) === 1
    this.#settle()
  }

  finish(): void {
    this.#outbox.finished = true
    this.engine.finish(this.#nowMs)
    this.#settle()
  }

  read(pieces: number): void {
    for (let count = 0; count < pieces; count++) {
      const piece = this.engine.read()
      if (!piece) break
      this.#inbox.read(piece)
    }
    this.#settle()
  }

  closeRead(): void {
    this.engine.closeRead(this.#nowMs)
    this.#inbox.readerGone = true
    this.#settle()
  }

  dropRead(): void {
    this.engine.dropRead(this.#nowMs)
    this.#inbox.readerGone = true
    this.#settle()
  }

  terminate(): void {
    this.engine.terminate(this.#nowMs)
    this.#settle()
  }

  abort(): void {
    this.engine.abort('all-links-failed', this.#nowMs)
    this.#settle()
  }

  /** The end of the input. */
  close(): void {
    if (!this.engine.closed) this.#judgeFlights()
    this.abort()
    judge(this.engine.links.length === 0, 'links are left after the end')
    judge(this.engine.nextDeadlineMs === undefined, 'a deadline is left after the end')
  }

  // ---------------------------------------------------------------- judging

  #onPeer(index: number, action: (peer: Peer) => void): void {
    const peer = this.#peers[index % Math.max(1, this.#peers.length)]
    if (!peer) return
    action(peer)
    this.#settle()
  }

  #receive(peer: Peer, message: LinkMessage): void {
    const { link } = peer
    if (link.acksOwed.length > ACKS_OWED_LIMIT) return
    const owedBefore = link.acksOwed.length
    this.engine.receive(link, message, this.#nowMs)
    const acked = link.acksOwed.length > owedBefore
    if (acked) this.#inbox.acked(link, message)
    if (acked && message.type === MessageType.Consumed) this.#outbox.consumed(this.#inbox.newestConsumedBytes)
    this.#settle()
  }

  /** Takes all output and events, as drivers do after every input. */
  #settle(): void {
    let events = 0
    for (let more = true; more; ) {
      more = false
      for (let output = this.engine.takeOutput(this.#nowMs); output; output = this.engine.takeOutput(this.#nowMs)) {
        this.#judgeOutput(output.link, output.message)
        more = true
      }
      for (let event = this.engine.takeEvent(); event; event = this.engine.takeEvent()) {
        judge(++events <= EVENTS_MAX, 'events without end')
        this.#judgeEvent(event)
        more = true
      }
    }
    this.#outbox.settled(this.engine.queuedBytes)
    this.#judgeBounds()
  }

  #judgeOutput(link: EngineLink, message: LinkMessage): void {
    judge(link.writable, 'a message for a link that takes none')
    judge(!this.#closedLinks.has(link), 'a message for a link that is closed')
    this.#peers.find(peer => peer.link === link)?.unanswered.push(message)
    if (message.type === MessageType.Ack) this.#inbox.ackSent(link, message.sequence)
    else this.#outbox.sent(message)
    const sent = link.flights.last()?.sent
    if (sent && 'sequence' in message && sent.sequence === message.sequence) this.#sent.set(sent.sequence, sent)
  }

  #judgeEvent(event: EngineEvent): void {
    judge(!this.#once.has('closed'), `event ${event.kind} after the end`)
    const { kind } = event
    if (kind === 'end' || kind === 'finished' || kind === 'writeRefused' || kind === 'terminated' || kind === 'closed') {
      judge(!this.#once.has(kind), `event ${kind} twice`)
      this.#once.add(kind)
    }
    if (kind === 'end') judge(this.#inbox.complete, 'the end before everything was read')
    if (kind === 'linkClosed') {
      judge(!this.#closedLinks.has(event.link), 'a link is closed twice')
      this.#closedLinks.add(event.link)
      this.#peers = this.#peers.filter(({ link }) => link !== event.link)
    }
    const what = 'reason' in event ? `${kind} ${event.reason}` : 'failure' in event ? `${kind} ${event.failure}` : kind
    this.states.add(`${this.#lastEvent} > ${what}`)
    this.#lastEvent = what
  }

  /** Whatever is not acknowledged is on its way on a link that is not in doubt, or waits to be sent again. */
  #judgeFlights(): void {
    const carried = new Set<number>()
    for (const link of this.engine.links) {
      let inFlightBytes = 0
      for (let index = 0; index < link.flights.length; index++) {
        const { sent, wireBytes } = link.flights.at(index) as Flight
        inFlightBytes += wireBytes
        if (link.trusted) carried.add(sent.sequence)
      }
      judge(link.stats(this.#nowMs).inFlight === inFlightBytes, 'bytes in flight are not those of the flights')
    }
    for (const { acked, queued, sequence } of this.#sent.values()) {
      judge(acked || queued || carried.has(sequence), 'a message is lost: it is neither on its way nor waiting')
    }
  }

  #judgeBounds(): void {
    const stats = this.engine.stats(this.#nowMs)
    judge(stats.receivedUnconsumed <= this.#recvBuffer, 'more is held than the receive buffer')
    judge(stats.unacked <= this.#sendBuffer, 'more is unacknowledged than the send buffer')
    judge(stats.unconsumed <= this.#remoteRecvBuffer, 'more is sent than the peer takes')
    judge(stats.unconsumedCount <= 65_536, 'too many messages outstanding')
    judge(stats.unconsumed === this.#outbox.unconsumedBytes, 'unconsumed bytes are miscounted')
    judge(stats.resendQueue <= stats.unconsumedCount, 'more messages to be sent again than there are')
  }
}

function answerTo(message: LinkMessage): LinkMessage | undefined {
  switch (message.type) {
    case MessageType.Ping:
      return { type: MessageType.Pong }
    case MessageType.Goodbye:
    case MessageType.Terminate:
      return message
    case MessageType.Data:
    case MessageType.Consumed:
    case MessageType.SendFinish:
    case MessageType.ReceiveClose:
    case MessageType.ReceiveFinish:
      return { type: MessageType.Ack, sequence: message.sequence }
    default:
      return undefined
  }
}
