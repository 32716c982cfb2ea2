// What the platform modules of the simulation take time, chance and sequence numbers from: the world that runs now.

import type { Connection } from '../../../lib/engine/connection.ts'
import { Random } from '../random.ts'
import { VirtualLoop } from './virtual-loop.ts'

export const current = {
  loop: new VirtualLoop(0),
  random: new Random(0),
  /** Of both directions of all connections. */
  firstSequence: 0,
  engines: new Set<Connection>(),
}
