// Two engines on a virtual clock, joined by simulated links. Every step is judged by the wire auditor and by the
// applications at both ends; the first broken rule throws, with the seed.

import { type Config, type ConfigInput, resolveConfig } from '../../lib/config.ts'
import type { Schedule } from '../../lib/engine/schedulers/schedule.ts'
import { patternOf } from './pattern.ts'
import { Random } from './random.ts'
import type { CreateEngine } from './roles/engine.ts'
import { SimulatedEndpoint } from './simulated-endpoint.ts'
import { type LinkShape, type Side, SimulatedLink } from './simulated-link.ts'
import { VirtualClock } from './virtual-clock.ts'
import { describe, WireAuditor } from './wire-auditor.ts'

export interface PairOptions {
  /** Everything that the simulation draws follows from it. */
  readonly seed: number
  /** Links from the beginning; more by `addLink`. */
  readonly links?: readonly LinkShape[]
  /** Configuration of both sides. */
  readonly config?: ConfigInput
  /** Instead of `config`. */
  readonly clientConfig?: ConfigInput
  readonly serverConfig?: ConfigInput
  /** First sequence number that each side sends. @defaultValue 0 */
  readonly firstSequence?: { readonly client?: number; readonly server?: number }
  /** Prints every message. */
  readonly trace?: boolean
  /** Each side knows that the other acks everything before it closes; false: as with the reference. @defaultValue true */
  readonly remoteAcksAll?: boolean
  readonly schedule?: { readonly client?: Schedule; readonly server?: Schedule }
  /** Another engine in the place of the library's. */
  readonly createEngine?: { readonly client?: CreateEngine; readonly server?: CreateEngine }
  /** Numbers that a side may have outstanding, if others than the protocol says. */
  readonly spanLimit?: { readonly client?: number; readonly server?: number }
}

/** What a rule of the simulation says when it is broken. */
export class SimulationError extends Error {}

export class SimulatedPair {
  readonly seed: number
  readonly clock = new VirtualClock()
  readonly client: SimulatedEndpoint
  readonly server: SimulatedEndpoint
  readonly auditor: WireAuditor
  readonly links: SimulatedLink[] = []
  readonly #random: Random
  readonly #remoteAcksAll: boolean
  readonly #schedule: NonNullable<PairOptions['schedule']>
  readonly #createEngine: NonNullable<PairOptions['createEngine']>

  constructor(options: PairOptions) {
    this.seed = options.seed
    this.#remoteAcksAll = options.remoteAcksAll ?? true
    this.#schedule = options.schedule ?? {}
    this.#createEngine = options.createEngine ?? {}
    this.#random = new Random(options.seed)
    const clientConfig = resolveConfig(options.clientConfig ?? options.config)
    const serverConfig = resolveConfig(options.serverConfig ?? options.config)
    const fromClient = options.firstSequence?.client ?? 0
    const fromServer = options.firstSequence?.server ?? 0
    this.auditor = new WireAuditor(
      {
        client: {
          sendBuffer: clientConfig.sendBuffer,
          remoteRecvBuffer: serverConfig.recvBuffer,
          firstSequence: fromClient,
          spanLimit: options.spanLimit?.client,
        },
        server: {
          sendBuffer: serverConfig.sendBuffer,
          remoteRecvBuffer: clientConfig.recvBuffer,
          firstSequence: fromServer,
          spanLimit: options.spanLimit?.server,
        },
      },
      this.#fail,
    )
    if (options.trace) this.#trace()
    this.client = this.#endpoint('client', clientConfig, serverConfig.recvBuffer, { send: fromClient, receive: fromServer })
    this.server = this.#endpoint('server', serverConfig, clientConfig.recvBuffer, { send: fromServer, receive: fromClient })
    this.client.peer = this.server
    this.server.peer = this.client
    for (const shape of options.links ?? []) this.addLink(shape)
  }

  get nowMs(): number {
    return this.clock.nowMs
  }

  get sides(): readonly SimulatedEndpoint[] {
    return [this.client, this.server]
  }

