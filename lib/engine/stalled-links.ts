// Links that take nothing: how long they are waited for, and when what they hold is too old to be delivered.

import { sequenceDistance } from '../protocol/sequence.ts'
import type { EngineLink } from './engine-link.ts'

/** Between two looks at whether a link that takes nothing is still worth waiting for, at least. */
const PATIENCE_MS = 5
/** After 2^31 numbers a copy that a stalled link still delivers would be taken for new. */
const COPY_AGE_LIMIT = 2 ** 30
/** Links are looked through for such copies once in so many numbers; a power of two. */
const COPY_CHECK_NUMBERS = 65_536

/** When a link that takes nothing may have become one not worth waiting for; `Infinity` without such a link. */
export function patienceEndMs(links: readonly EngineLink[], nowMs: number): number {
  let earliest = Number.POSITIVE_INFINITY
  for (const link of links) {
    if (link.usable && !link.writable) earliest = Math.min(earliest, nowMs + Math.max(PATIENCE_MS, link.stuckMs(nowMs)))
  }
  return earliest
}

/** Whether it is time, at this number, to look for `hasOldCopies`. */
export function copyCheckDue(nextSequence: number): boolean {
  return nextSequence % COPY_CHECK_NUMBERS === 0
}

/** Whether the link holds a copy that may soon be taken for a new message. */
export function hasOldCopies(link: EngineLink, nextSequence: number): boolean {
  const oldest = link.flights.peek()
  return oldest !== undefined && sequenceDistance(oldest.sent.sequence, nextSequence) > COPY_AGE_LIMIT
}
