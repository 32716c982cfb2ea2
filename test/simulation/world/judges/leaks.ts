// Judge of what is left behind (threat model, B4): streams, listeners, engines.

import type { Connection } from '../../../../lib/engine/connection.ts'
import type { LinkStream } from '../link-stream.ts'

/** A Duplex may fail after it is closed, and somebody must listen to that. */
const MAY_STAY = new Set<string | symbol>(['error'])

export function leakOf(stream: LinkStream): string | undefined {
  if (!stream.destroyed) return 'a link was left open'
  const events = stream.eventNames().filter(name => !MAY_STAY.has(name))
  return events.length > 0 ? `a closed link has listeners of ${events.map(String).join(', ')}` : undefined
}

export function leakedEngine(engines: Iterable<Connection>): string | undefined {
  for (const engine of engines) {
    if (!engine.closed) return 'an engine was never closed'
    if (engine.links.length > 0) return 'a closed engine has links'
  }
  return undefined
}
