// Makes a failing plan smaller as long as it fails the same way.

import type { PipeShape } from '../simulated-pipe.ts'
import type { PathPlan } from './path.ts'
import type { ApplicationPlan, ConnectionPlan, FaultPlan, PoliciesPlan, WorldPlan } from './plan.ts'

/** Plans tried. */
const MOST_RUNS = 600

/** A configuration without anything special. */
const PLAIN_CONFIG = {
  chunkSize: 8_192,
  sendBuffer: 1_048_576,
  recvBuffer: 1_048_576,
  noLinkTimeout: 10_000_000,
  terminationTimeout: 8_000_000,
}
const PLAIN_LINK_CONFIG = {
  ackTimeoutMin: 1_000,
  ackTimeoutMax: 30_000,
  windowInit: 32_768,
  pingTimeout: 10_000,
  nonWorkingTimeout: 20_000,
  retestInterval: 1_000,
  testDataLimit: 0,
  ping: { mode: 'whenIdle', interval: 15_000 },
} as const

/** @param run - gives the failure of a plan */
export async function shrink(plan: WorldPlan, run: (plan: WorldPlan) => Promise<string | undefined>): Promise<WorldPlan> {
  const kind = kindOf(await run(plan))
  if (kind === undefined) return plan
  let smallest = plan
  let runs = 0
  for (let found = true; found; ) {
    found = false
    for (const candidate of smallerPlans(smallest)) {
      if (++runs > MOST_RUNS) return smallest
      if (JSON.stringify(candidate) === JSON.stringify(smallest) || kindOf(await run(candidate)) !== kind) continue
      smallest = candidate
      found = true
      break
    }
  }
  return smallest
}

/** What two failures of the same kind have in common. */
function kindOf(failure: string | undefined): string | undefined {
  return failure?.split('\n')[0]?.replace(/\d+(\.\d+)?/g, '#')
}

/** What to try next, the largest steps first. */
function* smallerPlans(plan: WorldPlan): Generator<WorldPlan> {
  const { connections, faults } = plan
  if (connections.length > 1) for (let index = 0; index < connections.length; index++) yield withoutConnection(plan, index)
  for (const rest of without(faults)) yield { ...plan, faults: rest }
  for (const [index, connection] of connections.entries()) {
    for (let path = 0; path < connection.paths.length; path++) {
      if (connection.paths.length > 1) yield withoutPath(plan, index, path)
    }
    for (const smaller of smallerConnections(connection)) yield withConnection(plan, index, smaller)
  }
  if (plan.filter !== 'none') yield { ...plan, filter: 'none' }
  if (plan.firstSequence !== 0) yield { ...plan, firstSequence: 0 }
  for (const serverConfig of plainerConfigs(plan.serverConfig)) yield { ...plan, serverConfig }
  for (const [index, fault] of faults.entries()) {
    for (const simpler of simplerFaults(fault)) yield { ...plan, faults: faults.with(index, simpler) }
  }
  const latestMs = Math.max(0, ...faults.map(({ atMs }) => atMs))
  if (plan.healMs > latestMs + 10) yield { ...plan, healMs: Math.round(latestMs + (plan.healMs - latestMs) / 2) }
}

/** Halves first, then one less. */
function* without<T>(items: readonly T[]): Generator<T[]> {
  const half = Math.floor(items.length / 2)
  if (half > 1) {
    yield items.slice(half)
    yield items.slice(0, half)
  }
  for (let index = items.length - 1; index >= 0; index--) yield items.filter((_, other) => other !== index)
}

function withConnection(plan: WorldPlan, index: number, connection: ConnectionPlan): WorldPlan {
  return { ...plan, connections: plan.connections.with(index, connection) }
}

function withoutConnection(plan: WorldPlan, gone: number): WorldPlan {
  return {
    ...plan,
    connections: plan.connections.filter((_, index) => index !== gone),
    faults: plan.faults
      .filter(({ connection }) => connection !== gone)
      .map(fault => (fault.connection > gone ? { ...fault, connection: fault.connection - 1 } : fault)),
  }
}

function withoutPath(plan: WorldPlan, index: number, gone: number): WorldPlan {
  const connection = plan.connections[index] as ConnectionPlan
  const after = (path: number) => (path > gone ? path - 1 : path)
  const core = connection.core.filter(path => path !== gone).map(after)
  const changed = withConnection(plan, index, {
    ...connection,
    paths: connection.paths.filter((_, path) => path !== gone),
    core: core.length > 0 ? core : [0],
    policies: connection.policies && {
      client: withoutPathPolicy(connection.policies.client, gone),
      server: withoutPathPolicy(connection.policies.server, gone),
    },
  })
  const faults = plan.faults
    .filter(fault => fault.connection !== index || !('path' in fault) || fault.path !== gone)
    .map(fault => (fault.connection === index && 'path' in fault ? { ...fault, path: after(fault.path) } : fault))
  return { ...changed, faults }
}

