// Runs the plan of a world and judges what happens: sockets and servers of the library over simulated links, on virtual time.
//
// Until `healMs` everything may go wrong, and nothing wrong may reach an application. Then the core of each connection is
// whole again, and everything must arrive and close in time, whatever the other paths do.

import type { Duplex } from 'node:stream'
import {
  type ConnectTransport,
  connect,
  createServer,
  type Link,
  type LinkTag,
  type Server,
  type Socket,
} from '../../../lib/index.ts'
import { patternOf } from '../pattern.ts'
import { Random } from '../random.ts'
import { Application } from './application.ts'
import { current } from './current.ts'
import { Path, type PathLink } from './path.ts'
import type { ConnectionPlan, FaultPlan, PathFault, Side, WorldPlan } from './plan.ts'
import { timeAllowedMs } from './time-allowed.ts'
import { Trace } from './trace.ts'
import { uninstall, VirtualLoop } from './virtual-loop.ts'
import { WireTap } from './wire-tap.ts'

export interface Outcome {
  /** What went wrong; `undefined` when nothing did. */
  readonly failure: string | undefined
  readonly traceHash: number
  /** How often each fault met a link in each state; keys are `fault state`. */
  readonly faults: ReadonlyMap<string, number>
  readonly steps: number
  readonly virtualMs: number
  /** Application bytes that arrived. */
  readonly bytes: number
}

export interface RunOptions {
  /** Gets every line of the trace. */
  readonly trace?: ((line: string) => void) | undefined
}

class Violation extends Error {}

const SLOW_FILTER_MS = 3_000
/** After this everything that a dead or forgotten connection may leave behind must be gone, too. */
const AFTERLIFE_MS = 20_000_000

export async function runWorld(plan: WorldPlan, options: RunOptions = {}): Promise<Outcome> {
  const loop = new VirtualLoop(1_000)
  current.loop = loop
  current.random = new Random(plan.seed ^ 0x5eed)
  current.firstSequence = plan.firstSequence
  current.engines.clear()
  const chance = new Random(plan.seed ^ 0xc4a)
  const trace = new Trace(loop, options.trace)
  loop.install(() => chance.fraction())
  const uncaught: string[] = []
  const onUncaught = (error: unknown) => uncaught.push(error instanceof Error ? `${error.stack}` : String(error))
  process.on('uncaughtException', onUncaught)
  process.on('unhandledRejection', onUncaught)
  const world = new World(plan, loop, trace)
  loop.afterTask = () => {
    if (uncaught.length > 0) throw new Violation(`uncaught: ${uncaught[0]}`)
    world.judgeStep()
  }
  let failure: string | undefined
  try {
    await world.live()
  } catch (error) {
    failure = error instanceof Violation ? error.message : `${error instanceof Error ? error.stack : error}`
    trace.note(`FAILED ${failure}`)
  } finally {
    uninstall()
    process.off('uncaughtException', onUncaught)
    process.off('unhandledRejection', onUncaught)
  }
  const { faults, bytes } = world
  return { failure, traceHash: trace.hash, faults, steps: loop.steps, virtualMs: loop.nowMs - 1_000, bytes }
}

class World {
  readonly faults = new Map<string, number>()
  readonly #plan: WorldPlan
  readonly #loop: VirtualLoop
  readonly #trace: Trace
  readonly #startMs: number
  readonly #connections: SimulatedConnection[]
  #server: Server
  readonly #servers = new Set<Server>()
  #rogue: Server | undefined

  constructor(plan: WorldPlan, loop: VirtualLoop, trace: Trace) {
    this.#plan = plan
    this.#loop = loop
    this.#trace = trace
    this.#startMs = loop.nowMs
    this.#server = this.#createServer()
    this.#connections = plan.connections.map((connection, index) => new SimulatedConnection(this, connection, index))
  }

  get plan(): WorldPlan {
    return this.#plan
  }

