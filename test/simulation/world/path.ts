// One way between a client and the server: links over it are made of two pipes each, all of them in the state in which the
// path is. A path outlives its links: what is dialed over a broken path is broken from the beginning.
//
// What a fault does to bytes is told when the first bytes meet it.

import type { Duplex } from 'node:stream'
import { Random } from '../random.ts'
import type { Framing } from '../simulated-link.ts'
import { type Damage, type PipeShape, SimulatedPipe } from '../simulated-pipe.ts'
import { LinkStream } from './link-stream.ts'
import type { NetworkFault, Side } from './plan.ts'
import type { VirtualLoop } from './virtual-loop.ts'

/** Which way: from the client or from the server. */
export type Direction = 'up' | 'down'

export interface PathPlan {
  readonly framing: Framing
  readonly highWaterMark: number
  readonly up: PipeShape
  readonly down: PipeShape
}

/** A link over the path. */
export interface PathLink {
  readonly number: number
  /** What the next bytes in a direction will be the first to meet. */
  readonly ahead: Record<Direction, Set<FaultKind>>
  readonly client: LinkStream
  readonly server: LinkStream
  readonly up: SimulatedPipe
  readonly down: SimulatedPipe
  /** It reached somebody else than the server. */
  readonly diverted: boolean
}

export interface PathOptions {
  readonly loop: VirtualLoop
  readonly plan: PathPlan
  readonly seed: number
  /** Number of the next link of the whole connection. */
  readonly nextLink: () => number
  readonly onWire: (link: number, side: 'client' | 'server', direction: 'sent' | 'received', chunk: Uint8Array) => void
  /** Takes the far end of a new link. */
  readonly accept: (stream: LinkStream, link: number) => void
  /** A fault met bytes, or a dial. */
  readonly onMet: (kind: FaultKind, link: PathLink | undefined, detail?: string) => void
}

export type FaultKind = NetworkFault['kind']

/** What is wrong with a path, for links that are and that will be. */
interface Condition {
  /** Nothing moves; until when. */
  readonly cutUntilMs: Record<Direction, number>
  readonly swallows: Record<Direction, boolean>
  readonly stalled: Record<Direction, boolean>
  readonly withholdsDrain: Record<Direction, boolean>
  readonly shape: Record<Direction, PipeShape>
  /** Faults that new links will meet. */
  readonly lasting: Record<Direction, Set<FaultKind>>
}

export class Path {
  /** Links that are not closed at both ends. */
  readonly links: PathLink[] = []
  readonly #options: PathOptions
  readonly #random: Random
  #condition: Condition
  #refusesUntilMs = 0
  /** Bytes that the next link carries from the server before it breaks. */
  #cutsHandshakes: { readonly direction: Direction; readonly bytes: number }[] = []
  /** Dials that wait for the path to come back. */
  #waiting: (() => void)[] = []
  /** Instead of the server. */
  #diverted: ((stream: Duplex) => void) | undefined

  constructor(options: PathOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
    this.#condition = condition(options.plan)
  }

  get framing(): Framing {
    return this.#options.plan.framing
  }

