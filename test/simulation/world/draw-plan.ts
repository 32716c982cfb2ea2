// Draws the plan of a world from a seed.

import type { ConfigInput } from '../../../lib/config.ts'
import { Random } from '../random.ts'
import { defaultPipeShape, type PipeShape } from '../simulated-pipe.ts'
import type { Direction, PathPlan } from './path.ts'
import type { ApplicationPlan, ConnectionPlan, FaultPlan, OtherFault, PathFault, ReaderPlan, Side, WorldPlan } from './plan.ts'

const SIDES: readonly Side[] = ['client', 'server']
const FIRST_SEQUENCES = [0, 2 ** 31, 2 ** 32] as const

export function drawPlan(seed: number): WorldPlan {
  const random = new Random(seed)
  const around = random.pick(FIRST_SEQUENCES)
  const firstSequence = around === 0 ? random.below(3) : (around - random.below(120)) >>> 0
  const healMs = random.logBetween(50, 60_000)
  const serverConfig = drawConfig(random)
  const connections: ConnectionPlan[] = []
  for (let count = random.chance(0.15) ? random.between(2, 3) : 1; count > 0; count--)
    connections.push(drawConnection(random, healMs, serverConfig))
  const faults: FaultPlan[] = []
  const calm = random.chance(0.1)
  for (let count = calm ? 0 : random.logBetween(1, 12); count > 0; count--) faults.push(drawFault(random, connections, healMs))
  faults.sort((one, other) => one.atMs - other.atMs)
  return {
    seed,
    firstSequence,
    serverConfig,
    filter: random.chance(0.85) ? 'none' : random.pick(['slow', 'throws', 'refuses'] as const),
    filterSide: random.pick(SIDES),
    connections,
    faults,
    healMs,
  }
}

function drawConnection(random: Random, healMs: number, serverConfig: ConfigInput): ConnectionPlan {
  const config = drawConfig(random)
  const tiny = Math.min(config.recvBuffer ?? 0, serverConfig.recvBuffer ?? 0) < 1_024
  const paths = Array.from({ length: random.logBetween(1, 8) }, () => drawPath(random))
  const core = paths.map((_, index) => index).filter(() => random.chance(0.4))
  const [client, server] = drawApplications(random, healMs, tiny)
  return {
    paths,
    core: core.length > 0 ? core : [random.below(paths.length)],
    startMs: random.chance(0.7) ? 0 : random.below(Math.min(healMs, 1_000)),
    reconnectDelay: random.logBetween(10, 3_000),
    highWaterMark: random.logBetween(1, 262_144),
    allowHalfOpen: random.chance(0.8),
    config,
    client,
    server,
  }
}

function drawPath(random: Random): PathPlan {
  const framing = random.chance(0.15) ? 'packet' : 'stream'
  const up = drawShape(random)
  return {
    framing,
    highWaterMark: framing === 'packet' ? random.logBetween(1, 64) : random.pick([0, 1, 1_024, 16_384, 16_384, 65_536, 262_144]),
    up,
    down: random.chance(0.6) ? up : drawShape(random),
  }
}

function drawShape(random: Random): PipeShape {
  return {
    ...defaultPipeShape,
    rateBytesPerMs: random.chance(0.3) ? Number.POSITIVE_INFINITY : random.logBetween(50, 100_000),
    delayMs: random.chance(0.2) ? 0 : random.logBetween(1, 300),
    jitterMs: random.chance(0.7) ? 0 : random.logBetween(1, 100),
    senderBufferBytes: 0,
    pipeBufferBytes: random.logBetween(1_000, 4_000_000),
  }
}

function drawConfig(random: Random): ConfigInput {
  const ackTimeoutMin = random.logBetween(200, 2_000)
  return {
    chunkSize: random.logBetween(512, 65_536),
    sendBuffer: random.logBetween(4_096, 4_194_304),
    recvBuffer: random.chance(0.05) ? random.between(1, 8) : random.logBetween(4_096, 4_194_304),
    noLinkTimeout: 10_000_000, // longer than the longest sleep
    terminationTimeout: 1_000_000,
    link: {
      ackTimeoutMin,
      ackTimeoutMax: random.logBetween(5_000, 30_000), // a link test may take half of it, and the longest round trip some 1 s
      windowInit: random.logBetween(1_024, 65_536),
      pingTimeout: random.logBetween(3_000, 20_000),
      nonWorkingTimeout: random.logBetween(5_000, 20_000),
      retestInterval: random.logBetween(100, 3_000),
      testDataLimit: random.chance(0.3) ? 0 : random.logBetween(1, 65_536),
      ping: { mode: random.pick(['whenIdle', 'periodic', 'whenTimedOut'] as const), interval: random.logBetween(500, 15_000) },
    },
  }
}

const SILENT: ApplicationPlan = { writes: [], echoes: false, awaitsReply: false, heedsDrain: true, reader: { kind: 'flow' } }

