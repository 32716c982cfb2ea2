import type { Test } from 'tap'

/** Stops something when the test is over. */
export function stopAtEnd<T extends { stop(): Promise<void> }>(t: Test, thing: T): T {
  t.teardown(() => thing.stop())
  return thing
}
