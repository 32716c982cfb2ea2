// Accountant of memory (threat model, B1 and B2): everything that a connection holds, in its queues and in its links.

import type { Connection } from '../../../../lib/engine/connection.ts'
import type { Socket } from '../../../../lib/index.ts'
import type { LinkStream } from '../link-stream.ts'

const PER_LINK_BYTES = 524_288
/** What entries of queues cost by themselves. */
const MESSAGE_BYTES = 128
const ACK_BYTES = 8

/** What is held, as a share of what may be: 1.25 times the buffers and 512 KiB for each link. */
export function shareOfMemory(
  engine: Connection,
  socket: Socket,
  streams: readonly LinkStream[],
  buffersBytes: number,
  nowMs: number,
  heedsDrain: boolean,
): number {
  const stats = engine.stats(nowMs)
  // What an application writes although it was told to wait is its own.
  let held = heedsDrain ? engine.queuedBytes : 0
  held += stats.unacked + stats.receivedUnconsumed + socket.readableLength
  held += (stats.unconsumedCount + stats.receivedUnconsumedCount + stats.resendQueue) * MESSAGE_BYTES
  for (const link of engine.links) held += link.acksOwed.length * ACK_BYTES + link.flights.length * MESSAGE_BYTES
  for (const stream of streams) held += stream.waitingBytes
  return held / (1.25 * buffersBytes + PER_LINK_BYTES * Math.max(1, streams.length))
}
