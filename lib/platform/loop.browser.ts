// The same for browsers.

export function now(): number {
  return performance.now()
}

export function soon(task: () => void): void {
  queueMicrotask(task)
}

export function afterInput(task: () => void): void {
  setTimeout(task, 0)
}
