// What the failure of a connection looks like to the application.

import type { ConnectionFailure } from './engine/events.ts'
import { HawserError, type HawserErrorCode } from './errors.ts'

const CODES: Record<ConnectionFailure, HawserErrorCode> = {
  'no-links-timeout': 'ETIMEDOUT',
  terminated: 'ECONNRESET',
  'protocol-error': 'EPROTO',
  'server-id-mismatch': 'ECONNRESET',
  'aborted-by-server': 'ECONNRESET',
  'all-links-failed': 'ECONNABORTED',
}

const TEXTS: Record<ConnectionFailure, string> = {
  'no-links-timeout': 'no link has worked for too long',
  terminated: 'terminated by the other side',
  'protocol-error': 'the other side broke the protocol',
  'server-id-mismatch': 'another server answers where the connection was',
  'aborted-by-server': 'the server does not know the connection any more',
  'all-links-failed': 'all links failed and no other can be made',
}

export function connectionError(failure: ConnectionFailure, detail: string | undefined): HawserError {
  const code = CODES[failure]
  const error = new HawserError(code, failure, `read ${code}: ${TEXTS[failure]}${detail ? ` (${detail})` : ''}`)
  return Object.assign(error, { syscall: 'read' })
}

/** What a writer gets whose peer reads no more. */
export function writeRefusedError(): HawserError {
  const error = new HawserError('EPIPE', 'closed-by-peer', 'write EPIPE: the other side reads no more')
  return Object.assign(error, { syscall: 'write' })
}

/** What a writer gets who goes on after the peer ended, which ended the socket; as `net.Socket` has it. */
export function writeAfterEndError(): HawserError {
  return new HawserError('EPIPE', 'closed-by-peer', 'This socket has been ended by the other party')
}

/** What the callback of a write gets whose socket is destroyed meanwhile; as `net.Socket` has it since Node 22. */
export function writeCanceledError(): HawserError {
  return Object.assign(new HawserError('ECANCELED', 'link-closed', 'write ECANCELED'), { syscall: 'write' })
}

export function closedError(): HawserError {
  return new HawserError('ERR_SOCKET_CLOSED', 'link-closed', 'Socket is closed')
}

export function closedBeforeConnectionError(): HawserError {
  const text = 'Socket closed before the connection was established'
  return new HawserError('ERR_SOCKET_CLOSED_BEFORE_CONNECTION', 'link-closed', text)
}

/** The one error for several attempts to connect that all failed, as `net.connect` has it. */
export function connectError(errors: readonly Error[]): Error {
  const [first, ...others] = errors
  if (!first) return new HawserError('ECONNREFUSED', 'connection-refused', 'connect ECONNREFUSED: no link to try')
  if (others.length === 0) return first
  const all = new AggregateError(errors, `all ${errors.length} links failed: ${first.message}`)
  const { code, reason } = first as Partial<HawserError>
  return Object.assign(all, code && { code }, reason && { reason })
}