function withoutPathPolicy(policies: PoliciesPlan, gone: number): PoliciesPlan {
  return { ...policies, paths: policies.paths.filter((_, path) => path !== gone) }
}

function* smallerConnections(connection: ConnectionPlan): Generator<ConnectionPlan> {
  for (const side of ['client', 'server'] as const) {
    for (const application of simplerApplications(connection[side])) yield { ...connection, [side]: application }
  }
  if (connection.policies) yield { ...connection, policies: undefined }
  if (connection.startMs > 0) yield { ...connection, startMs: 0 }
  if (connection.core.length > 1) yield { ...connection, core: connection.core.slice(0, 1) }
  if (!connection.allowHalfOpen) yield { ...connection, allowHalfOpen: true }
  if (connection.highWaterMark !== 16_384) yield { ...connection, highWaterMark: 16_384 }
  if (connection.reconnectDelay !== 1_000) yield { ...connection, reconnectDelay: 1_000 }
  for (const config of plainerConfigs(connection.config)) yield { ...connection, config }
  for (const [index, path] of connection.paths.entries()) {
    for (const plainer of plainerPaths(path)) yield { ...connection, paths: connection.paths.with(index, plainer) }
  }
}

function* simplerApplications(plan: ApplicationPlan): Generator<ApplicationPlan> {
  for (const writes of without(plan.writes)) yield { ...plan, writes }
  if (plan.echoes || plan.awaitsReply) yield { ...plan, echoes: false, awaitsReply: false }
  if (plan.reader.kind !== 'flow') yield { ...plan, reader: { kind: 'flow' } }
  if (!plan.heedsDrain) yield { ...plan, heedsDrain: true }
  if (plan.writes.some(({ afterMs }) => afterMs > 0)) {
    yield { ...plan, writes: plan.writes.map(({ bytes }) => ({ bytes, afterMs: 0 })) }
    yield { ...plan, writes: plan.writes.map(({ bytes, afterMs }) => ({ bytes, afterMs: Math.floor(afterMs / 2) })) }
  }
  if (plan.writes.some(({ bytes }) => bytes > 1)) {
    yield { ...plan, writes: plan.writes.map(write => ({ ...write, bytes: 1 })) }
    yield { ...plan, writes: plan.writes.map(({ bytes, afterMs }) => ({ afterMs, bytes: Math.ceil(bytes / 2) })) }
  }
}

type Config = ConnectionPlan['config']

function* plainerConfigs(config: Config): Generator<Config> {
  yield { ...PLAIN_CONFIG, link: PLAIN_LINK_CONFIG }
  for (const [key, value] of Object.entries(PLAIN_CONFIG)) yield { ...config, [key]: value }
  for (const [key, value] of Object.entries(PLAIN_LINK_CONFIG)) yield { ...config, link: { ...config.link, [key]: value } }
}

function* plainerPaths(path: PathPlan): Generator<PathPlan> {
  if (path.framing !== 'stream') yield { ...path, framing: 'stream', highWaterMark: 16_384 }
  if (path.highWaterMark !== 16_384 && path.framing === 'stream') yield { ...path, highWaterMark: 16_384 }
  for (const direction of ['up', 'down'] as const) {
    for (const shape of plainerShapes(path[direction])) yield { ...path, [direction]: shape }
  }
}

function* plainerShapes(shape: PipeShape): Generator<PipeShape> {
  if (shape.jitterMs > 0) yield { ...shape, jitterMs: 0 }
  if (shape.rateBytesPerMs !== Number.POSITIVE_INFINITY) yield { ...shape, rateBytesPerMs: Number.POSITIVE_INFINITY }
  if (shape.delayMs !== 10) yield { ...shape, delayMs: 10 }
  if (shape.pipeBufferBytes !== 1_000_000) yield { ...shape, pipeBufferBytes: 1_000_000 }
}

function* simplerFaults(fault: FaultPlan): Generator<FaultPlan> {
  const rounded = Math.round(fault.atMs)
  if (rounded !== fault.atMs) yield { ...fault, atMs: rounded }
  if (fault.atMs >= 2) yield { ...fault, atMs: Math.floor(fault.atMs / 2) }
  if ('directions' in fault && fault.directions.length > 1) {
    for (const direction of fault.directions) yield { ...fault, directions: [direction] } as FaultPlan
  }
  if ('durationMs' in fault && fault.durationMs !== null && fault.durationMs > 10) {
    yield { ...fault, durationMs: Math.ceil(fault.durationMs / 2) } as FaultPlan
  }
}
