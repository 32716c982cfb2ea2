// Runs the plan of a world and judges what happens: sockets and servers of the library over simulated links, on virtual time.
//
// Until `healMs` everything may go wrong, and nothing wrong may reach an application. Then the core of each connection is
// whole again, and everything must arrive and close in time, whatever the other paths do.

import type { Duplex } from 'node:stream'
import { createServer, type Server, type Socket } from '../../../lib/index.ts'
import { Random } from '../random.ts'
import { current } from './current.ts'
import { leakedEngine } from './judges/leaks.ts'
import type { FaultPlan, LinkState, PathFaultPlan, Side, WorldPlan } from './plan.ts'
import { SimulatedConnection } from './simulated-connection.ts'
import { timeAllowedMs } from './time-allowed.ts'
import { Trace } from './trace.ts'
import { uninstall, VirtualLoop } from './virtual-loop.ts'

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
  /** Most memory that a side of a connection had, as a share of what it may have. */
  readonly mostMemory: number
}

export interface RunOptions {
  /** Gets every line of the trace. */
  readonly trace?: ((line: string) => void) | undefined
  /** For who compares what the accountant of memory counts with what the heap holds. */
  readonly weigh?: Weighing | undefined
}

export interface Weighing {
  /** Times of the plan, before all is healed. The world ends with the last one. */
  readonly atMs: readonly number[]
  /** Time stands still until it is done. */
  readonly take: (heldBytes: number) => Promise<void>
}

class Violation extends Error {}

/** Filters are asked one link after the other, and a handshake waits no longer than 3 s. */
const SLOW_FILTER_MS = 300
/** After this everything that a dead or forgotten connection may leave behind must be gone, too. */
const AFTERLIFE_MS = 20_000_000
/** Every so many quiet moments the judges look at everything. */
const LOOKS_EVERY = 4

export async function runWorld(plan: WorldPlan, options: RunOptions = {}): Promise<Outcome> {
  const loop = new VirtualLoop(1_000)
  current.loop = loop
  current.random = new Random(plan.seed ^ 0x5eed)
  current.firstSequence = plan.firstSequence
  current.roles = plan.roles
  current.engines.clear()
  current.joined = undefined
  current.opening = 0
  current.count = key => world.count(key)
  const chance = new Random(plan.seed ^ 0xc4a)
  const trace = new Trace(loop, options.trace)
  loop.install(() => chance.fraction())
  const uncaught: string[] = []
  const onUncaught = (error: unknown) => uncaught.push(error instanceof Error ? `${error.stack}` : String(error))
  process.on('uncaughtException', onUncaught)
  process.on('unhandledRejection', onUncaught)
  const world = new World(plan, loop, trace, options.weigh)
  loop.afterTask = () => {
    if (uncaught.length > 0) throw new Violation(`uncaught: ${uncaught[0]}`)
    world.afterTask()
  }
  loop.onQuiet = () => world.judgeQuiet()
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
  const { faults, bytes, mostMemory } = world
  return { failure, traceHash: trace.hash, faults, steps: loop.steps, virtualMs: loop.nowMs - 1_000, bytes, mostMemory }
}

export class World {
  readonly faults = new Map<string, number>()
  readonly plan: WorldPlan
  readonly loop: VirtualLoop
  readonly trace: Trace
  readonly #weighing: Weighing | undefined
  readonly #startMs: number
  readonly #connections: SimulatedConnection[]
  #server!: Server
  readonly #servers = new Set<Server>()
  #rogue: Server | undefined
  /** Faults that wait for a link in the right state. */
  #waiting: PathFaultPlan[] = []
  #quietMoments = 0

  constructor(plan: WorldPlan, loop: VirtualLoop, trace: Trace, weighing: Weighing | undefined) {
    this.plan = plan
    this.#weighing = weighing
    this.loop = loop
    this.trace = trace
    this.#startMs = loop.nowMs
    this.#connections = plan.connections.map((connection, index) => new SimulatedConnection(this, connection, index))
  }

  /** Time of the loop at `ms` of the plan. */
  timeOf(ms: number): number {
    return this.#startMs + ms
  }

