// An option of the public interface that this version does not carry out yet: better refused than ignored, for somebody
// who asks for TLS must not get a connection without.

import { HawserError } from './errors.ts'

/** @throws {HawserError} `ERR_INVALID_ARG_VALUE`, with the name of the option */
export function refuseUnsupported(options: object): void {
  if ((options as { tls?: unknown }).tls === undefined) return
  const text =
    'this version does not support the option tls: wrap each link in TLS and pass it by `links` or a transport of your own'
  throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', text)
}
