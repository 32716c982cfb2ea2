// Draws the plan of a world from a seed.

import type { ConfigInput } from '../../../lib/config.ts'
import { Random } from '../random.ts'
import { defaultPipeShape, type PipeShape } from '../simulated-pipe.ts'
import { drawFaults } from './draw-faults.ts'
import { drawPolicies, drawSchedulers } from './draw-policies.ts'
import { recovering } from './draw-recovery.ts'
import type { PathPlan } from './path.ts'
import type { ApplicationPlan, ConnectionPlan, ReaderPlan, WorldPlan } from './plan.ts'

/** Roles are drawn by themselves, so that a world is the same whoever plays in it. */
const ROLES = 0x401e5
const POLICIES = 0x9011c
const SCHEDULERS = 0x5c4ed
const UNDISTURBED = 0x0d157
const RECOVERING = 0x4ec04
/** Of the paths of an undisturbed connection at least. */
const WIDE_BYTES_PER_MS = 500
const WIDE_BUFFER_BYTES = 1_000_000
const FIRST_SEQUENCES = [0, 2 ** 31, 2 ** 32] as const

export function drawPlan(seed: number): WorldPlan {
  const random = new Random(seed)
  const around = random.pick(FIRST_SEQUENCES)
  const firstSequence = around === 0 ? random.below(3) : (around - random.below(120)) >>> 0
  const healMs = random.logBetween(100, 30_000)
  const serverConfig = drawConfig(random)
  const connections: ConnectionPlan[] = []
  const roles = drawRoles(new Random(seed ^ ROLES))
  for (let count = random.chance(0.15) ? random.between(2, 3) : 1; count > 0; count--)
    connections.push(drawConnection(random, healMs, serverConfig))
  // Beside a hostile client there is an honest one.
  if (roles.client === 'hostile' && connections.length === 1) connections.push(drawConnection(random, healMs, serverConfig))
  const filter = random.chance(0.85) ? 'none' : random.pick(['slow', 'throws', 'refuses'] as const)
  const filterSide = random.pick(['client', 'server'] as const)
  const faults = drawFaults(random, connections, healMs)
  const quiet = roles.client === 'hostile' && new Random(seed ^ UNDISTURBED).chance(0.5)
  if (quiet) return undisturbed({ seed, roles, firstSequence, serverConfig, connections, faults, healMs })
  const recovery = new Random(seed ^ RECOVERING)
  if (recovery.chance(0.08)) {
    return recovering(recovery, { seed, roles, firstSequence, serverConfig, filter, filterSide, connections, faults, healMs })
  }
  const policies = drawPolicies(new Random(seed ^ POLICIES), connections, healMs)
  return {
    seed,
    roles,
    firstSequence,
    serverConfig,
    filter,
    filterSide,
    connections: drawSchedulers(new Random(seed ^ SCHEDULERS), policies.connections),
    faults: [...faults, ...policies.faults].sort((one, other) => one.atMs - other.atMs),
    healMs,
  }
}

/** The honest connection beside a hostile one has nothing to suffer but that one. */
function undisturbed(drawn: Omit<WorldPlan, 'filter' | 'filterSide'>): WorldPlan {
  const healthy = ({ link: _, ...config }: ConfigInput): ConfigInput => ({ ...config, noLinkTimeout: 10_000_000 })
  return {
    ...drawn,
    filter: 'none',
    filterSide: 'server',
    serverConfig: healthy(drawn.serverConfig),
    connections: drawn.connections.map((connection, index) =>
      index === 1 ? { ...widened(connection), config: healthy(connection.config), undisturbed: true } : connection,
    ),
    faults: drawn.faults.filter(fault => fault.connection !== 1 && (fault.kind === 'all-at-once' || 'path' in fault)),
  }
}

/** Its own queues are no reason for an ack timeout of a second: what start-up sends is through in a quarter of that. */
function widened(connection: ConnectionPlan): ConnectionPlan {
  const wide = (shape: PipeShape): PipeShape => ({
    ...shape,
    rateBytesPerMs: Math.max(shape.rateBytesPerMs, WIDE_BYTES_PER_MS),
    pipeBufferBytes: Math.max(shape.pipeBufferBytes, WIDE_BUFFER_BYTES),
  })
  return { ...connection, paths: connection.paths.map(path => ({ ...path, up: wide(path.up), down: wide(path.down) })) }
}

function drawRoles(random: Random): WorldPlan['roles'] {
  const role = random.chance(0.7) ? 'hawser' : random.pick(['0.9.7', '0.10', 'hostile'] as const)
  return random.chance(0.5) ? { client: role, server: 'hawser' } : { client: 'hawser', server: role }
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
    // Longer than the longest sleep, or so short that connections end for it.
    noLinkTimeout: random.chance(0.9) ? 10_000_000 : random.logBetween(200, 60_000),
    terminationTimeout: 8_000_000, // two sleeps and more, and less than half of the afterlife
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
    const client = {
      ...SILENT,
      writes: drawWrites(random, rounds, mostBytes(2_048), random.chance(0.5) ? healMs : 0),
      awaitsReply: true,
    }
    return [client, { ...SILENT, echoes: true }]
  }
  const busy = (): ApplicationPlan => ({
    ...SILENT,
    writes:
      pattern === 'bursts'
        ? drawWrites(random, random.logBetween(2, 10), mostBytes(65_536), healMs)
        : drawWrites(random, random.logBetween(1, 20), mostBytes(131_072), random.chance(0.4) ? 0 : healMs),
    heedsDrain: random.chance(0.85),
  })
  const listening = (plan: ApplicationPlan): ApplicationPlan => ({ ...plan, reader: drawReader(random, healMs) })
  if (pattern === 'both' || pattern === 'bursts') return [listening(busy()), listening(busy())]
  return random.chance(0.5) ? [busy(), listening(SILENT)] : [listening(SILENT), busy()]
}

function drawWrites(random: Random, count: number, mostBytes: number, mostRestMs: number) {
  return Array.from({ length: count }, () => ({
    afterMs: mostRestMs > 0 && random.chance(0.7) ? random.below(2 * mostRestMs) / count : 0,
    bytes: random.logBetween(1, mostBytes),
  }))
}

function drawReader(random: Random, healMs: number): ReaderPlan {
  if (random.chance(0.7)) return { kind: 'flow' }
  if (random.chance(0.5)) return { kind: 'slow', restMs: random.logBetween(1, 50) }
  return { kind: 'stalled', untilMs: random.logBetween(1, healMs + 2_000) }
}