  /** Whether judges of the wire listen: they keep a record of every message, which nobody could tell from what is weighed. */
  get listens(): boolean {
    return this.#weighing === undefined
  }

  get bytes(): number {
    return this.#connections.reduce((sum, { client, server }) => sum + client.received + server.received, 0)
  }

  get mostMemory(): number {
    return Math.max(...this.#connections.map(({ mostMemory }) => mostMemory))
  }

  get serverAllowsHalfOpen(): boolean {
    return this.plan.connections[0]?.allowHalfOpen ?? true
  }

  fail(text: string): never {
    throw new Violation(`${text}, at ${(this.loop.nowMs - this.#startMs).toFixed(3)} ms`)
  }

  async live(): Promise<void> {
    const { plan, loop } = this
    loop.input('server', () => {
      this.#server = this.#createServer()
    })
    for (const connection of this.#connections) {
      this.#at(connection.plan.startMs, () => loop.input('client', () => connection.open()))
    }
    for (const fault of plan.faults) this.#at(fault.atMs, () => this.#meet(fault))
    this.#at(plan.healMs, () => {
      this.trace.note('healed')
      this.#waiting = []
      for (const connection of this.#connections) connection.heal()
    })
    if (this.#weighing) {
      await this.#weigh(this.#weighing)
      return
    }
    await loop.run(this.timeOf(plan.healMs))
    while (loop.blockedUntilMs > loop.nowMs) await loop.run(loop.blockedUntilMs)
    const allowedMs = Math.max(...this.#connections.map(({ plan: each }) => timeAllowedMs(plan, each)))
    await loop.run(loop.nowMs + allowedMs)
    for (const connection of this.#connections) connection.judgeEnd(allowedMs)
    for (const connection of this.#connections) connection.endHostility()
    this.trace.note('all closed')
    await this.#die()
  }

  async #weigh({ atMs, take }: Weighing): Promise<void> {
    for (const ms of atMs) {
      await this.loop.run(this.timeOf(ms))
      await take(this.#connections.reduce((sum, { heldBytes }) => sum + heldBytes, 0))
    }
  }

  /** Servers close; then nothing may be left. */
  async #die(): Promise<void> {
    const { loop } = this
    const closed = new Set<Server>()
    for (const connection of this.#connections) connection.giveUpOnSilence()
    for (const server of this.#servers) {
      server.on('close', () => closed.add(server))
      loop.input('server', () => server.close())
    }
    await loop.run(loop.nowMs + AFTERLIFE_MS)
    for (const connection of this.#connections) connection.judgeLeaks()
    if (closed.size < this.#servers.size) this.fail('a server never closed')
    if (loop.timers.size > 0) this.fail(`${loop.timers.size} timers are left`)
    const leaked = leakedEngine(current.engines)
    if (leaked) this.fail(leaked)
  }

  afterTask(): void {
    for (const connection of this.#connections) connection.judgeStep()
    for (const fault of this.#waiting) {
      if (this.#isTime(fault)) {
        this.#waiting = this.#waiting.filter(other => other !== fault)
        this.#happen(fault)
      }
    }
  }

  judgeQuiet(): void {
    if (++this.#quietMoments % LOOKS_EVERY === 0) for (const connection of this.#connections) connection.judgeQuiet()
  }

  #at(ms: number, run: () => void): void {
    this.loop.outside(this.timeOf(ms), run)
  }

  accept(stream: Duplex, connection: number, path: number): void {
    this.#server.addLink(stream, { tag: `${connection} ${path}` }).catch(() => {})
  }

  acceptRogue(stream: Duplex): void {
    this.#rogue ??= this.#createRogue()
    this.#rogue.addLink(stream).catch(() => {})
  }

  /** Of either side, for links of `path`. */
  filter(side: Side, path: number | undefined, core: readonly number[]): boolean | Promise<boolean> {
    const { filter, filterSide } = this.plan
    if (filter === 'none' || side !== filterSide) return true
    if (filter === 'slow') {
      this.count('filter slow')
      return new Promise(resolve => setTimeout(() => resolve(true), SLOW_FILTER_MS))
    }
    if (path === undefined || core.includes(path)) return true
    this.count(`filter ${filter}`)
    if (filter === 'throws') throw new Error('simulated filter')
    return false
  }

  count(key: string): void {
    this.faults.set(key, (this.faults.get(key) ?? 0) + 1)
  }

  #createServer(): Server {
    const { plan } = this
    const server = createServer({
      allowHalfOpen: this.serverAllowsHalfOpen,
      highWaterMark: plan.connections[0]?.highWaterMark ?? 16_384,
      config: plan.serverConfig,
      linkFilter: link => {
        const connection = this.#connections.find(each => each.pathOf(link.stream) !== undefined)
        connection?.met(link)
        return this.filter('server', connection?.pathOf(link.stream), connection?.plan.core ?? [])
      },
      linkPolicy: tag => {
        const [connection, path] = String(tag).split(' ').map(Number)
        return this.#connections[connection as number]?.policyOf('server', path as number)
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
      socket.on('error', () => {})
      socket.resume()
      this.loop.outside(Math.max(this.loop.nowMs, this.timeOf(this.plan.healMs)), () => socket.terminate())
    })
    return rogue
  }

  // ---------------------------------------------------------------- faults

  #meet(fault: FaultPlan): void {
    if (!('path' in fault) || fault.inState === undefined || this.#isTime(fault)) this.#happen(fault)
    else this.#waiting.push(fault)
  }

  #isTime(fault: PathFaultPlan): boolean {
    const states = (this.#connections[fault.connection] as SimulatedConnection).statesOf(fault.path)
    return fault.inState !== undefined && states.has(fault.inState)
  }

  #happen(fault: FaultPlan): void {
    const connection = this.#connections[fault.connection] as SimulatedConnection
    this.trace.note(`fault ${JSON.stringify(fault)}`)
    if ('path' in fault) {
      if (COUNTED_AT_ONCE.has(fault.kind)) this.#countStates(fault.kind, connection.statesOf(fault.path))
      connection.harm(fault)
      return
    }
    const { loop } = this
    switch (fault.kind) {
      case 'application':
        this.count(`${fault.action} ${fault.sides.length === 2 ? 'both' : fault.sides[0]} ${connection.state}`)
        for (const side of fault.sides) loop.input(side, () => connection[side].act(fault.action))
        break
      case 'block-loop':
        this.count(`${fault.durationMs >= 3_600_000 ? 'sleep' : 'block-loop'} ${connection.state}`)
        for (const side of fault.sides) loop.block(side, fault.durationMs)
        break
      case 'late-timers':
        this.count(`late-timers ${connection.state}`)
        for (const side of fault.sides) loop.delayTimers(side, fault.lateMs, fault.durationMs)
        break
      case 'all-at-once':
        this.count(`${fault.what} all ${connection.state}`)
        connection.harmAllPaths(fault.what)
        break
      case 'set-schedule':
        this.count(`set-schedule ${connection.state}`)
        for (const side of fault.sides) loop.input(side, () => connection.setSchedule(side, fault.schedule))
        break
      case 'restart-server':
        this.count(`restart-server ${connection.state}`)
        loop.input('server', () => this.#restartServer())
        break
    }
  }

  #countStates(kind: string, states: Iterable<LinkState>): void {
    for (const state of states) this.count(`${kind} ${state}`)
  }

  /** The process of the server dies and comes back: it knows nothing any more. */
  #restartServer(): void {
    const old = this.#server
    this.#server = this.#createServer()
    for (const connection of this.#connections) connection.serverDied()
    old.close()
  }
}

/** Faults that happen when they are asked for; the others count when bytes or dials meet them. */
const COUNTED_AT_ONCE: ReadonlySet<string> = new Set([
  'reset',
  'clean-end',
  'half-close',
  'flap',
  'add-link',
  're-add-link',
  'disconnect-link',
  'block-link',
  'unblock-link',
  'configure-link',
  'set-policy',
])
