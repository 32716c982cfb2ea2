// Errors like those that Node makes of system calls, for what is found out before one is made.

import { constants } from 'node:os'

export type SystemErrorCode = 'ENETUNREACH' | 'EADDRNOTAVAIL' | 'EACCES'

/** An error as Node's own: `code`, `errno`, `syscall` and, where given, `address` and `port`. */
export function systemError(syscall: string, code: SystemErrorCode, address?: string, port?: number): NodeJS.ErrnoException {
  const end = address === undefined ? '' : ` ${address}${port === undefined ? '' : `:${port}`}`
  const error: NodeJS.ErrnoException = new Error(`${syscall} ${code}${end}`)
  return Object.assign(error, { errno: -constants.errno[code], code, syscall, address, port })
}

/** What an aborted operation rejects with: the signal's reason, or an `AbortError` where a foreign signal has none. */
export function abortReason(signal: AbortSignal): Error {
  if (signal.reason instanceof Error) return signal.reason
  const error = new Error('The operation was aborted', { cause: signal.reason })
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' })
}
