// Code of the application that runs in the middle of ours: listeners above all. What it throws is an uncaught exception
// as from any listener, but one that does not tear our own work in half.

import { soon } from '#platform/loop'

export function runForeign(code: () => void): void {
  try {
    code()
  } catch (error) {
    throwLater(error)
  }
}

export function throwLater(error: unknown): void {
  soon(() => {
    throw error
  })
}
