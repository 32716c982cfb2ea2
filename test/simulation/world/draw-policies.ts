// Draws which links the sides of a connection use for what, and how that changes. By itself, so that worlds without
// policies are as they were.

import { DEFAULT_POLICY, type LinkPolicy, ROLES } from '../../../lib/engine/link-policy.ts'
import { SCHEDULE_NAMES } from '../../../lib/engine/schedulers/schedule.ts'
import type { Random } from '../random.ts'
import type { ConnectionPlan, CustomSchedule, FaultPlan, PoliciesPlan, Side } from './plan.ts'

const SIDES = ['client', 'server'] as const

/** Of so many worlds one has no policies. */
const SHARE_WITHOUT = 0.5
/** Of so many sides one has a scheduler of its own. */
const SHARE_CUSTOM = 0.1

export interface DrawnPolicies {
  readonly connections: readonly ConnectionPlan[]
  readonly faults: readonly FaultPlan[]
}

export function drawPolicies(random: Random, connections: readonly ConnectionPlan[], healMs: number): DrawnPolicies {
  if (random.chance(SHARE_WITHOUT)) return { connections, faults: [] }
  const faults: FaultPlan[] = []
  const steered = connections.map((connection, index) => {
    for (let count = random.below(6); count > 0; count--) faults.push(drawChange(random, connection, index, healMs))
    return {
      ...connection,
      policies: { client: drawSide(random, connection.paths.length), server: drawSide(random, connection.paths.length) },
    }
  })
  return { connections: steered, faults }
}

/** Gives some sides a scheduler of their own. */
export function drawSchedulers(random: Random, connections: readonly ConnectionPlan[]): readonly ConnectionPlan[] {
  return connections.map(connection => {
    const drawn = SIDES.map(side => [side, random.chance(SHARE_CUSTOM) ? drawCustom(random) : undefined] as const)
    if (drawn.every(([, schedule]) => schedule === undefined)) return connection
    const plain = { schedule: 'aggregate' as const, paths: connection.paths.map(() => DEFAULT_POLICY) }
    let { client, server } = connection.policies ?? { client: plain, server: plain }
    for (const [side, schedule] of drawn) {
      if (schedule && side === 'client') client = { ...client, schedule }
      if (schedule && side === 'server') server = { ...server, schedule }
    }
    return { ...connection, policies: { client, server } }
  })
}

function drawCustom(random: Random): CustomSchedule {
  const custom = random.pick(['random', 'idle', 'throws', 'foreign'] as const)
  const after = custom === 'idle' ? random.logBetween(1, 3_000) : random.logBetween(1, 100) - 1
  return { custom, after, seed: random.u32() }
}

function drawSide(random: Random, paths: number): PoliciesPlan {
  const schedule = random.chance(0.3) ? 'aggregate' : random.pick(SCHEDULE_NAMES)
  return { schedule, paths: Array.from({ length: paths }, () => drawPolicy(random)) }
}

function drawPolicy(random: Random): LinkPolicy {
  return {
    role: random.chance(0.5) ? 'primary' : random.pick(ROLES),
    weight: random.chance(0.7) ? 1 : random.logBetween(1, 1_000) / 30,
    rateLimit: random.chance(0.8) ? null : random.logBetween(10_000, 10_000_000),
    byteBudget: random.chance(0.8) ? null : random.logBetween(1_000, 1_000_000),
  }
}

function drawChange(random: Random, connection: ConnectionPlan, index: number, healMs: number): FaultPlan {
  const when = { atMs: random.below(healMs), connection: index }
  if (random.chance(0.3)) {
    const sides: readonly Side[] = random.chance(0.2) ? SIDES : [random.pick(SIDES)]
    return { ...when, kind: 'set-schedule', sides, schedule: random.pick(SCHEDULE_NAMES) }
  }
  const path = random.below(connection.paths.length)
  return { ...when, path, kind: 'set-policy', side: random.pick(SIDES), policy: drawPolicy(random) }
}
