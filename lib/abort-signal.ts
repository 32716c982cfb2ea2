// Signals that end something, native ones and those of the package `abort-controller`.

import { HawserError } from './errors.ts'

/** @throws {HawserError} `ERR_INVALID_ARG_TYPE` */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || (typeof signal === 'object' && signal !== null && 'aborted' in signal)) return
  throw new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', 'The "signal" option must be an AbortSignal')
}

/** What Node makes of an aborted signal. */
export function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason })
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' })
}

/** Calls `onAbort` once when `signal` aborts. Returns what stops that. */
export function whenAborted(signal: AbortSignal, onAbort: () => void): () => void {
  signal.addEventListener('abort', onAbort, { once: true })
  return () => signal.removeEventListener('abort', onAbort)
}