  get loop(): VirtualLoop {
    return this.#loop
  }

  get trace(): Trace {
    return this.#trace
  }

  /** Time of the loop at `ms` of the plan. */
  timeOf(ms: number): number {
    return this.#startMs + ms
  }

  get bytes(): number {
    return this.#connections.reduce((sum, { client, server }) => sum + client.received + server.received, 0)
  }

  fail(text: string): never {
    throw new Violation(`${text}, at ${(this.#loop.nowMs - this.#startMs).toFixed(3)} ms`)
  }

  async live(): Promise<void> {
    const { plan } = this
    for (const connection of this.#connections) this.#at(connection.plan.startMs, () => connection.open())
    for (const fault of plan.faults) this.#at(fault.atMs, () => this.#happen(fault))
    this.#at(plan.healMs, () => {
      this.#trace.note('healed')
      for (const connection of this.#connections) connection.heal()
    })
    await this.#loop.run(this.timeOf(plan.healMs))
    await this.#loop.run(this.#loop.blockedUntilMs)
    const allowedMs = Math.max(...this.#connections.map(({ plan: each }) => timeAllowedMs(plan, each)))
    await this.#loop.run(this.#loop.nowMs + allowedMs)
    for (const connection of this.#connections) connection.judgeEnd(allowedMs)
    this.#trace.note('all closed')
    const closed = new Set<Server>()
    for (const server of this.#servers) {
      server.on('close', () => closed.add(server))
      server.close()
    }
    await this.#loop.run(this.#loop.nowMs + AFTERLIFE_MS)
    for (const connection of this.#connections) connection.judgeLeaks()
    if (closed.size < this.#servers.size) this.fail('a server never closed')
    const [timer] = this.#loop.timers
    if (timer) this.fail(`${this.#loop.timers.size} timers are left`)
  }

  judgeStep(): void {
    for (const connection of this.#connections) connection.judgeStep()
  }

  #at(ms: number, task: () => void): void {
    this.#loop.outside(this.timeOf(ms), () => this.#loop.input(task))
  }

  accept(stream: Duplex): void {
    this.#server.addLink(stream).catch(() => {})
  }

  acceptRogue(stream: Duplex): void {
    this.#rogue ??= this.#createRogue()
    this.#rogue.addLink(stream).catch(() => {})
  }

  /** Of either side, for links of `path`. */
  filter(side: Side, path: number | undefined, core: readonly number[]): boolean | Promise<boolean> {
    const { filter, filterSide } = this.#plan
    if (filter === 'none' || side !== filterSide) return true
    if (filter === 'slow') return new Promise(resolve => setTimeout(() => resolve(true), SLOW_FILTER_MS))
    if (path === undefined || core.includes(path)) return true
    if (filter === 'throws') throw new Error('simulated filter')
    return false
  }

  #createServer(): Server {
    const { plan } = this
    const { allowHalfOpen = true, highWaterMark = 16_384 } = plan.connections[0] ?? {}
    const server = createServer({
      allowHalfOpen,
      highWaterMark,
      config: plan.serverConfig,
      linkFilter: link => {
        const connection = this.#connections.find(each => each.pathOf(link.stream as never) !== undefined)
        return this.filter('server', connection?.pathOf(link.stream as never), connection?.plan.core ?? [])
      },
    })
    this.#servers.add(server)
    server.on('connection', (socket: Socket) => {
      const connection = this.#connections.find(each => each.client.socket?.id === socket.id)
      if (!connection) this.fail('a connection that nobody asked for')
      connection.accepted(socket)
    })
    return server
  }

  #createRogue(): Server {
    const rogue = createServer()
    this.#servers.add(rogue)
    rogue.on('connection', socket => {
      for (const connection of this.#connections) if (connection.client.socket?.id === socket.id) connection.stray = true
      socket.on('error', () => {})
      socket.resume()
      this.#loop.outside(Math.max(this.#loop.nowMs, this.timeOf(this.#plan.healMs)), () => socket.terminate())
    })
    return rogue
  }

  #happen(fault: FaultPlan): void {
    const connection = this.#connections[fault.connection] as SimulatedConnection
    this.#trace.note(`fault ${JSON.stringify(fault)}`)
    if ('path' in fault) {
      for (const state of connection.statesOf(fault.path)) this.count(`${fault.kind} ${state}`)
      connection.harm(fault)
      return
    }
    this.count(fault.kind === 'application' ? `${fault.action} ${fault.side}` : `${fault.kind} ${connection.state}`)
    switch (fault.kind) {
      case 'application':
        connection[fault.side].act(fault.action)
        break
      case 'block-loop':
        this.#loop.block(fault.durationMs)
        break
      case 'reset-everything':
        for (const each of this.#connections) for (const path of each.paths) path.reset(['client', 'server'])
        break
      case 'restart-server':
        this.#restartServer()
        break
    }
  }

  count(key: string): void {
    this.faults.set(key, (this.faults.get(key) ?? 0) + 1)
  }

  /** The process of the server dies and comes back: it knows nothing any more. */
  #restartServer(): void {
    const old = this.#server
    this.#server = this.#createServer()
    for (const connection of this.#connections) connection.serverDied()
    old.close()
  }
}

/** A client and what the server has of it. */
class SimulatedConnection {
  readonly plan: ConnectionPlan
  readonly paths: readonly Path[]
  client: Application
  server: Application
  /** It need not end well. */
  disturbed = false
  readonly #world: World
  readonly #index: number
  readonly #tap: WireTap
  readonly #pathsOfStreams = new WeakMap<Duplex, number>()
  readonly #streams = new Set<Duplex>()
  readonly #failedDials = new Set<number>()
  #links = 0
  #workingLinks = 0
  /** Another server has it, or ended it while none of its links worked. */
  stray = false

  constructor(world: World, plan: ConnectionPlan, index: number) {
    this.#world = world
    this.plan = plan
    this.#index = index
    this.client = this.#application('client')
    this.server = this.#application('server')
    this.#tap = new WireTap(world.plan, plan, world.trace, index, text => world.fail(text))
    this.paths = plan.paths.map(
      (path, number) =>
        new Path({
          loop: world.loop,
          plan: path,
          seed: world.plan.seed * 64 + index * 8 + number,
          nextLink: () => this.#links++,
          onWire: (link, side, direction, chunk) => this.#tap.saw(link, path.framing === 'packet', side, direction, chunk),
          accept: stream => {
            this.#remember(stream, number)
            world.accept(stream)
          },
        }),
    )
  }

  get state(): string {
    if (this.client.closed || this.server.closed) return 'closing'
    return this.server.socket ? 'open' : 'opening'
  }

  open(): void {
    const { plan } = this
    const transport: ConnectTransport = {
      name: 'simulated',
      tags: () => listOnce(this.paths.map((_, index) => tagOf(index))),
      connect: async (tag, signal) => this.#dial(Number(tag.key), signal),
    }
    const { config, reconnectDelay, highWaterMark, allowHalfOpen } = plan
    const socket = connect({
      transports: [transport],
      config,
      reconnectDelay,
      highWaterMark,
      allowHalfOpen,
      linkFilter: link => this.#world.filter('client', Number(link.tag.key), plan.core),
    })
    socket.on('linkerror', (_error, tag) => {
      if (tag?.transport === 'simulated') this.#failedDials.add(Number(tag.key))
    })
    this.client.start(socket)
  }

  accepted(socket: Socket): void {
    if (this.server.socket) {
      // After a restart of the server, of which the client had heard nothing yet.
      if (!this.server.gaveUp) this.#world.fail('the server announced a connection twice')
      this.server = this.#application('server')
    }
    this.server.start(socket)
  }

  pathOf(stream: Duplex): number | undefined {
    return this.#pathsOfStreams.get(stream)
  }

  /** The states of the links over a path, as its client sees them. */
  statesOf(path: number): string[] {
    const links = (this.paths[path] as Path).links
    return links.length === 0 ? ['no-link'] : links.map(link => this.#stateOf(link))
  }

  harm(fault: PathFault & { readonly path: number }): void {
    const path = this.paths[fault.path] as Path
    const { loop } = this.#world
    const until = (durationMs: number | null) => (durationMs === null ? Number.POSITIVE_INFINITY : loop.nowMs + durationMs)
    switch (fault.kind) {
      case 'reset':
        path.reset(fault.ends)
        break
      case 'half-close':
        path.halfClose(fault.directions)
        break
      case 'blackhole':
        path.cut(fault.directions, until(fault.durationMs))
        break
      case 'swallow':
        path.swallow(fault.directions)
        break
      case 'stall':
        path.stall(fault.directions)
        break
      case 'withhold-drain':
        path.withholdDrain(fault.directions)
        break
      case 'trickle':
        path.change(fault.directions, { rateBytesPerMs: fault.rateBytesPerMs })
        break
      case 'delay':
        path.change(fault.directions, { delayMs: fault.delayMs })
        break
      case 'jitter':
        path.change(fault.directions, { jitterMs: fault.jitterMs })
        break
      case 'shrink-buffer':
        path.change(fault.directions, { pipeBufferBytes: fault.pipeBufferBytes })
        break
      case 'flip-bit':
      case 'drop':
      case 'double':
        path.damage(fault.directions, fault.kind, fault.chunks)
        break
      case 'cut-handshake':
        path.cutHandshake(fault.direction, fault.bytes)
        break
      case 'refuse':
        path.refuse(until(fault.durationMs))
        break
      case 'flap':
        for (let time = 0; time < fault.times; time++) {
          loop.outside(loop.nowMs + time * fault.everyMs, () => loop.input(() => path.reset(['client', 'server'])))
        }
        break
      case 'rogue-server':
        path.divert(stream => {
          // Another server may end a connection only while none of its links works.
          if (this.#workingLinks === 0) this.stray = true
          this.#world.acceptRogue(stream)
        })
        path.reset(['client', 'server'])
        break
      case 'add-link':
        this.#addLink(fault.path)
        break
      default:
        meddle(this.#linksOver(fault.path, fault.side), fault)
    }
  }

  heal(): void {
    for (const index of this.plan.core) (this.paths[index] as Path).heal()
    for (const side of ['client', 'server'] as const) {
      this[side].heal()
      for (const link of this[side].socket?.links ?? []) link.unblock()
    }
  }

  serverDied(): void {
    for (const path of this.paths) path.reset(['server'])
    if (!this.server.socket || this.server.closed) return
    this.disturbed = true
    this.server.act('destroy')
  }

  judgeStep(): void {
    for (const side of ['client', 'server'] as const) {
      const { socket } = this[side]
      if (socket && side === 'client') this.#workingLinks = socket.links.filter(link => link.working).length
      if (!socket || socket.destroyed) continue
      const { sendBuffer = 0, recvBuffer = 0 } = side === 'client' ? this.plan.config : this.#world.plan.serverConfig
      const { unacked, receivedUnconsumed } = socket.stats
      if (unacked > sendBuffer)
        this.#world.fail(`${side} of ${this.#index}: ${unacked} bytes unacknowledged, more than ${sendBuffer}`)
      if (receivedUnconsumed > recvBuffer)
        this.#world.fail(`${side} of ${this.#index}: ${receivedUnconsumed} bytes held, more than ${recvBuffer}`)
    }
  }

  judgeEnd(allowedMs: number): void {
    const { client, server } = this
    const never = !client.connected && this.#failedDials.size === this.paths.length
    // A server forgets a connection that lost its first link before anything came over it.
    const unused = server.error?.reason === 'all-links-failed' && server.received === 0 && !server.sawEnd
    const excused = this.disturbed || client.gaveUp || server.gaveUp || never || unused || this.stray
    for (const side of ['client', 'server'] as const) {
      const application = this[side]
      const who = `the ${side} of connection ${this.#index}`
      if (side === 'server' && !server.socket && excused) continue
      if (!application.socket) this.#world.fail(`${who} never came about`)
      if (!application.closed && !excused)
        this.#world.fail(`${who} is not closed ${allowedMs.toFixed()} ms after everything was healed`)
      if (application.error && !excused) this.#world.fail(`${who} failed: ${application.error.message}`)
      if (!application.sawEnd && !excused) this.#world.fail(`${who} saw no end`)
    }
  }

  /** Long after everything, also after time-outs for what may never hear of its end. */
  judgeLeaks(): void {
    for (const application of [this.client, this.server]) {
      if (application.socket && !application.closed) this.#world.fail(`a socket of connection ${this.#index} never closed`)
      application.judge()
    }
    for (const stream of this.#streams) {
      if (!stream.destroyed) this.#world.fail(`a link of connection ${this.#index} was left open`)
      if (stream.listenerCount('data') > 0) this.#world.fail(`a link of connection ${this.#index} still has listeners`)
    }
  }

  #application(side: Side): Application {
    const other = side === 'client' ? 'server' : 'client'
    const who = `${side} ${this.#index}`
    return new Application({
      loop: this.#world.loop,
      plan: this.plan[side],
      allowHalfOpen: side === 'client' ? this.plan.allowHalfOpen : (this.#world.plan.connections[0]?.allowHalfOpen ?? true),
      writes: patternOf(side === 'client' ? 1 : 2),
      reads: patternOf(side === 'client' ? 2 : 1),
      peerWritten: () => this[other].written,
      isStray: () => this.stray,
      fail: text => this.#world.fail(`${who}: ${text}`),
      note: text => this.#world.trace.note(`${who} ${text}`),
    })
  }

  async #dial(index: number, signal: AbortSignal | undefined): Promise<Duplex> {
    const stream = await (this.paths[index] as Path).connect(signal)
    this.#remember(stream, index)
    return stream
  }

  #remember(stream: Duplex, path: number): void {
    this.#pathsOfStreams.set(stream, path)
    this.#streams.add(stream)
  }

  #addLink(path: number): void {
    const { socket } = this.client
    if (!socket || socket.destroyed) return
    this.#dial(path, undefined)
      .then(stream => socket.addLink(stream).catch(() => stream.destroy()))
      .catch(() => {})
  }

  #linksOver(path: number, side: Side): Link[] {
    return (this[side].socket?.links ?? []).filter(link => this.#pathsOfStreams.get(link.stream) === path)
  }

  #stateOf({ client, server }: PathLink): string {
    if (client.destroyed || server.destroyed) return 'closing'
    const link = this.client.socket?.links.find(({ stream }) => stream === client)
    if (!link) return 'handshake'
    if (link.blocked || link.remotelyBlocked) return 'blocked'
    return link.notWorkingReason ?? 'working'
  }
}

function meddle(links: readonly Link[], fault: PathFault): void {
  for (const link of links) {
    if (fault.kind === 'disconnect-link') link.disconnect()
    else if (fault.kind === 'block-link') link.block()
    else if (fault.kind === 'unblock-link') link.unblock()
    else if (fault.kind === 'configure-link') {
      link.config = { windowLimit: fault.windowLimit, ping: { interval: fault.pingInterval, mode: 'periodic' } }
    }
  }
}

function tagOf(index: number): LinkTag {
  return { transport: 'simulated', direction: 'outgoing', key: `${index}`, toString: () => `-> path ${index}` }
}

async function* listOnce<T>(item: T): AsyncGenerator<T, void, void> {
  yield item
}
