// Drives one engine over simulated links, as any driver must: after every input it takes all output and all events,
// then arms one wake-up.

import { type Config, resolveLinkConfig } from '../../lib/config.ts'
import { Connection } from '../../lib/engine/connection.ts'
import type { EngineLink } from '../../lib/engine/engine-link.ts'
import type { ConnectionFailure, EngineEvent, LinkCloseReason, NotWorkingReason } from '../../lib/engine/events.ts'
import { DEFAULT_POLICY, type LinkPolicy } from '../../lib/engine/link-policy.ts'
import type { Schedule } from '../../lib/engine/schedulers/schedule.ts'
import type { LinkDecoder, LinkEncoder } from '../../lib/protocol/codec.ts'
import { PacketDecoder } from '../../lib/protocol/packet-decoder.ts'
import { PacketEncoder } from '../../lib/protocol/packet-encoder.ts'
import { ProtocolError } from '../../lib/protocol/protocol-error.ts'
import { StreamDecoder } from '../../lib/protocol/stream-decoder.ts'
import { StreamEncoder } from '../../lib/protocol/stream-encoder.ts'
import type { Random } from './random.ts'
import type { CreateEngine, Engine } from './roles/engine.ts'
import type { LinkEnd, Side, SimulatedLink } from './simulated-link.ts'
import type { PipeEnd } from './simulated-pipe.ts'
import type { Appointment, VirtualClock } from './virtual-clock.ts'
import type { WireAuditor } from './wire-auditor.ts'

/** What happened to a link. */
export interface LinkChange {
  readonly timeMs: number
  readonly kind: 'working' | 'notWorking' | 'blocked' | 'closed'
  readonly reason?: NotWorkingReason | LinkCloseReason | undefined
}

/** How a connection ended. */
export interface Closure {
  readonly timeMs: number
  readonly failure: ConnectionFailure | undefined
  readonly detail: string | undefined
}

export interface DriverOptions {
  readonly side: Side
  readonly clock: VirtualClock
  readonly random: Random
  readonly config: Config
  readonly remoteRecvBuffer: number
  /** The peer acks everything before it closes, and says Goodbye then, as hawser does. */
  readonly remoteAcksAll: boolean
  readonly firstSequence: { readonly send: number; readonly receive: number }
  readonly schedule?: Schedule | undefined
  readonly auditor: Pick<WireAuditor, 'sent' | 'received'>
  /** Makes the engine. @defaultValue the library's */
  readonly createEngine?: CreateEngine | undefined
  /** Called with the first broken rule. */
  readonly fail: (violation: string) => never
}

/** An event of the engine that concerns no single link. */
export type ConnectionEvent = Exclude<EngineEvent, { readonly link: EngineLink } | { readonly kind: 'closed' }>

interface Binding {
  readonly index: number
  readonly link: EngineLink
  readonly end: LinkEnd
  readonly encoder: LinkEncoder
  readonly decoder: LinkDecoder
  /** What the engine was last told. */
  writable: boolean
}

/** As a driver that writes at the end of each turn, but not more at a time. */
export const FLUSH_BYTES = 65_536
/** So many wake-ups without time going on are an endless loop. */
const MOST_WAKEUPS_AT_ONCE = 10_000

export abstract class SimulatedDriver {
  readonly engine: Engine
  readonly side: Side
  closure: Closure | undefined

  protected readonly clock: VirtualClock
  protected readonly fail: (violation: string) => never

  readonly #options: DriverOptions
  readonly #bindings = new Map<EngineLink, Binding>()
  readonly #links: (EngineLink | undefined)[] = []
  readonly #changes: LinkChange[][] = []

  #pumping = false
  #again = false
  #wakeUp: Appointment | undefined
  #wakeUpsAtOnce = 0
  #lastWakeUpMs = -1

  constructor(options: DriverOptions) {
    this.#options = options
    this.clock = options.clock
    this.fail = options.fail
    this.side = options.side
    const { config, firstSequence, schedule, side, createEngine = (engine, nowMs) => new Connection(engine, nowMs) } = options
    this.engine = createEngine({ config, firstSequence, schedule, accepting: side === 'server' }, this.clock.nowMs)
  }

  /** The application takes in an event. */
  protected abstract take(event: ConnectionEvent): void

  /** The application writes and reads as far as it can now; true if it gave the engine anything. */
  protected abstract act(): boolean

  // ---- links

