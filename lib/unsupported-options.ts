// Options of the public interface that this version does not carry out yet: better refused than ignored, for somebody
// who asks for TLS must not get a connection without.

import { HawserError } from './errors.ts'

/** @throws {HawserError} `ERR_INVALID_ARG_VALUE`, with the name of the option */
export function refuseUnsupported(options: object): void {
  const { tls, schedule } = options as { tls?: unknown; schedule?: unknown }
  if (tls !== undefined) throw unsupported('tls: wrap each link in TLS and pass it by `links` or a transport of your own')
  if (schedule !== undefined && schedule !== 'aggregate') throw unsupported("schedule: only 'aggregate'")
}

function unsupported(what: string): HawserError {
  return new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', `this version does not support the option ${what}`)
}
