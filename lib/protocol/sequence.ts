// Arithmetic of the sequence numbers of reliable messages: unsigned 32 bits, wrapping.

/** The number after `sequence`. */
export function nextSequence(sequence: number): number {
  return (sequence + 1) >>> 0
}

/** `sequence` moved by `count`, which may be negative. */
export function addSequence(sequence: number, count: number): number {
  return (sequence + count) >>> 0
}

/**
 * How many numbers `to` is ahead of `from`; negative when it is behind.
 *
 * The shorter way around, so right as long as the two are less than 2^31 apart. Exactly 2^31 apart is -2^31.
 */
export function sequenceDistance(from: number, to: number): number {
  return (to - from) | 0
}
