// Paths as tests name them.

import type { LinkShape } from './simulated-link.ts'

/** A path by its rate in Mbit/s and its round trip in ms, with buffers like those of a kernel. */
export function path(megabits: number, roundTripMs: number, jitterMs = 0): LinkShape {
  const rateBytesPerMs = megabits * 125
  return {
    rateBytesPerMs,
    delayMs: roundTripMs / 2,
    jitterMs,
    senderBufferBytes: 65_536,
    pipeBufferBytes: Math.max(262_144, 2 * rateBytesPerMs * roundTripMs),
  }
}

/** Rate of a path in bytes per ms. */
export function rateOf(shape: LinkShape): number {
  return shape.rateBytesPerMs as number
}
