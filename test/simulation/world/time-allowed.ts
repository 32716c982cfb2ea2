// How long a connection may take to its end once its core is whole: computed from the plan, with nothing of the engine.

import { defaults } from '../../../lib/config.ts'
import type { ApplicationPlan, ConnectionPlan, WorldPlan } from './plan.ts'

/** Longest attempt to make a link, and longest handshake. */
const ATTEMPT_MS = 60_000 + 10_000
/** The reference's own times: it keeps a link that does not work for 600 s, and tests it every 15 s. */
const REFERENCE_MS = 700_000
/** Bytes around each message: two frames, its header, its ack. */
const OVERHEAD_BYTES = 40
/** Everything may go over the core that often. */
const TIMES_SENT = 4

export function timeAllowedMs(world: WorldPlan, plan: ConnectionPlan): number {
  const configs = [world.serverConfig, plan.config].map(({ link, ...rest }) => ({
    ...defaults,
    ...rest,
    link: { ...defaults.link, ...link },
  }))
  const most = (of: (config: (typeof configs)[number]) => number) => Math.max(...configs.map(of))
  const least = (of: (config: (typeof configs)[number]) => number) => Math.min(...configs.map(of))
  // What is broken must be found, and what was lost be dialed.
  const noticedMs = most(({ link }) => link.pingTimeout + link.nonWorkingTimeout + link.ackTimeoutMax + link.retestInterval)
  const dialedMs = ATTEMPT_MS + plan.reconnectDelay * 1.5 + 2 * 3_000
  const core = plan.core.map(index => plan.paths[index] as ConnectionPlan['paths'][number])
  const roundTripMs = Math.max(...core.map(({ up, down }) => up.delayMs + up.jitterMs + down.delayMs + down.jitterMs)) + 10
  const rate = Math.min(...core.flatMap(({ up, down }) => [up.rateBytesPerMs, down.rateBytesPerMs]))
  const bytes = bytesOf(plan.client) + bytesOf(plan.server) + (plan.server.echoes ? bytesOf(plan.client) : 0)
  const bufferBytes = least(({ sendBuffer, recvBuffer }) => Math.min(sendBuffer, recvBuffer))
  const pieceBytes = Math.max(
    1,
    Math.min(
      least(({ chunkSize }) => chunkSize),
      Math.floor(bufferBytes / 2) - 1,
    ),
  )
  const messages = Math.ceil(bytes / pieceBytes) + plan.client.writes.length + plan.server.writes.length + 10
  const testBytes = most(({ link }) => link.testDataLimit)
  const sentMs = (TIMES_SENT * (bytes + messages * OVERHEAD_BYTES * 2 + testBytes * 10)) / rate
  // Windows and buffers that are small make it a matter of round trips.
  const turns =
    (8 * bytes) /
      Math.min(
        bufferBytes,
        least(({ link }) => link.windowInit),
      ) +
    50
  const pingPongTurns = plan.client.awaitsReply ? 4 * plan.client.writes.length : 0
  const restMs = restOf(plan.client, messages) + restOf(plan.server, messages)
  const endedMs = Math.max(0, ...configs.map(({ noLinkTimeout }) => (noLinkTimeout < 1_000_000 ? noLinkTimeout : 0)))
  const reference = Object.values(world.roles).some(role => role === '0.9.7' || role === '0.10')
  return (
    (reference ? REFERENCE_MS : 0) +
    endedMs +
    2 * (noticedMs + dialedMs + sentMs + (turns + pingPongTurns) * roundTripMs + restMs)
  )
}

function bytesOf({ writes }: ApplicationPlan): number {
  return writes.reduce((sum, { bytes }) => sum + bytes, 0)
}

function restOf({ writes, reader }: ApplicationPlan, messages: number): number {
  const writingMs = writes.reduce((sum, { afterMs }) => sum + afterMs, 0)
  if (reader.kind === 'slow') return writingMs + reader.restMs * messages
  return writingMs + (reader.kind === 'stalled' ? reader.untilMs : 0)
}
