// Every error that hawser makes.

/** Errno names that code written for `net.Socket` knows, and Node's own names for misuse. */
export type HawserErrorCode =
  | 'ECONNREFUSED'
  | 'ETIMEDOUT'
  | 'ECONNRESET'
  | 'ECONNABORTED'
  | 'ECANCELED'
  | 'EPIPE'
  | 'EPROTO'
  | 'ENOBUFS'
  | 'ERR_OUT_OF_RANGE'
  | 'ERR_INVALID_ARG_VALUE'
  | 'ERR_INVALID_ARG_TYPE'
  | 'ERR_INVALID_RETURN_VALUE'
  | 'ERR_INVALID_IP_ADDRESS'
  | 'ERR_MISSING_ARGS'
  | 'ERR_SOCKET_BAD_PORT'
  | 'ERR_SOCKET_CLOSED'
  | 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION'
  | 'ERR_SERVER_NOT_RUNNING'
  | 'ERR_SERVER_ALREADY_LISTEN'

/** What happened, finer than the code; docs/errors.md explains each. */
export type HawserErrorReason =
  | 'not-listening'
  | 'connection-refused'
  | 'link-refused'
  | 'connect-timeout'
  | 'no-links-timeout'
  | 'handshake-timeout'
  | 'ping-timeout'
  | 'send-timeout'
  | 'non-working-timeout'
  | 'terminated'
  | 'aborted-by-server'
  | 'server-id-mismatch'
  | 'all-links-failed'
  | 'closed-by-peer'
  | 'protocol-error'
  | 'link-closed'
  | 'scheduler-failed'
  | 'invalid-argument'

/** Match on `code` and `reason`; the message may change in any release. */
export class HawserError extends Error {
  readonly code: HawserErrorCode
  readonly reason: HawserErrorReason

  constructor(code: HawserErrorCode, reason: HawserErrorReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.reason = reason
  }
}
