// The engine as bonds of the simulation get it: that of the role which their process plays, its sequence numbers begin
// where the world says, and its judges know it.

import { type ConnectionOptions, type NewLink, Connection as RealConnection } from '../../../../lib/engine/connection.ts'
import type { EngineLink } from '../../../../lib/engine/engine-link.ts'
import type { EngineEvent } from '../../../../lib/engine/events.ts'
import type { Engine } from '../../roles/engine.ts'
import { HostileConnection } from '../../roles/hostile-connection.ts'
import { ReferenceConnection } from '../../roles/reference-connection.ts'
import { version010, version097 } from '../../roles/reference-version.ts'
import { current } from '../current.ts'
import { CreditJudge } from '../judges/credit.ts'
import type { Role } from '../plan.ts'

type MakeEngine = (options: ConnectionOptions, nowMs: number) => Engine

const ENGINES: Record<Role, MakeEngine> = {
  hawser: (options, nowMs) => new HawserEngine(options, nowMs),
  '0.9.7': (options, nowMs) => new ReferenceConnection(version097, options, nowMs),
  '0.10': (options, nowMs) => new ReferenceConnection(version010, options, nowMs),
  hostile: (options, nowMs) => new HostileConnection(current.random.fork(), options, nowMs),
}

class HawserEngine extends RealConnection {
  /** All handshakes are the library's: what an engine of the reference would not have said is unsaid here. */
  override addLink(link: NewLink, nowMs: number): EngineLink {
    const remoteAcksAll = isReference(peerRole()) ? false : link.remoteAcksAll
    return super.addLink({ ...link, remoteAcksAll }, nowMs)
  }
}

/** What a bond calls with `new`. */
export function Connection(options: ConnectionOptions, nowMs: number): Engine {
  const { firstSequence } = current
  const engine = ENGINES[ownRole()]({ ...options, firstSequence: { send: firstSequence, receive: firstSequence } }, nowMs)
  // Judges see through the same members whatever the role is.
  watch(engine as RealConnection)
  current.births.set(engine as RealConnection, nowMs)
  return engine
}

function watch(engine: RealConnection): void {
  current.engines.add(engine)
  const credit = ownRole() === 'hawser' && peerRole() === 'hostile' ? new CreditJudge() : undefined
  if (credit) watchCredit(engine, credit)
  const addLink = engine.addLink.bind(engine)
  const takeEvent = engine.takeEvent.bind(engine)
  engine.addLink = (link, nowMs) => {
    current.joined = engine
    const differs = credit?.joined(link.remoteRecvBuffer)
    if (differs) current.count(`second-buffer ${differs}`)
    return addLink(link, nowMs)
  }
  engine.takeEvent = (): EngineEvent | undefined => {
    const event = takeEvent()
    if (event?.kind === 'closed') current.failures.set(engine, event.failure)
    return event
  }
}

function watchCredit(engine: RealConnection, credit: CreditJudge): void {
  current.credits.set(engine, credit)
  const takeOutput = engine.takeOutput.bind(engine)
  const receive = engine.receive.bind(engine)
  engine.takeOutput = nowMs => {
    const output = takeOutput(nowMs)
    if (output) credit.sent(output.message)
    return output
  }
  engine.receive = (link, message, nowMs) => {
    receive(link, message, nowMs)
    // What costs the link gives no credit: it lies, or comes where it must not.
    if (!link.closed) credit.received(message)
  }
}

function ownRole(): Role {
  const { loop, roles, opening } = current
  if (loop.running === 'elsewhere') return 'hawser'
  if (loop.running === 'client' && roles.client === 'hostile' && opening > 0) return 'hawser'
  return roles[loop.running]
}

function peerRole(): Role {
  const { loop, roles } = current
  return loop.running === 'client' ? roles.server : roles.client
}

function isReference(role: Role): boolean {
  return role === '0.9.7' || role === '0.10'
}
