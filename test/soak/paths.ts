// The network of a soak, and what can be done to it.

import type { ChildProcess } from 'node:child_process'
import type { Random } from '../simulation/random.ts'
import type { Path } from './process.ts'

export interface Paths {
  /** What it is called in the summary. */
  readonly name: string
  /** Runs Node on one of the two sides. */
  node(side: 'client' | 'server', ...args: string[]): ChildProcess
  /** Where servers listen; the port 0 if any will do. */
  readonly serverHost: string
  readonly steadyPort: number
  readonly mortalPort: number
  /** Where the client finds the servers that now listen at these ports. */
  lead(ports: { steady: number; mortal: number }): Promise<{ steady: readonly Path[]; mortal: readonly Path[] }>
  /** Brings about a fault, or takes one back; its name. */
  disturb(random: Random): Promise<string>
  /** Takes all faults back. */
  mend(): Promise<void>
  close(): Promise<void>
}