/** @param tiny - buffers of a few bytes, with which every byte is a round trip */
function drawApplications(random: Random, healMs: number, tiny: boolean): [ApplicationPlan, ApplicationPlan] {
  const pattern = random.pick(['bulk', 'bulk', 'both', 'both', 'bursts', 'ping-pong'] as const)
  const mostBytes = (bytes: number) => (tiny ? 20 : random.logBetween(bytes / 64, bytes))
  if (pattern === 'ping-pong') {
    const rounds = random.logBetween(1, 30)
    const client = { ...SILENT, writes: drawWrites(random, rounds, mostBytes(2_048), 0), awaitsReply: true }
    return [client, { ...SILENT, echoes: true }]
  }
  const busy = (): ApplicationPlan => ({
    ...SILENT,
    writes:
      pattern === 'bursts'
        ? drawWrites(random, random.logBetween(2, 10), mostBytes(65_536), healMs)
        : drawWrites(random, random.logBetween(1, 20), mostBytes(131_072), random.chance(0.8) ? 0 : 100),
    heedsDrain: random.chance(0.85),
  })
  const listening = (plan: ApplicationPlan): ApplicationPlan => ({ ...plan, reader: drawReader(random, healMs) })
  if (pattern === 'both' || pattern === 'bursts') return [listening(busy()), listening(busy())]
  return random.chance(0.5) ? [busy(), listening(SILENT)] : [listening(SILENT), busy()]
}

function drawWrites(random: Random, count: number, mostBytes: number, mostRestMs: number) {
  return Array.from({ length: count }, () => ({
    afterMs: mostRestMs > 0 && random.chance(0.7) ? random.below(mostRestMs) / count : 0,
    bytes: random.logBetween(1, mostBytes),
  }))
}

function drawReader(random: Random, healMs: number): ReaderPlan {
  if (random.chance(0.7)) return { kind: 'flow' }
  if (random.chance(0.5)) return { kind: 'slow', restMs: random.logBetween(1, 50) }
  return { kind: 'stalled', untilMs: random.logBetween(1, healMs + 2_000) }
}

function drawFault(random: Random, connections: readonly ConnectionPlan[], healMs: number): FaultPlan {
  const connection = random.below(connections.length)
  const { paths } = connections[connection] as ConnectionPlan
  const at = { atMs: random.chance(0.3) ? random.below(Math.min(healMs, 300)) : random.below(healMs), connection }
  if (random.chance(0.12)) return { ...at, ...drawOtherFault(random) }
  return { ...at, path: random.below(paths.length), ...drawPathFault(random, healMs) }
}

function drawOtherFault(random: Random): OtherFault {
  const kind = random.pick([
    'application',
    'application',
    'application',
    'block-loop',
    'reset-everything',
    'restart-server',
  ] as const)
  if (kind === 'application') {
    return { kind, side: random.pick(SIDES), action: random.pick(['end', 'destroy', 'terminate', 'stop-reading'] as const) }
  }
  if (kind === 'block-loop') return { kind, durationMs: random.chance(0.2) ? 3_600_000 : random.logBetween(20, 10_000) }
  return { kind }
}

function drawPathFault(random: Random, healMs: number): PathFault {
  const directions = random.pick<readonly Direction[]>([['up'], ['down'], ['up', 'down']])
  const side = random.pick(SIDES)
  const durationMs = random.chance(0.4) ? null : random.logBetween(1, healMs)
  const draws: readonly (() => PathFault)[] = [
    () => ({ kind: 'reset', ends: random.pick<readonly Side[]>([['client'], ['server'], ['client', 'server']]) }),
    () => ({ kind: 'half-close', directions }),
    () => ({ kind: 'blackhole', directions, durationMs }),
    () => ({ kind: 'swallow', directions }),
    () => ({ kind: 'stall', directions }),
    () => ({ kind: 'withhold-drain', directions }),
    () => ({ kind: 'trickle', directions, rateBytesPerMs: random.logBetween(1, 50) / 10 }),
    () => ({ kind: 'delay', directions, delayMs: random.logBetween(1, 5_000) }),
    () => ({ kind: 'jitter', directions, jitterMs: random.logBetween(1, 2_000) }),
    () => ({ kind: 'shrink-buffer', directions, pipeBufferBytes: random.logBetween(1, 2_000) }),
    () => ({ kind: random.pick(['flip-bit', 'drop', 'double'] as const), directions, chunks: random.logBetween(1, 4) }),
    () => ({ kind: 'cut-handshake', direction: random.pick(['up', 'down'] as const), bytes: random.below(150) }),
    () => ({ kind: 'refuse', durationMs }),
    () => ({ kind: 'flap', times: random.between(2, 8), everyMs: random.logBetween(10, 2_000) }),
    () => ({ kind: 'rogue-server' }),
    () => ({ kind: 'add-link' }),
    () => ({ kind: random.pick(['disconnect-link', 'block-link', 'unblock-link'] as const), side }),
    () => ({
      kind: 'configure-link',
      side,
      pingInterval: random.logBetween(500, 15_000),
      windowLimit: random.logBetween(1_024, 1_000_000),
    }),
  ]
  return random.pick(draws)()
}
