/** Stops at a broken invariant of our own; never used for what comes from outside. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${message}`)
}
