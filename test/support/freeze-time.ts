import type { Test } from 'tap'
import type { ManualClock } from '../transports/manual-clock.ts'
import { stopTime } from './stop-time.ts'

/** Until the end of the test time stands still but for what the clock returned is told: timers and the time of day alike. */
export function freezeTime(t: Test): ManualClock {
  const clock = stopTime(t)
  const startMs = performance.now()
  performance.now = () => startMs + clock.nowMs()
  t.teardown(() => Reflect.deleteProperty(performance, 'now'))
  return clock
}
