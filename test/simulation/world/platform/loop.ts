// `#platform/loop` on virtual time.

import { current } from '../current.ts'

export function now(): number {
  return current.loop.nowMs
}

export function soon(task: () => void): void {
  process.nextTick(task)
}

export function afterInput(task: () => void): void {
  current.loop.immediate(task)
}