  /**
   * Joins a link behind its handshake; its index counts from 0 in the order of the calls. Refuses it when all is over.
   *
   * @param remoteRecvBuffer - what the peer announces on it
   */
  addLink(simulated: SimulatedLink, remoteRecvBuffer = this.#options.remoteRecvBuffer): void {
    const index = this.#links.length
    this.#changes.push([])
    if (this.closure) {
      this.#links.push(undefined)
      simulated[this.side].destroy()
      return
    }
    const config = resolveLinkConfig(simulated.config, this.#options.config.link)
    const { roundTripMs } = simulated
    const { remoteAcksAll } = this.#options
    const link = this.engine.addLink({ config, roundTripMs, remoteRecvBuffer, remoteAcksAll }, this.clock.nowMs)
    const isPacket = simulated.framing === 'packet'
    const encoder = isPacket ? new PacketEncoder() : new StreamEncoder()
    const decoder = isPacket ? new PacketDecoder() : new StreamDecoder()
    decoder.finishHandshake()
    const binding: Binding = { index, link, end: simulated[this.side], encoder, decoder, writable: true }
    this.#bindings.set(link, binding)
    this.#links.push(link)
    binding.end.onArrived = chunks => this.#arrived(binding, chunks, isPacket)
    binding.end.onEnded = how => this.#ended(binding, how)
    binding.end.onDrained = () => this.pump()
    this.pump()
  }

  /** The engine's link, `undefined` once it is closed. */
  link(index: number): EngineLink | undefined {
    return this.#links[index]
  }

  get openLinks(): number {
    return this.#bindings.size
  }

  /** What happened to a link, oldest first. */
  changes(index: number): readonly LinkChange[] {
    return this.#changes[index] ?? []
  }

  /** Why and when a link was closed. */
  linkClosure(index: number): LinkChange | undefined {
    return this.changes(index).find(change => change.kind === 'closed')
  }

  /** Whether the last that was heard of the link is that it works. */
  isWorking(index: number): boolean {
    return this.changes(index).findLast(change => change.kind !== 'blocked')?.kind === 'working'
  }

  setBlocked(index: number, blocked: boolean): void {
    this.engine.setBlocked(this.#open(index), blocked, this.clock.nowMs)
    this.pump()
  }

  /** What is left out is as it is without a policy. */
  setPolicy(index: number, policy: Partial<LinkPolicy>): void {
    this.engine.setPolicy(this.#open(index), { ...DEFAULT_POLICY, ...policy }, this.clock.nowMs)
    this.pump()
  }

  setSchedule(schedule: Schedule): void {
    this.engine.setSchedule(schedule, this.clock.nowMs)
    this.pump()
  }

  disconnectLink(index: number): void {
    this.engine.disconnectLink(this.#open(index), this.clock.nowMs)
    this.pump()
  }

  // ---- the connection as a whole

  terminate(): void {
    this.engine.terminate(this.clock.nowMs)
    this.pump()
  }

  abort(failure?: ConnectionFailure): void {
    this.engine.abort(failure, this.clock.nowMs)
    this.pump()
  }

  // ---- driver

  #arrived(binding: Binding, chunks: Uint8Array[], isPacket: boolean): void {
    try {
      for (const chunk of chunks) {
        binding.decoder.push(chunk)
        if (isPacket || this.#options.random.chance(0.5)) this.#receiveMessages(binding)
      }
      this.#receiveMessages(binding)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      const { nowMs } = this.clock
      if (error.scope === 'connection') this.engine.abort('protocol-error', nowMs)
      else if (this.#bindings.has(binding.link)) this.engine.linkLost(binding.link, 'protocol-error', nowMs, error.message)
    }
    this.pump()
  }

  #receiveMessages(binding: Binding): void {
    const { nowMs } = this.clock
    while (this.#bindings.has(binding.link) && !binding.link.closed) {
      const message = binding.decoder.next()
      if (!message) return
      this.#options.auditor.received(this.side, binding.index, message, nowMs)
      this.engine.receive(binding.link, message, nowMs)
    }
  }

  #ended(binding: Binding, how: PipeEnd): void {
    if (!this.#bindings.has(binding.link) || binding.link.closed) return
    this.engine.linkLost(binding.link, 'io-error', this.clock.nowMs, how)
    this.pump()
  }

  /** To be called after every input. */
  protected pump(): void {
    this.#again = true
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (this.#again) {
        this.#again = false
        this.#takeOutput()
        this.#takeEvents()
        if (!this.closure && this.act()) this.#again = true
        // It promises to do nothing when nothing is due.
        if (this.#options.random.chance(0.05)) {
          this.engine.expire(this.clock.nowMs)
          this.#again = true
        }
      }
    } finally {
      this.#pumping = false
    }
    this.#armWakeUp()
  }

  #takeOutput(): void {
    const { nowMs } = this.clock
    do {
      for (let output = this.engine.takeOutput(nowMs); output; output = this.engine.takeOutput(nowMs)) {
        const binding = this.#bindings.get(output.link) ?? this.fail(`${this.side}: output for a link that is gone`)
        this.#options.auditor.sent(this.side, binding.index, output.message, nowMs)
        binding.encoder.encode(output.message)
        if (binding.encoder.pendingBytes >= Math.min(FLUSH_BYTES, binding.end.roomBytes)) this.#flush(binding)
      }
      for (const binding of this.#bindings.values()) this.#flush(binding)
    } while (this.#tellWritability())
  }

  #flush(binding: Binding): void {
    if (binding.encoder.pendingBytes > 0) for (const chunk of binding.encoder.take()) binding.end.write(chunk)
    if (binding.writable && !binding.end.writable) {
      binding.writable = false
      this.engine.setWritable(binding.link, false, this.clock.nowMs)
    }
  }

  /** Tells the engine which links have drained; true if any has. */
  #tellWritability(): boolean {
    let drained = false
    for (const binding of this.#bindings.values()) {
      if (binding.writable || !binding.end.writable || binding.link.closed) continue
      binding.writable = true
      this.engine.setWritable(binding.link, true, this.clock.nowMs)
      drained = true
    }
    return drained
  }

  #takeEvents(): void {
    for (let event = this.engine.takeEvent(); event; event = this.engine.takeEvent()) {
      if (this.closure) this.fail(`${this.side}: ${event.kind} after closed`)
      this.#take(event)
      this.#again = true
    }
  }

  #take(event: EngineEvent): void {
    if ('link' in event) this.#takeLinkEvent(event)
    else if (event.kind !== 'closed') this.take(event)
    else {
      this.closure = { timeMs: this.clock.nowMs, failure: event.failure, detail: event.detail }
      if (this.#bindings.size > 0) this.fail(`${this.side}: closed with ${this.#bindings.size} links open`)
    }
  }

  #takeLinkEvent(event: Extract<EngineEvent, { link: EngineLink }>): void {
    const binding = this.#bindings.get(event.link) ?? this.fail(`${this.side}: ${event.kind} of a link that is gone`)
    const { index } = binding
    const record = (kind: LinkChange['kind'], reason?: LinkChange['reason']) =>
      this.#changes[index]?.push({ timeMs: this.clock.nowMs, kind, reason })
    switch (event.kind) {
      case 'linkWorking':
        if (this.isWorking(index)) this.fail(`${this.side}: link ${index} works twice`)
        record('working')
        break
      case 'linkNotWorking':
        record('notWorking', event.reason)
        break
      case 'linkBlocked':
        record('blocked')
        break
      case 'linkClosed':
        record('closed', event.reason)
        this.#bindings.delete(event.link)
        this.#links[index] = undefined
        if (event.abrupt) binding.end.destroy()
        else {
          for (const chunk of binding.encoder.take()) binding.end.write(chunk)
          binding.end.end()
        }
    }
  }

