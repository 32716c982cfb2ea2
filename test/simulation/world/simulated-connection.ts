// A client, what the server has of it, and the paths between them; and the judges of both.

import type { Duplex } from 'node:stream'
import { defaults, type LinkConfig } from '../../../lib/config.ts'
import type { Connection as Engine } from '../../../lib/engine/connection.ts'
import type { EngineLink } from '../../../lib/engine/engine-link.ts'
import {
  type ConnectTransport,
  connect,
  type Link,
  type LinkPolicyInput,
  type LinkTag,
  type Schedule,
  type ScheduleName,
  type Socket,
} from '../../../lib/index.ts'
import { patternOf } from '../pattern.ts'
import { Application } from './application.ts'
import { current } from './current.ts'
import { CustomScheduler } from './custom-scheduler.ts'
import { inflict } from './inflict.ts'
import { faultInBooks } from './judges/books.ts'
import type { CreditJudge } from './judges/credit.ts'
import { leakOf } from './judges/leaks.ts'
import { heldBy, shareOfMemory } from './judges/memory.ts'
import { NoLinksJudge } from './judges/no-links.ts'
import { sitsStill } from './judges/progress.ts'
import { answerMs, BlockedJudge, RecoveryJudge } from './judges/recovery.ts'
import type { LinkStream } from './link-stream.ts'
import { Path, type PathLink, type PathPlan } from './path.ts'
import type { ConnectionPlan, LinkFault, LinkState, NetworkFault, PathFault, Role, Side } from './plan.ts'
import { WireTap } from './wire-tap.ts'
import type { World } from './world.ts'

const SIDES = ['client', 'server'] as const

export class SimulatedConnection {
  readonly plan: ConnectionPlan
  readonly paths: readonly Path[]
  client: Application
  server: Application
  /** It need not end well. */
  disturbed = false
  /** Most memory that a side of it had, as a share of what it may have. */
  mostMemory = 0
  readonly #world: World
  readonly #index: number
  readonly #tap: WireTap
  readonly #noLinks = new Map<Engine, NoLinksJudge>()
  readonly #pathsOfStreams = new WeakMap<Duplex, number>()
  readonly #numbersOfStreams = new WeakMap<Duplex, number>()
  readonly #streams = new Set<LinkStream>()
  /** Those that reached another server. */
  readonly #diverted = new Set<Duplex>()
  /** The server has been restarted since it announced the connection. */
  #forgotten = false
  readonly #failedDials = new Set<number>()
  #links = 0
  #healed = false
  #healedMs = 0
  readonly #recoveries = new Map<string, RecoveryJudge>()
  /** Links that may join or have joined, of both sides. */
  readonly #met = new Set<Link>()

