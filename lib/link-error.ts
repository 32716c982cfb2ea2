// What the loss of a link looks like to the application.

import type { LinkCloseReason } from './engine/events.ts'
import { HawserError, type HawserErrorCode, type HawserErrorReason } from './errors.ts'
import { ProtocolError } from './protocol/protocol-error.ts'
import type { LinkTag } from './transports/transport.ts'

interface Loss {
  readonly code: HawserErrorCode
  readonly reason: HawserErrorReason
  readonly text: string
}

/** The other reasons are none of a loss: the link was taken away, or its connection ended. */
const LOSSES: Partial<Record<LinkCloseReason, Loss>> = {
  'io-error': { code: 'ECONNRESET', reason: 'link-closed', text: 'the stream of the link was closed' },
  'ping-timeout': { code: 'ETIMEDOUT', reason: 'ping-timeout', text: 'a ping of the link was not answered' },
  'send-timeout': { code: 'ETIMEDOUT', reason: 'send-timeout', text: 'the stream of the link takes nothing' },
  'non-working-timeout': { code: 'ETIMEDOUT', reason: 'non-working-timeout', text: 'the link has not worked for too long' },
}

/**
 * Why a link was lost; `undefined` when it was not.
 *
 * @param cause - what its stream failed with, or what was wrong with the bytes that it brought
 * @param detail - what the other side did wrong on it
 */
export function linkError(
  tag: LinkTag,
  reason: LinkCloseReason,
  cause: Error | undefined,
  detail: string | undefined,
): Error | undefined {
  if (cause && reason === 'connection-closed') return undefined
  const violation = cause instanceof ProtocolError ? cause.message : reason === 'protocol-error' ? detail : undefined
  if (violation !== undefined) return new HawserError('EPROTO', 'protocol-error', `${violation} (${tag})`, { cause })
  if (cause) return cause
  const loss = LOSSES[reason]
  return loss && new HawserError(loss.code, loss.reason, `${loss.text} (${tag})`)
}
