// Draws what happens in a world. Many faults wait for a link in a certain state, because most states are short.

import type { Random } from '../random.ts'
import type { Direction } from './path.ts'
import type { ConnectionPlan, FaultPlan, OtherFault, PathFault, PathFaultPlan, Side } from './plan.ts'

const SIDES: readonly (readonly Side[])[] = [['client'], ['server'], ['client', 'server']]
const DIRECTIONS: readonly (readonly Direction[])[] = [['up'], ['down'], ['up', 'down']]
const STATES = ['handshake', 'new', 'working', 'suspect', 'ack-timeout', 'blocked', 'leaving', 'closing'] as const

/** Bytes of the messages of the handshake in each direction: Connect; Welcome and Accepted. */
export const HANDSHAKE_BYTES: Readonly<Record<Direction, number>> = { up: 92, down: 86 }

export function drawFaults(random: Random, connections: readonly ConnectionPlan[], healMs: number): FaultPlan[] {
  const faults: FaultPlan[] = []
  if (random.chance(0.1)) return faults
  for (let count = random.logBetween(2, 16); count > 0; count--) faults.push(...drawFault(random, connections, healMs))
  return faults.sort((one, other) => one.atMs - other.atMs)
}

/** Some need another before them. */
function drawFault(random: Random, connections: readonly ConnectionPlan[], healMs: number): FaultPlan[] {
  const connection = random.below(connections.length)
  const { paths } = connections[connection] as ConnectionPlan
  const atMs = random.chance(0.5) ? random.logBetween(1, healMs) : random.below(healMs)
  if (random.chance(0.25)) return [{ atMs, connection, ...drawOtherFault(random) }]
  const path = random.below(paths.length)
  const fault = drawPathFault(random, healMs)
  if (random.chance(0.3) || fault.kind === 'cut-handshake') return [{ atMs, connection, path, ...fault }]
  const inState = random.pick(STATES)
  const cause = causeOf(inState, random)
  const effect: PathFaultPlan = { atMs, connection, path, inState, ...fault }
  return cause ? [{ atMs, connection, path, inState: 'working', ...cause }, effect] : [effect]
}

/** What brings a working link into a state in which few are by themselves. */
function causeOf(state: (typeof STATES)[number], random: Random): PathFault | undefined {
  const direction = random.pick(['up', 'down'] as const)
  switch (state) {
    case 'suspect':
    case 'ack-timeout':
      return { kind: 'pause', directions: random.pick(DIRECTIONS), durationMs: random.logBetween(500, 10_000) }
    case 'blocked':
      return { kind: 'block-link', side: random.pick(['client', 'server'] as const) }
    case 'leaving':
      return { kind: 'disconnect-link', side: random.pick(['client', 'server'] as const) }
    case 'closing':
      return random.chance(0.5) ? { kind: 'half-close', direction } : { kind: 'reset', ends: random.pick(SIDES) }
    default:
      return undefined
  }
}

function drawOtherFault(random: Random): OtherFault {
  const sides = random.pick(SIDES)
  const draws: readonly (() => OtherFault)[] = [
    () => ({ kind: 'application', sides, action: random.pick(['end', 'destroy', 'terminate'] as const) }),
    () => ({ kind: 'application', sides, action: 'stop' }),
    () => ({ kind: 'block-loop', sides, durationMs: random.chance(0.25) ? 3_600_000 : random.logBetween(20, 10_000) }),
    () => ({ kind: 'late-timers', sides, lateMs: random.logBetween(5, 5_000), durationMs: random.logBetween(100, 10_000) }),
    () => ({ kind: 'all-at-once', what: random.pick(['reset', 'pause', 'disconnect-link', 'block-link'] as const) }),
    () => ({ kind: 'restart-server' }),
  ]
  return random.pick(draws)()
}

function drawPathFault(random: Random, healMs: number): PathFault {
  const directions = random.pick(DIRECTIONS)
  const direction = random.pick(['up', 'down'] as const)
  const side = random.pick(['client', 'server'] as const)
  const durationMs = random.logBetween(1, healMs)
  const draws: readonly (() => PathFault)[] = [
    () => ({ kind: 'reset', ends: random.pick(SIDES) }),
    () => ({ kind: 'clean-end' }),
    () => ({ kind: 'half-close', direction }),
    () => ({ kind: 'blackhole', directions }),
    () => ({ kind: 'pause', directions, durationMs }),
    () => ({ kind: 'swallow', directions }),
    () => ({ kind: 'stall', directions }),
    () => ({ kind: 'withhold-drain', directions }),
    () => ({ kind: 'trickle', directions, rateBytesPerMs: random.logBetween(1, 50) / 10 }),
    () => ({ kind: 'delay-step', directions, delayMs: random.logBetween(1, 5_000) }),
    () => ({ kind: 'jitter-burst', directions, jitterMs: random.logBetween(1, 2_000), durationMs }),
    () => ({ kind: 'shrink-buffer', directions, pipeBufferBytes: random.logBetween(1, 2_000) }),
    () => ({ kind: random.pick(['flip-bit', 'drop', 'double'] as const), directions, chunks: random.logBetween(1, 4) }),
    () => ({ kind: random.pick(['flip-bit', 'drop', 'double'] as const), directions, chunks: 1 }),
    () => ({ kind: 'cut-handshake', direction, bytes: random.below(HANDSHAKE_BYTES[direction]) }),
    () => ({ kind: 'refuse', durationMs: random.chance(0.4) ? null : durationMs }),
    () => ({ kind: 'flap', times: random.between(2, 8), everyMs: random.logBetween(10, 2_000) }),
    () => ({ kind: 'rogue-server' }),
    () => ({ kind: 'add-link' }),
    () => ({ kind: 're-add-link', afterMs: random.logBetween(1, 2_000) }),
    () => ({ kind: 'disconnect-link', side }),
    () => ({ kind: 'block-link', side }),
    () => ({ kind: 'unblock-link', side }),
    () => ({
      kind: 'configure-link',
      side,
      pingInterval: random.logBetween(500, 15_000),
      windowLimit: random.logBetween(1_024, 1_000_000),
    }),
  ]
  return random.pick(draws)()
}
