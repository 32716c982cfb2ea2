// Draws worlds in which links must come back: nothing happens but that paths carry nothing until all is healed. Their links are
// not given up for it, so that no new link stands in for one that never works again, and the applications go on long enough
// after it. A link that is struck while it works comes back by acks or pongs, one that is new by a test that is repeated.

import type { ConfigInput } from '../../../lib/config.ts'
import type { Random } from '../random.ts'
import { defaultPipeShape, type PipeShape } from '../simulated-pipe.ts'
import type { PathPlan } from './path.ts'
import type { ApplicationPlan, ConnectionPlan, FaultPlan, WorldPlan } from './plan.ts'

/** Who is struck early is so for longer than half of the longest ack timeout, after which a test has failed. */
const HEAL_MS = { least: 12_000, most: 30_000 }
const STRUCK_BY_MS = 5_000
/** One that is struck later than this before may only be in doubt. */
const MOST_DOUBTED_MS = 3_000
/** Longer than a link over these paths may take to work again. */
const AFTERWARDS_MS = 15_000
/** Longer than the whole world. */
const NEVER_MS = 10_000_000
const DIRECTIONS = [['up'], ['down'], ['up', 'down']] as const

export function recovering(random: Random, drawn: WorldPlan): WorldPlan {
  const healMs = random.between(HEAL_MS.least, HEAL_MS.most)
  const [first] = drawn.connections as readonly [ConnectionPlan]
  const paths = first.paths.slice(0, 4).map(path => quick(random, path))
  return {
    ...drawn,
    roles: { client: 'hawser', server: 'hawser' },
    filter: 'none',
    serverConfig: patient(random, drawn.serverConfig),
    connections: [
      {
        ...first,
        paths,
        core: paths.map((_, index) => index),
        startMs: 0,
        config: patient(random, first.config),
        policies: undefined,
        client: drawWriter(random, healMs),
        server: drawWriter(random, healMs),
      },
    ],
    faults: drawOutages(random, paths.length, healMs),
    healMs,
  }
}

/** All that waits in it is through in a second. */
function quick(random: Random, path: PathPlan): PathPlan {
  const shape = (): PipeShape => ({
    ...defaultPipeShape,
    rateBytesPerMs: random.logBetween(500, 100_000),
    delayMs: random.logBetween(1, 100),
    senderBufferBytes: 0,
    pipeBufferBytes: random.logBetween(32_768, 262_144),
  })
  return { ...path, framing: 'stream', highWaterMark: Math.min(path.highWaterMark, 16_384), up: shape(), down: shape() }
}

function patient(random: Random, config: ConfigInput): ConfigInput {
  return {
    ...config,
    recvBuffer: Math.max(config.recvBuffer ?? 0, 4_096),
    noLinkTimeout: NEVER_MS,
    link: {
      ...config.link,
      ackTimeoutMax: random.between(5_000, 10_000),
      pingTimeout: NEVER_MS,
      nonWorkingTimeout: NEVER_MS,
    },
  }
}

/** Now and then a little, all the time. */
function drawWriter(random: Random, healMs: number): ApplicationPlan {
  const count = random.between(10, 60)
  const everyMs = Math.ceil((healMs + AFTERWARDS_MS) / count)
  const writes = Array.from({ length: count }, () => ({ afterMs: everyMs, bytes: random.logBetween(1, 4_096) }))
  return { writes, echoes: false, awaitsReply: false, heedsDrain: true, reader: { kind: 'flow' } }
}

/** At least one path, others perhaps. */
function drawOutages(random: Random, paths: number, healMs: number): FaultPlan[] {
  const first = random.below(paths)
  const struck = Array.from({ length: paths }, (_, path) => path).filter(path => path === first || random.chance(0.6))
  return struck.map(path => ({
    kind: 'blackhole',
    directions: random.pick(DIRECTIONS),
    connection: 0,
    path,
    ...random.pick([
      // A link is new only in the beginning.
      () => ({ inState: 'new' as const, atMs: 0 }),
      () => ({ inState: 'working' as const, atMs: random.below(STRUCK_BY_MS) }),
      () => ({ inState: 'working' as const, atMs: healMs - random.logBetween(100, MOST_DOUBTED_MS) }),
    ])(),
  }))
}
