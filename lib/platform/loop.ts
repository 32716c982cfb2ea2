// The event loop of Node: its clock and the two ways to run something soon.

/** Monotonic time in ms. */
export function now(): number {
  return performance.now()
}

/** Runs `task` before anything else of the event loop, but after what runs now. */
export function soon(task: () => void): void {
  process.nextTick(task)
}

/** Runs `task` after one round of I/O: data that has long arrived is read first. */
export function afterInput(task: () => void): void {
  setImmediate(task)
}
