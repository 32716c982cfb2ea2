// What the platform modules of the simulation take time, chance, roles and sequence numbers from: the world that runs now.

import type { Connection } from '../../../lib/engine/connection.ts'
import type { ConnectionFailure } from '../../../lib/engine/events.ts'
import { Random } from '../random.ts'
import type { CreditJudge } from './judges/credit.ts'
import type { Role, Side } from './plan.ts'
import { VirtualLoop } from './virtual-loop.ts'

export const current = {
  loop: new VirtualLoop(0),
  random: new Random(0),
  /** Of both directions of all connections. */
  firstSequence: 0,
  roles: { client: 'hawser', server: 'hawser' } as Readonly<Record<Side, Role>>,
  engines: new Set<Connection>(),
  /** The connection whose client is being made: only that of the first one is hostile, where clients are. */
  opening: 0,
  /** When engines were made. */
  births: new WeakMap<Connection, number>(),
  /** Of engines that are closed. */
  failures: new WeakMap<Connection, ConnectionFailure | undefined>(),
  /** Links of hostile processes, at their ends. */
  hostileStreams: new WeakSet<object>(),
  /** What engines with hostile peers send, and what they were promised. */
  credits: new WeakMap<Connection, CreditJudge>(),
  /** Counts that something happened. */
  count: (_what: string): void => {},
  /** Which engine a link has joined last. */
  joined: undefined as Connection | undefined,
}
