// The plan of a world: everything that a seed decides, as data, so that it can be printed, changed and run again.

import type { ConfigInput } from '../../../lib/config.ts'
import type { Direction, PathPlan } from './path.ts'

export type Side = 'client' | 'server'

export type ReaderPlan =
  | { readonly kind: 'flow' }
  /** After each chunk it rests. */
  | { readonly kind: 'slow'; readonly restMs: number }
  /** Reads nothing from the beginning until then. */
  | { readonly kind: 'stalled'; readonly untilMs: number }

export interface ApplicationPlan {
  /** One after the other, each after a rest. */
  readonly writes: readonly { readonly afterMs: number; readonly bytes: number }[]
  /** Writes as many bytes as come in, instead. */
  readonly echoes: boolean
  /** Does not go on before as many bytes came back as it wrote. */
  readonly awaitsReply: boolean
  /** Waits for `drain` when `write` says so. */
  readonly heedsDrain: boolean
  readonly reader: ReaderPlan
}

export interface ConnectionPlan {
  readonly paths: readonly PathPlan[]
  /** The paths that are whole again at the end. */
  readonly core: readonly number[]
  readonly startMs: number
  readonly reconnectDelay: number
  readonly highWaterMark: number
  readonly allowHalfOpen: boolean
  readonly config: ConfigInput
  readonly client: ApplicationPlan
  readonly server: ApplicationPlan
}

/** What happens to a path. */
export type PathFault =
  | { readonly kind: 'reset'; readonly ends: readonly Side[] }
  | { readonly kind: 'half-close'; readonly directions: readonly Direction[] }
  /** Nothing moves, nobody is told; for so long, or for ever. */
  | { readonly kind: 'blackhole'; readonly directions: readonly Direction[]; readonly durationMs: number | null }
  | { readonly kind: 'swallow'; readonly directions: readonly Direction[] }
  | { readonly kind: 'stall'; readonly directions: readonly Direction[] }
  | { readonly kind: 'withhold-drain'; readonly directions: readonly Direction[] }
  | { readonly kind: 'trickle'; readonly directions: readonly Direction[]; readonly rateBytesPerMs: number }
  | { readonly kind: 'delay'; readonly directions: readonly Direction[]; readonly delayMs: number }
  | { readonly kind: 'jitter'; readonly directions: readonly Direction[]; readonly jitterMs: number }
  | { readonly kind: 'shrink-buffer'; readonly directions: readonly Direction[]; readonly pipeBufferBytes: number }
  | { readonly kind: 'flip-bit' | 'drop' | 'double'; readonly directions: readonly Direction[]; readonly chunks: number }
  | { readonly kind: 'cut-handshake'; readonly direction: Direction; readonly bytes: number }
  | { readonly kind: 'refuse'; readonly durationMs: number | null }
  /** Resets again and again. */
  | { readonly kind: 'flap'; readonly times: number; readonly everyMs: number }
  /** Another server answers. */
  | { readonly kind: 'rogue-server' }
  /** The library's own doing, over its interface. */
  | { readonly kind: 'add-link' }
  | { readonly kind: 'disconnect-link' | 'block-link' | 'unblock-link'; readonly side: Side }
  | { readonly kind: 'configure-link'; readonly side: Side; readonly pingInterval: number; readonly windowLimit: number }

/** What happens to an application, a process or everything. */
export type OtherFault =
  | { readonly kind: 'application'; readonly side: Side; readonly action: 'end' | 'destroy' | 'terminate' | 'stop-reading' }
  /** The event loop is busy, or the machine asleep. */
  | { readonly kind: 'block-loop'; readonly durationMs: number }
  | { readonly kind: 'reset-everything' }
  | { readonly kind: 'restart-server' }

export type FaultPlan = { readonly atMs: number; readonly connection: number } & (
  | (PathFault & { readonly path: number })
  | OtherFault
)

export interface WorldPlan {
  readonly seed: number
  readonly firstSequence: number
  readonly serverConfig: ConfigInput
  /** What the filter of either side does with links over paths that are not of the core. */
  readonly filter: 'none' | 'slow' | 'throws' | 'refuses'
  readonly filterSide: Side
  readonly connections: readonly ConnectionPlan[]
  readonly faults: readonly FaultPlan[]
  /** When the core is whole again. */
  readonly healMs: number
}
