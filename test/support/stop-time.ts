import type { Test } from 'tap'
import { ManualClock } from '../transports/manual-clock.ts'

/** Until the end of the test, timers that are set from here on go by the clock returned, which stands still by itself. */
export function stopTime(t: Test): ManualClock {
  const clock = new ManualClock()
  const { setTimeout, clearTimeout } = globalThis
  globalThis.setTimeout = clock.setTimer as typeof setTimeout
  globalThis.clearTimeout = timer => {
    clock.clearTimer(timer)
    clearTimeout(timer) // of before
  }
  t.teardown(() => Object.assign(globalThis, { setTimeout, clearTimeout }))
  return clock
}
