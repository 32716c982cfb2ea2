// Accountant of memory (threat model, B1 and B2): everything that a connection holds, in its queues and in its links. What
// it takes entries of queues for is what they cost in the heap: `test/simulation/memory.test.ts` compares.

import type { Connection } from '../../../../lib/engine/connection.ts'
import type { Socket } from '../../../../lib/index.ts'
import type { LinkStream } from '../link-stream.ts'

const PER_LINK_BYTES = 524_288
const PER_CONNECTION_BYTES = 8_388_608
/** A numbered message: itself, its list of pieces, one piece, its place in the window. */
const SENT_BYTES = 320
/** A transmission of it, and its place in the queue of its link. */
const FLIGHT_BYTES = 190
/** What was received, as a piece of its own at most. */
const RECEIVED_BYTES = 128
/** A place in the queue of what must go out again. */
const RESEND_BYTES = 8
const ACK_BYTES = 4

export interface Held {
  /** Of the application, and what waits in links. */
  readonly contentBytes: number
  /** What entries of queues cost by themselves. */
  readonly entryBytes: number
}

export function heldBy(
  engine: Connection,
  socket: Socket,
  streams: readonly LinkStream[],
  nowMs: number,
  heedsDrain: boolean,
): Held {
  const stats = engine.stats(nowMs)
  // What an application writes although it was told to wait is its own.
  let contentBytes = heedsDrain ? engine.queuedBytes : 0
  contentBytes += stats.unacked + stats.receivedUnconsumed + socket.readableLength
  for (const stream of streams) contentBytes += stream.waitingBytes
  let entryBytes = stats.unconsumedCount * SENT_BYTES + stats.resendQueue * RESEND_BYTES
  entryBytes += stats.receivedUnconsumedCount * RECEIVED_BYTES
  for (const link of engine.links) entryBytes += link.acksOwed.length * ACK_BYTES + link.flights.length * FLIGHT_BYTES
  return { contentBytes, entryBytes }
}

/**
 * What is held, as a share of what may be: content within 1.25 times the buffers and 512 KiB for each link, and only with the
 * entries 8 MiB more.
 */
export function shareOfMemory({ contentBytes, entryBytes }: Held, buffersBytes: number, links: number): number {
  const mostBytes = 1.25 * buffersBytes + PER_LINK_BYTES * Math.max(1, links)
  return Math.max(contentBytes / mostBytes, (contentBytes + entryBytes) / (mostBytes + PER_CONNECTION_BYTES))
}