  /** Makes a link: takes a round trip, waits while the path is cut. */
  connect(signal: AbortSignal | undefined): Promise<PathLink> {
    const { loop } = this.#options
    return new Promise((resolve, reject) => {
      const fail = (code: string) => reject(Object.assign(new Error(`simulated ${code}`), { code }))
      const arrive = () => {
        if (signal?.aborted) return
        if (this.#isCut) {
          this.#waiting.push(arrive)
          return
        }
        if (this.refuses) {
          this.#options.onMet('refuse', undefined)
          fail('ECONNREFUSED')
        } else resolve(this.#makeLink())
      }
      signal?.addEventListener('abort', () => fail('ABORT_ERR'), { once: true })
      const { up, down } = this.#condition.shape
      loop.outside(loop.nowMs + up.delayMs + down.delayMs, () => loop.input('client', arrive))
    })
  }

  get refuses(): boolean {
    return this.#options.loop.nowMs < this.#refusesUntilMs
  }

  /** Links that are dialed before `untilMs` are refused. */
  refuse(untilMs: number): void {
    this.#refusesUntilMs = untilMs
  }

  /** The next link breaks after so many bytes in one direction. */
  cutHandshake(direction: Direction, bytes: number): void {
    this.#cutsHandshakes.push({ direction, bytes })
  }

  /** Nothing moves until `untilMs`, `Infinity` for ever; then everything goes on. */
  cut(directions: readonly Direction[], untilMs: number): void {
    this.#announce(Number.isFinite(untilMs) ? 'pause' : 'blackhole', directions)
    for (const direction of directions) {
      this.#condition.cutUntilMs[direction] = Math.max(untilMs, this.#condition.cutUntilMs[direction])
      for (const link of this.links) link[direction].pause(untilMs)
    }
    if (!Number.isFinite(untilMs)) return
    this.#options.loop.outside(untilMs, () => {
      this.#forget('pause', directions)
      this.#dialAgain()
    })
  }

  swallow(directions: readonly Direction[]): void {
    this.#announce('swallow', directions)
    for (const direction of directions) {
      this.#condition.swallows[direction] = true
      for (const link of this.links) link[direction].setSwallowing(true)
    }
  }

  /** Takes nothing more in that direction: the sender's buffers fill. */
  stall(directions: readonly Direction[]): void {
    this.#announce('stall', directions)
    for (const direction of directions) {
      this.#condition.stalled[direction] = true
      for (const link of this.links) link[direction].setStalled(true)
    }
  }

  /** Delivers, but never drains. */
  withholdDrain(directions: readonly Direction[]): void {
    this.#announce('withhold-drain', directions)
    for (const direction of directions) {
      this.#condition.withholdsDrain[direction] = true
      for (const link of this.links) senderOf(link, direction).withholdsDrain = true
    }
  }

  change(kind: FaultKind, directions: readonly Direction[], shape: Partial<PipeShape>): void {
    this.#announce(kind, directions)
    this.#reshape(directions, shape)
  }

  /** Each chunk takes up to `jitterMs` longer for so long. */
  jitter(directions: readonly Direction[], jitterMs: number, durationMs: number): void {
    const { loop, plan } = this.#options
    this.change('jitter-burst', directions, { jitterMs })
    loop.outside(loop.nowMs + durationMs, () => {
      this.#forget('jitter-burst', directions)
      for (const direction of directions) this.#reshape([direction], { jitterMs: plan[direction].jitterMs })
    })
  }

  #reshape(directions: readonly Direction[], shape: Partial<PipeShape>): void {
    for (const direction of directions) {
      this.#condition.shape[direction] = { ...this.#condition.shape[direction], ...shape }
      for (const link of this.links) link[direction].change(shape)
    }
  }

  /** Byte streams only: packet links have nothing that would find it. */
  damage(directions: readonly Direction[], damage: Damage, chunks: number): void {
    if (this.framing === 'packet') return
    for (const direction of directions) {
      for (const link of this.links) for (let chunk = 0; chunk < chunks; chunk++) link[direction].damageNext(damage)
    }
  }

  #announce(kind: FaultKind, directions: readonly Direction[]): void {
    for (const direction of directions) {
      this.#condition.lasting[direction].add(kind)
      for (const link of this.links) {
        link.ahead[direction].add(kind)
        if (link[direction].heldBytes > 0) this.#meet(link, direction)
      }
    }
  }

  #forget(kind: FaultKind, directions: readonly Direction[]): void {
    for (const direction of directions) {
      this.#condition.lasting[direction].delete(kind)
      for (const link of this.links) link.ahead[direction].delete(kind)
    }
  }

  /** Bytes are on their way. */
  #meet(link: PathLink, direction: Direction): void {
    const ahead = link.ahead[direction]
    if (ahead.size === 0) return
    for (const kind of ahead) this.#options.onMet(kind, link)
    ahead.clear()
  }

  /** All links fail, at both ends or at one of them, which the other learns as fast as the path allows. */
  reset(ends: readonly ('client' | 'server')[]): void {
    for (const link of [...this.links]) for (const end of ends) link[end].fail('ECONNRESET')
  }

  /** Directions end in good order; the library did not ask for it. */
  end(directions: readonly Direction[]): void {
    for (const link of this.links) for (const direction of directions) link[direction].end()
  }

  /** New links reach somebody else. */
  divert(accept: ((stream: Duplex) => void) | undefined): void {
    this.#diverted = accept
  }

  /** Everything is as it was in the beginning, also for the links that are. */
  heal(): void {
    this.#condition = condition(this.#options.plan)
    this.#refusesUntilMs = 0
    this.#cutsHandshakes = []
    this.#diverted = undefined
    for (const link of this.links) {
      // Nothing on a link of packets could tell that some are missing: such a link does not come back.
      if (this.framing === 'packet' && (link.up.lossy || link.down.lossy)) link.client.fail('ECONNRESET')
      for (const direction of ['up', 'down'] as const) {
        const pipe = link[direction]
        link.ahead[direction].clear()
        pipe.mend()
        pipe.setSwallowing(false)
        pipe.setStalled(false)
        pipe.change(this.#condition.shape[direction])
        pipe.resume()
      }
      link.client.releaseDrain()
      link.server.releaseDrain()
    }
    this.#dialAgain()
  }

  get #isCut(): boolean {
    const { cutUntilMs } = this.#condition
    return Math.max(cutUntilMs.up, cutUntilMs.down) > this.#options.loop.nowMs
  }

  #dialAgain(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const arrive of waiting) this.#options.loop.input('client', arrive)
  }

  #makeLink(): PathLink {
    const { loop, plan, nextLink, onWire, accept, onMet } = this.#options
    const number = nextLink()
    const packets = plan.framing === 'packet'
    const diverted = this.#diverted
    if (diverted) onMet('rogue-server', undefined)
    const [up, down] = [this.#makePipe('up'), this.#makePipe('down')]
    const { lasting, withholdsDrain } = this.#condition
    const ahead = { up: new Set(lasting.up), down: new Set(lasting.down) }
    const end = (side: Side, direction: Direction, outgoing: SimulatedPipe, incoming: SimulatedPipe) =>
      new LinkStream({
        loop,
        process: diverted && side === 'server' ? 'elsewhere' : side,
        outgoing,
        incoming,
        packets,
        highWaterMark: plan.highWaterMark,
        onWritten: chunk => {
          this.#meet(link, direction)
          if (!diverted) onWire(number, side, 'sent', chunk)
        },
        onArrived: chunk => {
          if (!diverted) onWire(number, side, 'received', chunk)
        },
      })
    const link: PathLink = {
      number,
      ahead,
      up,
      down,
      diverted: diverted !== undefined,
      client: end('client', 'up', up, down),
      server: end('server', 'down', down, up),
    }
    link.client.withholdsDrain = withholdsDrain.up
    link.server.withholdsDrain = withholdsDrain.down
    up.onDamaged = down.onDamaged = damage => onMet(damage, link)
    const cut = this.#cutsHandshakes.shift()
    if (cut) {
      link[cut.direction].breakAfter(cut.bytes)
      link[cut.direction].onCut = () => onMet('cut-handshake', link, `${cut.direction} ${cut.bytes}`)
    }
    this.links.push(link)
    const forget = () => {
      if (link.client.destroyed && link.server.destroyed && this.links.includes(link))
        this.links.splice(this.links.indexOf(link), 1)
    }
    link.client.once('close', forget)
    link.server.once('close', forget)
    loop.input(diverted ? 'elsewhere' : 'server', () => (diverted ?? accept)(link.server, number))
    return link
  }

  #makePipe(direction: Direction): SimulatedPipe {
    const { loop, plan } = this.#options
    const { cutUntilMs, swallows, stalled, shape } = this.#condition
    const pipe = new SimulatedPipe(loop.clock, this.#random.fork(), shape[direction], plan.framing === 'stream')
    if (cutUntilMs[direction] > loop.nowMs) pipe.pause(cutUntilMs[direction])
    if (swallows[direction]) pipe.setSwallowing(true)
    if (stalled[direction]) pipe.setStalled(true)
    return pipe
  }
}

function senderOf(link: PathLink, direction: Direction): LinkStream {
  return direction === 'up' ? link.client : link.server
}

function condition({ up, down }: PathPlan): Condition {
  return {
    cutUntilMs: { up: 0, down: 0 },
    swallows: { up: false, down: false },
    stalled: { up: false, down: false },
    withholdsDrain: { up: false, down: false },
    shape: { up: { ...up }, down: { ...down } },
    lasting: { up: new Set(), down: new Set() },
  }
}
