// What the processes of a soak tell each other: one JSON text a line.

import { writeSync } from 'node:fs'
import type { LifePlan } from './plan.ts'

/** How one side of a connection went. */
export interface SideOutcome {
  readonly life: number
  readonly side: 'client' | 'accepted'
  /** There was a connection at all. */
  readonly connected: boolean
  /** Bytes given to `write`. */
  readonly wrote: number
  /** Event `finish`. */
  readonly finished: boolean
  /** Bytes read, and the position of the first wrong one. */
  readonly read: number
  readonly wrongAt: number | null
  readonly ended: boolean
  readonly error: { readonly code: string | null; readonly reason: string | null; readonly message: string } | null
  readonly hadError: boolean
  /** Events that must not have come. */
  readonly mistakes: readonly string[]
}

/** What is left of a process's resources at its end beyond what was there at its beginning. */
export interface Leftovers {
  /** As of `process.getActiveResourcesInfo()`. */
  readonly resources: readonly string[]
  /** Objects of the library and sockets of Node that are still reachable, by class. */
  readonly objects: Readonly<Record<string, number>>
  readonly descriptors: number
}

/** Memory after a collection, without data under way. */
export interface Sample {
  /** On the machine's clock, ms. */
  readonly timeMs: number
  readonly bytes: number
  readonly residentBytes: number
  /** Links that live, each of which takes its share. */
  readonly links: number
}

export type Report =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'begun'; readonly plan: LifePlan }
  | { readonly kind: 'outcome'; readonly outcome: SideOutcome }
  /** A connection that never said which it is. */
  | { readonly kind: 'unclaimed'; readonly error: SideOutcome['error'] }
  | { readonly kind: 'fault'; readonly fault: string }
  | { readonly kind: 'sample'; readonly sample: Sample }
  /** Connections that did not come to their end. */
  | { readonly kind: 'stuck'; readonly lives: readonly string[] }
  | { readonly kind: 'done'; readonly leftovers: Leftovers }

/** Not by the stream of the standard output, which would be a resource of this process. */
export function report(message: Report): void {
  writeSync(1, `${JSON.stringify(message)}\n`)
}