  /** Adds a link whose handshake is over; returns its index. */
  addLink(shape: LinkShape = {}): number {
    const link = new SimulatedLink(this.clock, this.#random.fork(), shape)
    this.links.push(link)
    this.server.addLink(link)
    this.client.addLink(link)
    return this.links.length - 1
  }

  // ---- faults of link `index`; see SimulatedLink

  pause(index: number, durationMs: number, sender?: Side): void {
    this.#link(index).pause(durationMs, sender)
  }

  cut(index: number, sender?: Side): void {
    this.#link(index).cut(sender)
  }

  mend(index: number, sender?: Side): void {
    this.#link(index).mend(sender)
  }

  reset(index: number): void {
    this.#link(index).reset()
  }

  block(index: number, side: Side): void {
    this[side].setBlocked(index, true)
  }

  unblock(index: number, side: Side): void {
    this[side].setBlocked(index, false)
  }

  // ---- time

  /** Runs everything up to and including `timeMs` on the virtual clock. */
  runUntil(timeMs: number): void {
    this.clock.runUntil(timeMs)
  }

  runFor(durationMs: number): void {
    this.clock.runUntil(this.nowMs + durationMs)
  }

  /**
   * Runs until `condition` holds, looking after every step.
   *
   * @throws {SimulationError} it did not within `limitMs`
   */
  runUntilTrue(condition: () => boolean, { limitMs, what = 'condition' }: { limitMs: number; what?: string }): void {
    const endMs = this.nowMs + limitMs
    while (!condition()) if (!this.clock.step(endMs)) this.#fail(`${what} not reached within ${limitMs} ms\n${this.toString()}`)
  }

  /**
   * Runs until everything written has arrived and is acknowledged, and if both directions are over, both sides are
   * closed.
   */
  runUntilIdle(options: { limitMs: number }): void {
    this.runUntilTrue(() => this.isIdle, { ...options, what: 'idle' })
  }

  /** Runs until both sides have reported `closed`. */
  runUntilClosed(options: { limitMs: number }): void {
    this.runUntilTrue(() => this.isClosed, { ...options, what: 'closed' })
  }

  get isClosed(): boolean {
    return this.client.closure !== undefined && this.server.closure !== undefined
  }

  get isIdle(): boolean {
    if (this.isClosed) return true
    const { client, server, auditor } = this
    if (!client.isIdle || !server.isIdle || !client.hasReadAll || !server.hasReadAll) return false
    if (client.isDone && server.isDone) return false
    return auditor.unacked('client') === 0 && auditor.unacked('server') === 0
  }

  /** Where everything is, for the message of a failure. */
  toString(): string {
    const lines = this.sides.map(end => {
      const { side, writtenBytes, readBytes, finishedMs, endMs, writeRefusedMs, closure } = end
      const times = `finished ${finishedMs}, end ${endMs}, refused ${writeRefusedMs}, closed ${closure?.timeMs} ${closure?.failure ?? ''}`
      const unacked = `${this.auditor.unacked(side)} unacked`
      const links = this.links.map((_, index) => {
        const last = end.changes(index).at(-1)
        return `${index}: ${last ? `${last.kind} ${last.reason ?? ''} at ${last.timeMs}` : 'new'}`
      })
      return `  ${side}: wrote ${writtenBytes}, read ${readBytes}, ${unacked}, ${times}; links ${links.join('; ')}`
    })
    return [`  at ${this.nowMs} ms`, ...lines].join('\n')
  }

  #endpoint(
    side: Side,
    config: Config,
    remoteRecvBuffer: number,
    firstSequence: { send: number; receive: number },
  ): SimulatedEndpoint {
    return new SimulatedEndpoint({
      side,
      clock: this.clock,
      random: this.#random.fork(),
      config,
      remoteRecvBuffer,
      remoteAcksAll: this.#remoteAcksAll,
      firstSequence,
      writes: patternOf(side === 'client' ? 1 : 2),
      reads: patternOf(side === 'client' ? 2 : 1),
      auditor: this.auditor,
      createEngine: this.#createEngine[side],
      schedule: this.#schedule[side],
      fail: this.#fail,
    })
  }

  #link(index: number): SimulatedLink {
    const link = this.links[index]
    if (!link) throw new RangeError(`there is no link ${index}`)
    return link
  }

  readonly #fail = (violation: string): never => {
    throw new SimulationError(`seed ${this.seed}: ${violation}`)
  }

  #trace(): void {
    this.auditor.onMessage = ({ timeMs, side, link, direction, message }) =>
      console.log(`${timeMs.toFixed(3).padStart(12)} ${side} ${link} ${direction === 'sent' ? '->' : '<-'} ${describe(message)}`)
  }
}
