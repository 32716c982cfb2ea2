// Time as the TCP transport sees it, so that tests can decide it.

export interface Clock {
  setTimer(callback: () => void, ms: number): unknown
  clearTimer(timer: unknown): void
}

export const systemClock: Clock = {
  setTimer: (callback, ms) => setTimeout(callback, ms),
  clearTimer: timer => clearTimeout(timer as NodeJS.Timeout),
}

/** The process may end although this timer has not fired. */
export function unref(timer: unknown): void {
  ;(timer as { unref?(): void }).unref?.()
}

/** A wait that can be ended before its time. */
export interface Wait {
  /** Resolves when the time is over, the signal aborts or `end` is called. */
  readonly over: Promise<void>
  end(): void
}

/** Waits without keeping the process alive. Leaves no timer and no listener. */
export function wait(clock: Clock, ms: number, signal: AbortSignal): Wait {
  const { promise, resolve } = deferred()
  const end = () => {
    clock.clearTimer(timer)
    signal.removeEventListener('abort', end)
    resolve()
  }
  const timer = clock.setTimer(end, ms)
  unref(timer)
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  return { over: promise, end }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>(settle => {
    resolve = settle
  })
  return { promise, resolve }
}
