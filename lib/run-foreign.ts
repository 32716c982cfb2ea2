import { soon } from '#platform/loop'

/**
 * Runs code of the application that may throw, for an event for example. What it throws is an uncaught exception, as
 * from any listener, but one that does not tear our own work in half.
 */
export function runForeign(code: () => void): void {
  try {
    code()
  } catch (error) {
    soon(() => {
      throw error
    })
  }
}
