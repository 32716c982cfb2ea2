// One way between a client and the server: links over it are made of two pipes each, all of them in the state in which the
// path is. A path outlives its links: what is dialed over a broken path is broken from the beginning.

import type { Duplex } from 'node:stream'
import { Random } from '../random.ts'
import type { Framing } from '../simulated-link.ts'
import { type Damage, type PipeShape, SimulatedPipe } from '../simulated-pipe.ts'
import { LinkStream } from './link-stream.ts'
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
  readonly client: LinkStream
  readonly server: LinkStream
  readonly up: SimulatedPipe
  readonly down: SimulatedPipe
}

export interface PathOptions {
  readonly loop: VirtualLoop
  readonly plan: PathPlan
  readonly seed: number
  /** Number of the next link of the whole connection. */
  readonly nextLink: () => number
  readonly onWire: (link: number, side: 'client' | 'server', direction: 'sent' | 'received', chunk: Uint8Array) => void
  /** Takes the far end of a new link. */
  readonly accept: (stream: Duplex) => void
}

/** What is wrong with a path, for links that are and that will be. */
interface Condition {
  /** Nothing moves; until when. */
  readonly cutUntilMs: Record<Direction, number>
  readonly swallows: Record<Direction, boolean>
  readonly stalled: Record<Direction, boolean>
  readonly withholdsDrain: Record<Direction, boolean>
  readonly shape: Record<Direction, PipeShape>
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
  connect(signal: AbortSignal | undefined): Promise<Duplex> {
    const { loop } = this.#options
    return new Promise((resolve, reject) => {
      const fail = (code: string) => reject(Object.assign(new Error(`simulated ${code}`), { code }))
      const arrive = () => {
        if (signal?.aborted) return
        if (this.#isCut) {
          this.#waiting.push(arrive)
          return
        }
        if (this.refuses) fail('ECONNREFUSED')
        else resolve(this.#makeLink())
      }
      signal?.addEventListener('abort', () => fail('ABORT_ERR'), { once: true })
      const { up, down } = this.#condition.shape
      loop.outside(loop.nowMs + up.delayMs + down.delayMs, () => loop.input(arrive))
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
    for (const direction of directions) {
      this.#condition.cutUntilMs[direction] = untilMs
      for (const link of this.links) link[direction].pause(untilMs)
    }
    if (Number.isFinite(untilMs)) this.#options.loop.outside(untilMs, () => this.#dialAgain())
  }

  swallow(directions: readonly Direction[]): void {
    for (const direction of directions) {
      this.#condition.swallows[direction] = true
      for (const link of this.links) link[direction].setSwallowing(true)
    }
  }

  /** Takes nothing more in that direction: the sender's buffers fill. */
  stall(directions: readonly Direction[]): void {
    for (const direction of directions) {
      this.#condition.stalled[direction] = true
      for (const link of this.links) link[direction].setStalled(true)
    }
  }

  /** Delivers, but never drains. */
  withholdDrain(directions: readonly Direction[]): void {
    for (const direction of directions) {
      this.#condition.withholdsDrain[direction] = true
      for (const link of this.links) senderOf(link, direction).withholdsDrain = true
    }
  }

  change(directions: readonly Direction[], shape: Partial<PipeShape>): void {
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

  /** All links fail, at both ends or at one of them, which the other learns as fast as the path allows. */
  reset(ends: readonly ('client' | 'server')[]): void {
    for (const link of [...this.links]) for (const end of ends) link[end].fail('ECONNRESET')
  }

  /** One direction ends in good order; the library did not ask for it. */
  halfClose(directions: readonly Direction[]): void {
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
      for (const direction of ['up', 'down'] as const) {
        const pipe = link[direction]
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
    for (const arrive of waiting) arrive()
  }

  #makeLink(): Duplex {
    const { loop, plan, nextLink, onWire, accept } = this.#options
    const number = nextLink()
    const packets = plan.framing === 'packet'
    const pipe = (direction: Direction) => {
      const made = new SimulatedPipe(loop.clock, this.#random.fork(), this.#condition.shape[direction], !packets)
      const { cutUntilMs, swallows, stalled } = this.#condition
      if (cutUntilMs[direction] > loop.nowMs) made.pause(cutUntilMs[direction])
      if (swallows[direction]) made.setSwallowing(true)
      if (stalled[direction]) made.setStalled(true)
      return made
    }
    const [up, down] = [pipe('up'), pipe('down')]
    const { accept: acceptor, onWire: hear } = this.#diverted ? { accept: this.#diverted, onWire: () => {} } : { accept, onWire }
    const end = (side: 'client' | 'server', outgoing: SimulatedPipe, incoming: SimulatedPipe) =>
      new LinkStream({
        loop,
        outgoing,
        incoming,
        packets,
        highWaterMark: plan.highWaterMark,
        onWritten: chunk => hear(number, side, 'sent', chunk),
        onArrived: chunk => hear(number, side, 'received', chunk),
      })
    const link = { number, up, down, client: end('client', up, down), server: end('server', down, up) }
    link.client.withholdsDrain = this.#condition.withholdsDrain.up
    link.server.withholdsDrain = this.#condition.withholdsDrain.down
    const cut = this.#cutsHandshakes.shift()
    if (cut) link[cut.direction].breakAfter(cut.bytes)
    this.links.push(link)
    const forget = () => {
      if (link.client.destroyed && link.server.destroyed && this.links.includes(link))
        this.links.splice(this.links.indexOf(link), 1)
    }
    link.client.once('close', forget)
    link.server.once('close', forget)
    acceptor(link.server)
    return link.client
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
  }
}
