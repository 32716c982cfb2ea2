// Judge of progress (threat model, L3): whoever has something to send, may send it and waits for nothing has sent it.

import type { Connection } from '../../../../lib/engine/connection.ts'
import type { EngineLink } from '../../../../lib/engine/engine-link.ts'

const PATIENCE_MS = 10_000
/** Timers fire so late. */
const TIMER_MS = 2
/** Frames and head of a message with data, and what is said beside it without minding the limit. */
const CONTROL_BYTES = 1_000

/** Whether an engine sits still although nothing keeps it; to be asked when nothing more happens at this time. */
export function sitsStill(
  engine: Connection,
  chunkSize: number,
  sendBuffer: number,
  remoteRecvBuffer: number,
  nowMs: number,
): boolean {
  if (engine.closed || engine.queuedBytes === 0) return false
  const { sendSpace, resendQueue } = engine.stats(nowMs)
  // A trickle of credit may be saved up.
  if (sendSpace < Math.min(engine.queuedBytes, chunkSize, remoteRecvBuffer / 16, sendBuffer / 16) || sendSpace === 0) return false
  if (resendQueue > 0 || engine.links.some(link => link.flights.length > 0)) return false
  // A quicker link that takes nothing for a moment may be worth waiting for.
  if (engine.links.some(link => link.usable && !link.writable && link.stuckMs(nowMs) < PATIENCE_MS)) return false
  // One that its rate limit holds up may be, too: as long as the limit takes for what has gone out.
  const limited = engine.links.filter(link => link.usable && link.limitedUntilMs > nowMs - TIMER_MS)
  if (limited.some(link => link.limitedUntilMs - nowMs > longestLimitMs(link, chunkSize))) return true
  if (limited.length > 0) return false
  // None of the links that must carry something has anything in flight, so each has room.
  const lesser = !engine.links.some(({ usable, duty }) => usable && (duty === 'primary' || duty === 'secondary'))
  return engine.links.some(link => link.usable && link.writable && link.standby === 'no' && mustCarry(link, lesser))
}

/** Links that carry something: backups only without others. */
function mustCarry({ duty }: EngineLink, withBackups: boolean): boolean {
  return duty === 'primary' || duty === 'secondary' || (duty === 'backup' && withBackups)
}

/** The last message, and a few that do not wait for the limit. */
function longestLimitMs({ path }: EngineLink, chunkSize: number): number {
  return (chunkSize + CONTROL_BYTES) / path.limitBytesPerMs
}
