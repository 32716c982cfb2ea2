import type { Duplex } from '#platform/stream'
import { HawserError } from './errors.ts'

/**
 * What a link is to be made of, whatever library made it: `instanceof` would only know one of them.
 *
 * @throws {HawserError} `ERR_INVALID_ARG_TYPE`
 */
export function checkDuplex(stream: unknown): void {
  const { write, on, resume } = (stream ?? {}) as Partial<Duplex>
  if (typeof write === 'function' && typeof on === 'function' && typeof resume === 'function') return
  throw new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', 'a link must be made of a Duplex stream')
}