  constructor(world: World, plan: ConnectionPlan, index: number) {
    this.#world = world
    this.plan = plan
    this.#index = index
    this.client = this.#application('client')
    this.server = this.#application('server')
    this.#tap = new WireTap({
      world: world.plan,
      plan,
      trace: world.trace,
      loop: world.loop,
      connection: index,
      roleOf: side => this.roleOf(side),
      fail: text => world.fail(text),
    })
    this.paths = plan.paths.map((path, number) => this.#makePath(path, number))
  }

  get state(): string {
    if (this.client.closed || this.server.closed) return 'closing'
    if (!this.server.socket) return 'opening'
    return this.client.sawEnd || this.server.sawEnd ? 'half-open' : 'open'
  }

  open(): void {
    const { plan } = this
    const transport: ConnectTransport = {
      name: 'simulated',
      tags: () => listOnce(this.paths.map((_, index) => tagOf(index))),
      connect: async (tag, signal) => this.#dial(Number(tag.key), signal),
    }
    const { config, reconnectDelay, highWaterMark, allowHalfOpen } = plan
    current.opening = this.#index
    const socket = connect({
      transports: [transport],
      config,
      reconnectDelay,
      highWaterMark,
      allowHalfOpen,
      linkFilter: link => {
        this.met(link)
        return this.#world.filter('client', Number(link.tag.key), plan.core)
      },
      schedule: this.#scheduleOf('client'),
      linkPolicy: tag => (tag.transport === 'simulated' ? this.policyOf('client', Number(tag.key)) : undefined),
    })
    socket.on('linkerror', (_error, tag) => {
      if (tag?.transport === 'simulated') this.#failedDials.add(Number(tag.key))
    })
    this.client.start(socket)
  }

  #scheduleOf(side: Side): Schedule | undefined {
    const schedule = this.plan.policies?.[side].schedule
    if (schedule === undefined || typeof schedule === 'string') return schedule
    const { loop } = this.#world
    const scheduler = new CustomScheduler(
      schedule,
      () => loop.nowMs,
      what => this.#world.count(what),
    )
    this[side].scheduler = scheduler
    return scheduler
  }

  accepted(socket: Socket): void {
    if (this.server.socket) {
      // The client may have heard nothing yet of a restart.
      if (!this.#forgotten) this.#world.fail('the server announced a connection twice')
      this.server = this.#application('server')
    }
    this.#forgotten = false
    this.server.start(socket)
    const schedule = this.#scheduleOf('server')
    if (schedule !== undefined) socket.schedule = schedule
  }

  /** What a side wants to use links over a path for. */
  policyOf(side: Side, path: number): LinkPolicyInput | undefined {
    const policy = this.plan.policies?.[side].paths[path]
    return policy && this.#healed ? unlimited(policy) : policy
  }

  /** A filter is asked about a link. What was said of its use, perhaps long ago, may have to be taken back before it joins. */
  met(link: Link): void {
    if (this.#healed) Object.assign(link, unlimited(link))
    this.#met.add(link)
    link.once('close', () => this.#met.delete(link))
  }

  setSchedule(side: Side, schedule: ScheduleName): void {
    const { socket } = this[side]
    if (socket && !socket.destroyed) socket.schedule = schedule
  }

  pathOf(stream: Duplex): number | undefined {
    return this.#pathsOfStreams.get(stream)
  }

  // ---------------------------------------------------------------- faults

  /** The states of the links over a path, each as both ends see it. */
  statesOf(path: number): ReadonlySet<LinkState> {
    const { links } = this.paths[path] as Path
    if (links.length === 0) return new Set(['no-link'])
    return new Set(links.flatMap(link => this.#statesOf(link)))
  }

  harm(fault: PathFault & { readonly path: number }): void {
    switch (fault.kind) {
      case 'add-link':
        this.#world.loop.input('client', () => this.#addLink(fault.path))
        break
      case 're-add-link':
        this.#world.loop.input('client', () => this.#reAddLink(fault.path, fault.afterMs))
        break
      case 'disconnect-link':
      case 'block-link':
      case 'unblock-link':
      case 'configure-link':
      case 'set-policy':
        this.#world.loop.input(fault.side, () => meddle(this.#linksOver(fault.path, fault.side), fault))
        break
      default:
        this.#inflict(fault, fault.path)
    }
  }

  harmAllPaths(what: 'reset' | 'pause' | 'disconnect-link' | 'block-link'): void {
    for (let path = 0; path < this.paths.length; path++) {
      if (what === 'reset') this.#inflict({ kind: 'reset', ends: SIDES }, path)
      else if (what === 'pause') this.#inflict({ kind: 'pause', directions: ['up', 'down'], durationMs: 500 }, path)
      else this.harm({ kind: what, side: 'client', path })
    }
  }

  heal(): void {
    this.#healed = true
    this.#healedMs = this.#world.loop.nowMs
    for (const index of this.plan.core) (this.paths[index] as Path).heal()
    for (const side of SIDES) {
      this.#world.loop.input(side, () => {
        this[side].heal()
        for (const link of this[side].socket?.links ?? []) link.unblock()
        for (const link of this.#met) if (sideOf(link) === side) Object.assign(link, unlimited(link))
      })
    }
  }

  /** The process of the server died. */
  serverDied(): void {
    this.#forgotten = true
    for (const path of this.paths) path.reset(['server'])
    // A socket that is closed may have something left for its peer.
    if (!this.server.socket || (this.server.closed && this.client.closed)) return
    this.disturbed = true
    this.server.act('destroy')
  }

  #inflict(fault: NetworkFault, path: number): void {
    const { loop, plan } = this.#world
    const stopsMs = this.plan.core.includes(path) ? this.#world.timeOf(plan.healMs) : Number.POSITIVE_INFINITY
    inflict(fault, this.paths[path] as Path, loop, stopsMs, stream => this.#world.acceptRogue(stream))
  }

  #addLink(path: number): void {
    const { socket } = this.client
    if (!socket || socket.destroyed) return
    this.#dial(path, undefined)
      .then(stream => socket.addLink(stream).catch(() => stream.destroy()))
      .catch(() => {})
  }

  #reAddLink(path: number, afterMs: number): void {
    for (const link of this.#linksOver(path, 'client')) void link.disconnect()
    this.#world.loop.timer(() => this.#addLink(path), afterMs, false)
  }

  // ---------------------------------------------------------------- judges

  /** What both sides hold, as the accountant of memory counts it. */
  get heldBytes(): number {
    return SIDES.reduce((sum, side) => {
      const { socket, engine } = this[side]
      if (!socket || !engine) return sum
      const streams = socket.links.map(link => link.stream as unknown as LinkStream)
      const { contentBytes, entryBytes } = heldBy(engine, socket, streams, this.#world.loop.nowMs, true)
      return sum + contentBytes + entryBytes
    }, 0)
  }

  judgeStep(): void {
    const { loop } = this.#world
    for (const side of SIDES) {
      const { engine } = this[side]
      if (!engine || this.roleOf(side) !== 'hawser') continue
      const judge = this.#noLinks.get(engine) ?? this.#noLinksJudge(side, engine)
      const wrong =
        judge.look(engine, current.failures.get(engine), loop.nowMs, loop.punctualSinceMs(side)) ??
        current.credits.get(engine)?.broken
      if (wrong) this.#fail(side, wrong)
    }
  }

  /** Nothing more happens at this time. */
  judgeQuiet(): void {
    for (const side of SIDES) {
      const { socket, engine } = this[side]
      if (socket && engine && !socket.destroyed && this.roleOf(side) === 'hawser') this.#judgeQuietSide(side, socket, engine)
    }
  }

  #judgeQuietSide(side: Side, socket: Socket, engine: Engine): void {
    const { loop } = this.#world
    const { sendBuffer = 0, recvBuffer = 0, chunkSize = 0 } = this.#configOf(side)
    const credit = current.credits.get(engine)
    const remoteRecvBuffer = credit?.promisedBytes ?? this.#configOf(other(side)).recvBuffer ?? 0
    const { auditor } = this.#tap
    const wrong = faultInBooks({
      engine,
      nowMs: loop.nowMs,
      sendBuffer,
      recvBuffer,
      unackedMessages: this.disturbed ? 0 : auditor.unacked(side),
      unackedBytes: this.disturbed ? 0 : auditor.unackedBytes(side),
    })
    if (wrong) this.#fail(side, wrong)
    if (credit && !engine.closed) this.#judgeCredit(side, engine, credit, sendBuffer)
    this[side].judgeScheduler()
    const hesitates = this[side].scheduler?.hesitates ?? false
    if (
      !hesitates &&
      loop.punctualSinceMs(side) <= loop.nowMs &&
      sitsStill(engine, chunkSize, sendBuffer, remoteRecvBuffer, loop.nowMs)
    ) {
      this.#fail(side, 'has something to send, and nothing keeps it')
    }
    if (this.#healed) this.#judgeRecovery(side, socket, engine)
    if (this.#world.listens) this.#judgeTraffic(side, socket)
    const streams = socket.links.map(link => link.stream as unknown as LinkStream)
    const held = heldBy(engine, socket, streams, loop.nowMs, this[side].heedsDrain)
    const share = shareOfMemory(held, sendBuffer + recvBuffer, streams.length)
    this.mostMemory = Math.max(this.mostMemory, share)
    if (share > 1) this.#fail(side, `holds ${(share * 100).toFixed()} % of the memory that it may`)
  }

  /** Links over healthy paths work again. */
  #judgeRecovery(side: Side, socket: Socket, engine: Engine): void {
    // The reference tests links with any number of bytes.
    if (engine.links.length !== socket.links.length || this.roleOf(other(side)) !== 'hawser') return
    const { loop } = this.#world
    const healthySinceMs = Math.max(this.#healedMs, loop.punctualSinceMs('client'), loop.punctualSinceMs('server'))
    for (const [index, { stream }] of socket.links.entries()) {
      const path = this.#pathsOfStreams.get(stream)
      if (path === undefined || !this.plan.core.includes(path) || this.#diverted.has(stream) || this.#losesBytes(path)) continue
      const link = engine.links[index] as EngineLink
      const wrong = this.#recoveryJudge(side, path).look(link, healthySinceMs + this.#oldDelayMs(path), loop.nowMs)
      if (wrong) this.#fail(side, wrong)
    }
  }

  /** Links over the path may never work again, even if it does. */
  #losesBytes(path: number): boolean {
    const { faults } = this.#world.plan
    return faults.some(
      fault => 'path' in fault && fault.connection === this.#index && fault.path === path && LOSSES.has(fault.kind),
    )
  }

  /** So much longer than planned what was under way when the path was healed may take: it keeps the delay that it began with. */
  #oldDelayMs(path: number): number {
    let mostMs = 0
    for (const fault of this.#world.plan.faults) {
      if (!('path' in fault) || fault.connection !== this.#index || fault.path !== path) continue
      if (fault.kind === 'delay-step') mostMs = Math.max(mostMs, fault.delayMs)
      if (fault.kind === 'jitter-burst') mostMs = Math.max(mostMs, fault.jitterMs)
    }
    return mostMs
  }

  get #linkConfigs(): Pick<LinkConfig, 'testDataLimit' | 'retestInterval'>[] {
    return SIDES.map(each => ({ ...defaults.link, ...this.#configOf(each).link }))
  }

  #recoveryJudge(side: Side, path: number): RecoveryJudge {
    const key = `${side} ${path}`
    const known = this.#recoveries.get(key)
    if (known) return known
    const judge = new RecoveryJudge(this.plan.paths[path] as PathPlan, this.#linkConfigs, what => this.#world.count(what))
    this.#recoveries.set(key, judge)
    return judge
  }

  #judgeCredit(side: Side, engine: Engine, { creditBytes }: CreditJudge, sendBuffer: number): void {
    const { sendSpace, unacked } = engine.stats(this.#world.loop.nowMs)
    const space = Math.max(0, Math.min(sendBuffer - unacked, creditBytes))
    if (sendSpace !== space) this.#fail(side, `takes its space for ${sendSpace} bytes, and it is ${space}`)
  }

  /** What links say that they sent is what the wire saw. */
  #judgeTraffic(side: Side, socket: Socket): void {
    for (const { stream, stats } of socket.links) {
      const number = this.#numbersOfStreams.get(stream)
      if (number === undefined || this.#diverted.has(stream) || stream.destroyed || stream.writableEnded) continue
      const sent = this.#tap.bytesOf(number, side, 'sent')
      if (stats.bytesSent !== sent) this.#fail(side, `link ${number} says ${stats.bytesSent} bytes sent, the wire ${sent}`)
      const received = this.#tap.bytesOf(number, side, 'received')
      if (stats.bytesReceived > received)
        this.#fail(side, `link ${number} says ${stats.bytesReceived} bytes received, the wire ${received}`)
    }
  }

  judgeEnd(allowedMs: number): void {
    const excused = this.#isExcused
    for (const side of SIDES) {
      const application = this[side]
      if (side === 'server' && !application.socket && excused) continue
      if (!application.socket) this.#fail(side, 'never came about')
      if (!application.closed && !excused) {
        this.#fail(side, `is not closed ${allowedMs.toFixed()} ms after everything was healed`)
      }
      if (application.error && !excused) this.#fail(side, `failed: ${application.error.message}`)
      if (!application.sawEnd && !excused) this.#fail(side, 'saw no end')
    }
    if (this.plan.undisturbed) this.#world.count('beside-hostile undisturbed')
  }

  /** Who never pings an idle link never learns that a silent peer is gone, unless its application has a time-out of its own. */
  giveUpOnSilence(): void {
    for (const side of SIDES) {
      const { socket } = this[side]
      if (!socket || socket.destroyed || this.#configOf(side).link?.ping?.mode !== 'whenTimedOut') continue
      this.#world.loop.input(side, () => this[side].act('destroy'))
    }
  }

  /** Long after everything, also after time-outs for what may never hear of its end. */
  judgeLeaks(): void {
    for (const side of SIDES) {
      const application = this[side]
      if (application.socket && !application.closed) this.#fail(side, 'never closed')
      application.judge()
    }
    for (const stream of this.#streams) {
      const leak = leakOf(stream)
      if (leak) this.#world.fail(`connection ${this.#index}: ${leak}`)
    }
  }

  /** Whether it may end as it likes. */
  get #isExcused(): boolean {
    const { client, server } = this
    if (this.#leftUnheard) return true
    if (this.#isHostile || this.disturbed || client.gaveUp || server.gaveUp || this.#isStray) return true
    // Another server may end a connection while none of its links works.
    if (client.error?.reason === 'server-id-mismatch' || this.#wasCutOff) return true
    // A server forgets a connection that lost its first link before anything came over it.
    if (server.error?.reason === 'all-links-failed' && server.received === 0 && !server.sawEnd) return true
    // That it was time for it is judged apart.
    for (const { engine, error } of [client, server]) {
      const failure = engine ? current.failures.get(engine) : error?.reason
      if (failure === 'no-links-timeout') return true
    }
    return !client.connected && this.#failedDials.size === this.paths.length
  }

  /**
   * The reference goes when all its data was taken and its links are gone: its peer, if it lost its links at the same time,
   * cannot know that it, too, may go. hawser does the same to the reference, whose last acks may never come: then no more
   * than the ending is lost.
   */
  get #leftUnheard(): boolean {
    if (this.#world.plan.faults.length === 0) return false
    return SIDES.some(side => {
      const { engine, error, written } = this[side]
      const peer = this[other(side)]
      if (!engine?.closed || peer.sawEnd) return false
      if (isReference(this.roleOf(side))) return true
      return isReference(this.roleOf(other(side))) && !error && peer.received === written
    })
  }

  /** A hostile peer that fell silent would keep its connection for ever. */
  endHostility(): void {
    for (const side of SIDES) {
      if (this.roleOf(side) === 'hostile') this.#world.loop.input(side, () => this[side].act('terminate'))
    }
  }

  roleOf(side: Side): Role {
    const role = this.#world.plan.roles[side]
    return role === 'hostile' && side === 'client' && this.#index > 0 ? 'hawser' : role
  }

  get #isHostile(): boolean {
    return SIDES.some(side => this.roleOf(side) === 'hostile')
  }

  /** Another server answered, and what the client's closed socket had left was given up. */
  get #wasCutOff(): boolean {
    const { engine, closed } = this.client
    if (!engine?.closed || !closed || this.#diverted.size === 0) return false
    return engine.stats(this.#world.loop.nowMs).unconsumedCount > 0
  }

  /** Another server had it first. */
  get #isStray(): boolean {
    return this.client.firstLink !== undefined && this.#diverted.has(this.client.firstLink.stream)
  }

  #fail(side: Side, text: string): never {
    this.#world.fail(`the ${side} of connection ${this.#index} ${text}`)
  }

  #noLinksJudge(side: Side, engine: Engine): NoLinksJudge {
    const { noLinkTimeout = defaults.noLinkTimeout } = this.#configOf(side)
    const judge = new NoLinksJudge(noLinkTimeout, current.births.get(engine) ?? this.#world.loop.nowMs)
    this.#noLinks.set(engine, judge)
    return judge
  }

  #configOf(side: Side): ConnectionPlan['config'] {
    return side === 'client' ? this.plan.config : this.#world.plan.serverConfig
  }

  // ---------------------------------------------------------------- parts

  #makePath(path: ConnectionPlan['paths'][number], number: number): Path {
    const world = this.#world
    return new Path({
      loop: world.loop,
      plan: path,
      seed: world.plan.seed * 64 + this.#index * 8 + number,
      nextLink: () => this.#links++,
      onWire: (link, side, direction, chunk) => {
        if (world.listens) this.#tap.saw(link, path.framing === 'packet', side, direction, chunk)
      },
      accept: (stream, link) => {
        this.#remember('server', stream, number, link)
        world.accept(stream, this.#index, number)
      },
      onMet: (kind, link, detail) => {
        if (detail !== undefined) world.count(`${kind} ${detail}`)
        for (const state of link ? new Set(this.#statesOf(link)) : ['no-link']) world.count(`${kind} ${state}`)
      },
    })
  }

  #application(side: Side): Application {
    const who = `${side} ${this.#index}`
    return new Application({
      loop: this.#world.loop,
      plan: this.plan[side],
      allowHalfOpen: side === 'client' ? this.plan.allowHalfOpen : this.#world.serverAllowsHalfOpen,
      writes: patternOf(side === 'client' ? 1 : 2),
      reads: patternOf(side === 'client' ? 2 : 1),
      peerWritten: () => this[other(side)].written,
      isStray: () => this.#isStray || this.#isHostile,
      onLink: link => this.#watch(side, link),
      fail: text => this.#world.fail(`${who}: ${text}`),
      note: text => this.#world.trace.note(`${who} ${text}`),
    })
  }

  async #dial(index: number, signal: AbortSignal | undefined): Promise<Duplex> {
    const { client: stream, diverted, number } = await (this.paths[index] as Path).connect(signal)
    this.#remember('client', stream, index, number)
    if (!diverted) return stream
    this.#diverted.add(stream)
    return stream
  }

  #watch(side: Side, link: Link): void {
    const { loop } = this.#world
    if (this.plan.undisturbed) {
      link.on('notworking', reason => {
        if (reason !== 'disconnecting') this.#fail(side, `finds a link not working that nobody disturbs: ${reason}`)
      })
    }
    const path = this.#pathsOfStreams.get(link.stream)
    if (path === undefined || this.roleOf(side) !== 'hawser' || !this.#isAlwaysHealthy(path)) return
    const { pingTimeout } = { ...defaults.link, ...this.#configOf(side).link }
    if (answerMs(this.plan.paths[path] as PathPlan, this.#linkConfigs) > pingTimeout) return
    const judge = new BlockedJudge(pingTimeout, what => this.#world.count(what))
    link.on('blocked', () => judge.changed(link.blocked || link.remotelyBlocked, loop.nowMs))
    link.on('close', reason => {
      const wrong = judge.closed(reason, loop.nowMs)
      if (wrong) this.#fail(side, wrong)
    })
  }

  /** Nothing ever happens to the path, nor to time and processes; the other side keeps to the protocol. */
  #isAlwaysHealthy(path: number): boolean {
    if (this.#isHostile) return false
    return this.#world.plan.faults.every(fault => {
      if (fault.kind === 'set-schedule' || fault.kind === 'application' || isLinkFault(fault)) return true
      if (fault.kind === 'all-at-once') return fault.connection !== this.#index || isLinkFault({ kind: fault.what })
      return 'path' in fault && (fault.connection !== this.#index || fault.path !== path)
    })
  }

  #remember(side: Side, stream: LinkStream, path: number, number: number): void {
    if (this.roleOf(side) === 'hostile') current.hostileStreams.add(stream)
    this.#pathsOfStreams.set(stream, path)
    this.#numbersOfStreams.set(stream, number)
    this.#streams.add(stream)
  }

  #linksOver(path: number, side: Side): Link[] {
    return (this[side].socket?.links ?? []).filter(link => this.#pathsOfStreams.get(link.stream) === path)
  }

  #statesOf({ client, server }: PathLink): LinkState[] {
    if (client.destroyed || server.destroyed) return ['closing']
    const states = [this.#stateAt('client', client), this.#stateAt('server', server)].filter(state => state !== undefined)
    return states.length > 0 ? states : ['handshake']
  }

  /** `undefined` if the link has not joined there. */
  #stateAt(side: Side, stream: Duplex): LinkState | undefined {
    const { socket, engine } = this[side]
    const links = socket?.links ?? []
    const index = links.findIndex(link => link.stream === stream)
    const link = links[index]
    if (!link) return undefined
    if (link.blocked || link.remotelyBlocked) return 'blocked'
    return stateOf(engine?.links.length === links.length ? engine.links[index] : undefined)
  }
}

function stateOf(link: EngineLink | undefined): LinkState {
  if (!link) return 'closing'
  switch (link.status.kind) {
    case 'unconfirmed':
      return link.status.reason === 'new' ? 'new' : 'ack-timeout'
    case 'closed':
      return 'closing'
    default:
      return link.status.kind
  }
}

function meddle(links: readonly Link[], fault: LinkFault): void {
  for (const link of links) {
    if (fault.kind === 'disconnect-link') void link.disconnect()
    else if (fault.kind === 'block-link') link.block()
    else if (fault.kind === 'unblock-link') link.unblock()
    else if (fault.kind === 'set-policy') Object.assign(link, fault.policy)
    else if (fault.kind === 'configure-link') {
      link.config = { windowLimit: fault.windowLimit, ping: { interval: fault.pingInterval, mode: 'periodic' } }
    }
  }
}

/** What takes bytes away from a stream, or one of its directions. */
const LOSSES: ReadonlySet<string> = new Set<NetworkFault['kind']>(['swallow', 'drop', 'double', 'flip-bit', 'half-close'])

const LINK_FAULTS: ReadonlySet<string> = new Set<LinkFault['kind']>([
  'add-link',
  'disconnect-link',
  'block-link',
  'unblock-link',
  're-add-link',
  'set-policy',
  'configure-link',
])

/** The application does it, through the library. */
function isLinkFault({ kind }: { readonly kind: string }): boolean {
  return LINK_FAULTS.has(kind)
}

function sideOf({ direction }: Link): Side {
  return direction === 'outgoing' ? 'client' : 'server'
}

/** What keeps links out of use for ever must not keep data from arriving. */
function unlimited({ role, weight }: LinkPolicyInput): LinkPolicyInput {
  return { role: role === 'never' ? 'primary' : role, weight, rateLimit: null, byteBudget: null }
}

function isReference(role: Role): boolean {
  return role === '0.9.7' || role === '0.10'
}

function other(side: Side): Side {
  return side === 'client' ? 'server' : 'client'
}

function tagOf(index: number): LinkTag {
  return { transport: 'simulated', direction: 'outgoing', key: `${index}`, toString: () => `-> path ${index}` }
}

async function* listOnce<T>(item: T): AsyncGenerator<T, void, void> {
  yield item
}
