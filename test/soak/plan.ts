// One connection of a soak: what each side writes, how it goes about it, how it ends. All drawn from the seed.

import type { Random } from '../simulation/random.ts'

/**
 * How a side comes to its end:
 *
 * - `end`: writes everything and ends
 * - `destroy`, `terminate`, `destroySoon`: calls that once it wrote so much
 */
export type EndingKind = 'end' | 'destroy' | 'terminate' | 'destroySoon'

export interface SidePlan {
  /** Bytes to write; `null`: until told to stop, or the other side has ended. */
  readonly bytes: number | null
  /** Bytes between two pauses in writing, and in reading; `null`: none. */
  readonly burstBytes: number | null
  readonly readBurstBytes: number | null
  readonly pauseMs: number
  readonly ending: EndingKind
  /** Writes nothing before the other side has ended. */
  readonly answers: boolean
}

export interface LifePlan {
  /** Number of the connection, in order of their beginning. */
  readonly life: number
  readonly seed: number
  /** `steady`: the server that runs all the time; `mortal`: the one that is killed and started again. */
  readonly server: 'steady' | 'mortal'
  /** Of the client. */
  readonly allowHalfOpen: boolean
  readonly client: SidePlan
  readonly accepted: SidePlan
}

const LEAST_BYTES = 1_000
const MOST_BYTES = 3_000_000
/** So often a side pauses at most. */
const MOST_PAUSES = 30

export function drawPlan(life: number, random: Random): LifePlan {
  const client = drawSide(random)
  const accepted = drawSide(random)
  const abrupt = random.chance(0.35)
  const ending: EndingKind = abrupt ? random.pick(['destroy', 'terminate', 'destroySoon'] as const) : 'end'
  const byClient = random.chance(0.5)
  return {
    life,
    seed: random.u32(),
    server: random.chance(0.2) ? 'mortal' : 'steady',
    allowHalfOpen: random.chance(0.5),
    client: { ...client, ending: byClient ? ending : 'end' },
    // Never both: each would wait for the end of the other.
    accepted: { ...accepted, ending: byClient ? 'end' : ending, answers: random.chance(0.2) },
  }
}

/** A connection that lives as long as the soak and carries a little all the time. */
export function steadyPlan(life: number, random: Random): LifePlan {
  const side = { bytes: null, burstBytes: 20_000, readBurstBytes: null, pauseMs: 150, ending: 'end', answers: false } as const
  return { life, seed: random.u32(), server: 'steady', allowHalfOpen: true, client: side, accepted: side }
}

/** The salt of what a side writes: each direction of each connection has its own. */
export function saltOf(plan: LifePlan, side: 'client' | 'accepted'): number {
  return (2 * plan.life + (side === 'client' ? 0 : 1)) % 100_000
}

function drawSide(random: Random): SidePlan {
  const bytes = random.chance(0.05) ? 0 : random.logBetween(LEAST_BYTES, MOST_BYTES)
  const burst = (probability: number) =>
    random.chance(probability) ? random.logBetween(LEAST_BYTES, MOST_BYTES / 10) + Math.ceil(MOST_BYTES / MOST_PAUSES) : null
  return {
    bytes,
    burstBytes: burst(0.3),
    readBurstBytes: burst(0.2),
    pauseMs: random.between(20, 300),
    ending: 'end',
    answers: false,
  }
}
