// Judge of progress (threat model, L3): whoever has something to send, may send it and waits for nothing has sent it.

import type { Connection } from '../../../../lib/engine/connection.ts'

const PATIENCE_MS = 10_000
/** Timers fire so late. */
const TIMER_MS = 2

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
  // One that its rate limit holds up may be, too, and is free again soon.
  if (engine.links.some(link => link.usable && link.limitedUntilMs > nowMs - TIMER_MS)) return false
  return engine.links.some(link => link.usable && link.writable && link.standby === 'no' && link.duty !== 'secondary')
}
