// The plan of a world: everything that a seed decides, as data, so that it can be printed, changed and run again.

import type { ConfigInput } from '../../../lib/config.ts'
import type { LinkPolicy } from '../../../lib/engine/link-policy.ts'
import type { ScheduleName } from '../../../lib/engine/schedulers/schedule.ts'
import type { Direction, PathPlan } from './path.ts'

export type Side = 'client' | 'server'

/** Whose behaviour an engine has; see platform/connection.ts. */
export type Role = 'hawser' | '0.9.7' | '0.10' | 'hostile'

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
  /** What it writes is memory of its own, not views of the pattern. */
  readonly writesCopies?: true | undefined
}

/** A scheduler of the application's own. */
export interface CustomSchedule {
  /** Picks any link; nothing for `after` ms; throws, or returns a link of nobody, after so many calls. */
  readonly custom: 'random' | 'idle' | 'throws' | 'foreign'
  readonly after: number
  readonly seed: number
}

/** What a side uses its links for, until all is healed: then none is kept out of use or limited any more. */
export interface PoliciesPlan {
  readonly schedule: ScheduleName | CustomSchedule
  /** Of the links over each path. */
  readonly paths: readonly LinkPolicy[]
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
  /** Nothing happens to it by itself: whatever others do it must not notice. */
  readonly undisturbed?: true | undefined
  readonly policies?: Readonly<Record<Side, PoliciesPlan>> | undefined
}

/** What happens to a path, whoever does it. */
export type NetworkFault =
  | { readonly kind: 'reset'; readonly ends: readonly Side[] }
  /** Both directions, or one, end in good order; the library did not ask for it. */
  | { readonly kind: 'clean-end' }
  | { readonly kind: 'half-close'; readonly direction: Direction }
  /** Nothing moves any more, nobody is told. */
  | { readonly kind: 'blackhole'; readonly directions: readonly Direction[] }
  /** Nothing moves for so long, then all that was held up arrives. */
  | { readonly kind: 'pause'; readonly directions: readonly Direction[]; readonly durationMs: number }
  /** Accepts, but never delivers. */
  | { readonly kind: 'swallow'; readonly directions: readonly Direction[] }
  /** Takes no more: the sender's buffers fill. */
  | { readonly kind: 'stall'; readonly directions: readonly Direction[] }
  /** Delivers, but never drains. */
  | { readonly kind: 'withhold-drain'; readonly directions: readonly Direction[] }
  | { readonly kind: 'trickle'; readonly directions: readonly Direction[]; readonly rateBytesPerMs: number }
  /** From then on. */
  | { readonly kind: 'delay-step'; readonly directions: readonly Direction[]; readonly delayMs: number }
  | {
      readonly kind: 'jitter-burst'
      readonly directions: readonly Direction[]
      readonly jitterMs: number
      readonly durationMs: number
    }
  | { readonly kind: 'shrink-buffer'; readonly directions: readonly Direction[]; readonly pipeBufferBytes: number }
  | { readonly kind: 'flip-bit' | 'drop' | 'double'; readonly directions: readonly Direction[]; readonly chunks: number }
  /** The next link breaks after so many bytes. */
  | { readonly kind: 'cut-handshake'; readonly direction: Direction; readonly bytes: number }
  /** Dials are refused, for so long or, with `null`, for ever. */
  | { readonly kind: 'refuse'; readonly durationMs: number | null }
  /** Resets again and again. */
  | { readonly kind: 'flap'; readonly times: number; readonly everyMs: number }
  /** Another server answers from now on. */
  | { readonly kind: 'rogue-server' }

/** What an application does to the links over a path, through the library. */
export type LinkFault =
  | { readonly kind: 'add-link' }
  | { readonly kind: 'disconnect-link' | 'block-link' | 'unblock-link'; readonly side: Side }
  /** Removes the links and adds one after a rest. */
  | { readonly kind: 're-add-link'; readonly afterMs: number }
  | { readonly kind: 'set-policy'; readonly side: Side; readonly policy: LinkPolicy }
  | { readonly kind: 'configure-link'; readonly side: Side; readonly pingInterval: number; readonly windowLimit: number }

export type PathFault = NetworkFault | LinkFault

/** What happens to an application, a process or everything. */
export type OtherFault =
  | {
      readonly kind: 'application'
      readonly sides: readonly Side[]
      readonly action: 'end' | 'destroy' | 'terminate' | 'stop'
    }
  | { readonly kind: 'set-schedule'; readonly sides: readonly Side[]; readonly schedule: ScheduleName }
  /** The event loops are busy, or the machines asleep. */
  | { readonly kind: 'block-loop'; readonly sides: readonly Side[]; readonly durationMs: number }
  | { readonly kind: 'late-timers'; readonly sides: readonly Side[]; readonly lateMs: number; readonly durationMs: number }
  /** To all links of a connection at once. */
  | { readonly kind: 'all-at-once'; readonly what: 'reset' | 'pause' | 'disconnect-link' | 'block-link' }
  | { readonly kind: 'restart-server' }

/** The state of a link as the table of faults counts it. */
export type LinkState =
  | 'no-link'
  | 'handshake'
  | 'new'
  | 'working'
  | 'suspect'
  | 'ack-timeout'
  | 'blocked'
  | 'leaving'
  | 'closing'

interface When {
  readonly atMs: number
  readonly connection: number
}

export type PathFaultPlan = When &
  PathFault & {
    readonly path: number
    /** Waits from then on until a link over the path is in that state. */
    readonly inState?: Exclude<LinkState, 'no-link'> | undefined
  }

export type FaultPlan = PathFaultPlan | (When & OtherFault)

export interface WorldPlan {
  readonly seed: number
  readonly roles: Readonly<Record<Side, Role>>
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
