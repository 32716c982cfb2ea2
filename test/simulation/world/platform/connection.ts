// The engine as bonds of the simulation get it: that of the role which their process plays, its sequence numbers begin
// where the world says, and its judges know it.

import { type ConnectionOptions, type NewLink, Connection as RealConnection } from '../../../../lib/engine/connection.ts'
import type { EngineLink } from '../../../../lib/engine/engine-link.ts'
import type { EngineEvent } from '../../../../lib/engine/events.ts'
import { current } from '../current.ts'
import type { Role } from '../plan.ts'

type MakeEngine = (options: ConnectionOptions, nowMs: number) => RealConnection

class HawserEngine extends RealConnection {
  override addLink(link: NewLink, nowMs: number): EngineLink {
    current.joined = this
    return super.addLink(link, nowMs)
  }

  override takeEvent(): EngineEvent | undefined {
    const event = super.takeEvent()
    if (event?.kind === 'closed') current.failures.set(this, event.failure)
    return event
  }
}

const ENGINES: Record<Role, MakeEngine> = {
  hawser: (options, nowMs) => new HawserEngine(options, nowMs),
}

/** What a bond calls with `new`. */
export function Connection(options: ConnectionOptions, nowMs: number): RealConnection {
  const { firstSequence, loop, roles } = current
  const role = loop.running === 'elsewhere' ? 'hawser' : roles[loop.running]
  const engine = ENGINES[role]({ ...options, firstSequence: { send: firstSequence, receive: firstSequence } }, nowMs)
  current.engines.add(engine)
  current.births.set(engine, nowMs)
  return engine
}