  #armWakeUp(): void {
    const deadlineMs = this.engine.nextDeadlineMs
    if (this.closure && deadlineMs !== undefined) this.fail(`${this.side}: a deadline after closed`)
    if (deadlineMs === undefined) {
      if (this.#wakeUp) this.clock.cancel(this.#wakeUp)
      this.#wakeUp = undefined
      return
    }
    // One that is too early just arms the next; this way most changes cost nothing.
    if (this.#wakeUp && this.#wakeUp.timeMs <= deadlineMs) return
    if (this.#wakeUp) this.clock.cancel(this.#wakeUp)
    this.#wakeUp = this.clock.at(deadlineMs, () => {
      this.#wakeUp = undefined
      this.#wake()
    })
  }

  #wake(): void {
    const { nowMs } = this.clock
    this.#wakeUpsAtOnce = nowMs === this.#lastWakeUpMs ? this.#wakeUpsAtOnce + 1 : 0
    this.#lastWakeUpMs = nowMs
    if (this.#wakeUpsAtOnce > MOST_WAKEUPS_AT_ONCE) this.fail(`${this.side}: the deadline never moves on`)
    const deadlineMs = this.engine.nextDeadlineMs
    if (deadlineMs !== undefined && deadlineMs <= nowMs) this.engine.expire(nowMs)
    this.pump()
  }

  #open(index: number): EngineLink {
    const link = this.#links[index]
    if (!link) throw new RangeError(`${this.side}: link ${index} is closed`)
    return link
  }
}
