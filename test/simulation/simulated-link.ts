// A link between two engines: two pipes, an end for each side, and the faults that links have.

import type { LinkConfigInput } from '../../lib/config.ts'
import type { Random } from './random.ts'
import { defaultPipeShape, type PipeEnd, type PipeShape, SimulatedPipe } from './simulated-pipe.ts'
import type { VirtualClock } from './virtual-clock.ts'

export type Side = 'client' | 'server'
/** `stream`: integrity frames, cut anywhere; `packet`: one object is one packet. */
export type Framing = 'stream' | 'packet'

/** Both directions are alike but for what `up` (client to server) and `down` say. */
export interface LinkShape extends Partial<PipeShape> {
  up?: Partial<PipeShape>
  down?: Partial<PipeShape>
  /** @defaultValue 'stream' */
  framing?: Framing
  /** Configuration of the link at both ends, over that of the connection. */
  config?: LinkConfigInput
}

/** Bytes of Welcome, Connect and Accepted, frames included: they make the first round trip. */
const HANDSHAKE_BYTES = 270

export class SimulatedLink {
  readonly framing: Framing
  readonly config: LinkConfigInput | undefined
  readonly client: LinkEnd
  readonly server: LinkEnd
  readonly up: SimulatedPipe
  readonly down: SimulatedPipe
  readonly #clock: VirtualClock

  constructor(clock: VirtualClock, random: Random, shape: LinkShape) {
    const { up, down, framing, config, ...both } = shape
    this.framing = framing ?? 'stream'
    this.config = config
    this.#clock = clock
    const cutsChunks = this.framing === 'stream'
    this.up = new SimulatedPipe(clock, random.fork(), { ...defaultPipeShape, ...both, ...up }, cutsChunks)
    this.down = new SimulatedPipe(clock, random.fork(), { ...defaultPipeShape, ...both, ...down }, cutsChunks)
    this.client = new LinkEnd(clock, this.up, this.down)
    this.server = new LinkEnd(clock, this.down, this.up)
  }

  /** What the handshake would have measured. */
  get roundTripMs(): number {
    const { up, down } = this
    const serialisationMs = HANDSHAKE_BYTES / 2 / up.shape.rateBytesPerMs + HANDSHAKE_BYTES / 2 / down.shape.rateBytesPerMs
    return up.shape.delayMs + down.shape.delayMs + serialisationMs
  }

  /** The directions that `sender` sends into; both without it. */
  pipes(sender?: Side): readonly SimulatedPipe[] {
    if (sender === undefined) return [this.up, this.down]
    return [sender === 'client' ? this.up : this.down]
  }

  /** Nothing moves for so long, then everything goes on. */
  pause(durationMs: number, sender?: Side): void {
    for (const pipe of this.pipes(sender)) pipe.pause(this.#clock.nowMs + durationMs)
  }

  /** A blackhole: nothing moves until `mend`, and nobody is told. */
  cut(sender?: Side): void {
    this.pause(Number.POSITIVE_INFINITY, sender)
  }

  mend(sender?: Side): void {
    for (const pipe of this.pipes(sender)) pipe.resume()
  }

  /** Both ends fail at once; what was on its way is lost. */
  reset(): void {
    this.client.fail()
    this.server.fail()
  }

  /** The Duplex of `sender` takes data until its buffer is full and never drains. */
  stall(sender: Side, stalled = true): void {
    for (const pipe of this.pipes(sender)) pipe.setStalled(stalled)
  }

  /** Takes what is sent and delivers nothing. */
  swallow(sender?: Side, swallows = true): void {
    for (const pipe of this.pipes(sender)) pipe.setSwallowing(swallows)
  }

  /** Flips a bit in the next chunk. */
  corrupt(sender: Side): void {
    for (const pipe of this.pipes(sender)) pipe.damageNext('flip-bit')
  }

  change(shape: Partial<PipeShape>, sender?: Side): void {
    for (const pipe of this.pipes(sender)) pipe.change(shape)
  }
}

/** One side's end of a link, as its driver sees a Duplex. */
export class LinkEnd {
  onArrived: (chunks: Uint8Array[]) => void = () => {}
  /** At most once; never after `end` or `destroy` of this end. */
  onEnded: (how: PipeEnd) => void = () => {}
  onDrained: () => void = () => {}

  readonly #clock: VirtualClock
  readonly #out: SimulatedPipe
  #open = true

  constructor(clock: VirtualClock, outgoing: SimulatedPipe, incoming: SimulatedPipe) {
    this.#clock = clock
    this.#out = outgoing
    incoming.onArrived = chunks => {
      if (this.#open) this.onArrived(chunks)
    }
    incoming.onEnded = how => this.#ended(how)
    outgoing.onDrained = () => {
      if (this.#open) this.onDrained()
    }
  }

  get writable(): boolean {
    return this.#out.writable
  }

  get roomBytes(): number {
    return this.#out.roomBytes
  }

  write(chunk: Uint8Array): void {
    if (this.#open) this.#out.write(chunk)
  }

  /** Closes behind everything written; what arrives from now on is dropped. */
  end(): void {
    this.#open = false
    this.#out.end()
  }

  /** Closes at once; the other end sees a reset. */
  destroy(): void {
    this.#open = false
    this.#out.break(this.#out.shape.delayMs)
  }

  /** The link fails under both ends' feet. */
  fail(): void {
    this.#out.break(0)
  }

  #ended(how: PipeEnd): void {
    if (!this.#open) return
    this.#clock.at(this.#clock.nowMs, () => {
      if (!this.#open) return
      this.#open = false
      this.onEnded(how)
    })
  }
}
