// Random histories of the library's engine with one that behaves like the reference.

import type { ConfigInput } from '../../../lib/config.ts'
import { Random } from '../random.ts'
import type { LinkShape, Side } from '../simulated-link.ts'
import { SimulatedPair } from '../simulated-pair.ts'
import { ReferenceConnection } from './reference-connection.ts'
import type { ReferenceVersion } from './reference-version.ts'

/** Faults happen until then; what is left of the links is whole again. */
const HEAL_MS = 20_000
/** The reference waits 300 s for the answer to Terminate, 40 s for a link that takes nothing, 15 s for another test. */
const LIMIT_MS = 400_000
/** A link that should stay and was removed is dialled again. */
const REDIAL_MS = 1_000

/** How a history ends, beside that both sides write all and finish. */
export type Ending = 'finish' | 'drop-read' | 'terminate'

export interface History {
  readonly pair: SimulatedPair
  readonly reference: Side
  readonly ending: Ending
}

/**
 * Plays the history of a seed until both sides are closed.
 *
 * @throws {SimulationError} a rule was broken, or not everything arrived in time
 */
export function playHistory(version: ReferenceVersion, seed: number, trace = false): History {
  const random = new Random(seed)
  const reference: Side = random.chance(0.5) ? 'client' : 'server'
  const start = random.pick([0, 2 ** 31, 2 ** 32])
  const first = () => (start === 0 ? random.below(3) : (start - random.below(200)) >>> 0)
  const shapes = Array.from({ length: random.between(1, 4) }, () => drawShape(random))
  const pair = new SimulatedPair({
    seed,
    trace,
    links: shapes,
    clientConfig: drawConfig(random),
    serverConfig: drawConfig(random),
    firstSequence: { client: first(), server: first() },
    remoteAcksAll: false,
    createEngine: { [reference]: (options: never, nowMs: number) => new ReferenceConnection(version, options, nowMs) },
    spanLimit: { [reference]: version.sentSpan },
  })
  for (const end of pair.sides) {
    if (random.chance(0.15)) end.reader = { rateBytesPerMs: random.logBetween(100, 10_000) }
    const size = random.chance(0.3) ? random.logBetween(1, 200) : random.logBetween(1_000, 200_000)
    const bytes = random.chance(0.15) ? 0 : Math.min(random.logBetween(1, 3_000_000), size * 3_000)
    const startMs = random.chance(0.7) ? 0 : random.below(5_000)
    pair.clock.after(startMs, () => {
      end.write(bytes, size)
      end.finish()
    })
  }
  for (let count = random.chance(0.2) ? 0 : random.between(1, 8); count > 0; count--) {
    const atMs = random.chance(0.5) ? random.below(1_000) : random.below(HEAL_MS)
    pair.clock.after(atMs, () => drawFault(pair, random))
  }
  const ending = random.chance(0.7) ? 'finish' : random.pick(['drop-read', 'terminate'] as const)
  const ender = pair[random.pick(['client', 'server'] as const)]
  pair.clock.after(random.logBetween(1, 5_000), () => {
    if (ender.closure || ending === 'finish') return
    if (ending === 'drop-read') ender.dropRead()
    else ender.terminate()
  })
  const stays = shapes[0] as LinkShape
  let current = 0
  const redial = () => {
    if (pair.isClosed) return
    if (pair.sides.some(end => end.linkClosure(current))) current = pair.addLink(stays)
    pair.clock.after(REDIAL_MS, redial)
  }
  redial()
  pair.runUntilClosed({ limitMs: HEAL_MS + LIMIT_MS })
  return { pair, reference, ending }
}

function drawShape(random: Random): LinkShape {
  return {
    framing: random.chance(0.2) ? 'packet' : 'stream',
    rateBytesPerMs: random.chance(0.2) ? Number.POSITIVE_INFINITY : random.logBetween(200, 20_000),
    delayMs: random.chance(0.2) ? 0 : random.logBetween(1, 150),
    jitterMs: random.chance(0.7) ? 0 : random.logBetween(1, 50),
    senderBufferBytes: random.logBetween(1_000, 200_000),
    pipeBufferBytes: random.logBetween(4_000, 1_000_000),
  }
}

function drawConfig(random: Random): ConfigInput {
  return {
    chunkSize: random.logBetween(512, 65_536),
    sendBuffer: random.logBetween(16_384, 4_194_304),
    recvBuffer: random.logBetween(16_384, 4_194_304),
    terminationTimeout: 300_000, // as the reference's
    link: { testDataLimit: random.chance(0.3) ? 0 : random.logBetween(1, 65_536) },
  }
}

/** The first link stays: without any the reference may be gone before its peer knows that it may go, too. */
function drawFault(pair: SimulatedPair, random: Random): void {
  const index = random.below(pair.links.length)
  const link = pair.links[index]
  if (!link || pair.isClosed) return
  const side = random.pick(['client', 'server'] as const)
  const faults: (() => void)[] = [
    () => link.pause(random.logBetween(10, 4_000), random.chance(0.5) ? side : undefined),
    () => link.change({ delayMs: random.logBetween(1, 400) }, side),
    () => link.change({ rateBytesPerMs: random.logBetween(50, 5_000) }, side),
    () => link.change({ jitterMs: random.logBetween(1, 100) }, side),
    () => pair.addLink(drawShape(random)),
  ]
  const severe: (() => void)[] = [
    () => link.reset(),
    () => link.cut(random.chance(0.5) ? side : undefined),
    () => link.swallow(side),
    // Packets have no checksum: what carries them must not damage any.
    () => (link.framing === 'stream' ? link.corrupt(side) : link.reset()),
    () => {
      if (pair[side].link(index)) pair[side].disconnectLink(index)
    },
    () => {
      if (!pair[side].link(index)) return
      pair.block(index, side)
      pair.clock.after(random.logBetween(10, 5_000), () => {
        if (pair[side].link(index)) pair.unblock(index, side)
      })
    },
  ]
  random.pick(index === 0 ? faults : [...faults, ...severe, ...severe])()
}
