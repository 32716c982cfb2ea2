// What the engine tells its driver: messages to send and events.

import type { LinkMessage } from '../protocol/messages.ts'
import type { EngineLink } from './engine-link.ts'

/** A message that must be given to a link now: what comes in next may take it away. */
export interface Output {
  readonly link: EngineLink
  readonly message: LinkMessage
}

/** Why a link is not used for data at the moment. */
export type NotWorkingReason = 'new' | 'ack-timeout' | 'max-ping' | 'test-failed' | 'disconnecting'

/** Why a link is gone for good. */
export type LinkCloseReason =
  | 'connection-closed'
  | 'all-unconfirmed-timeout'
  | 'io-error'
  | 'locally-requested'
  | 'remotely-requested'
  | 'ping-timeout'
  | 'send-timeout'
  | 'non-working-timeout'
  | 'protocol-error'
  | 'server-id-mismatch'
  | 'terminated'

/** Why a connection failed. */
export type ConnectionFailure =
  | 'no-links-timeout'
  | 'terminated'
  | 'protocol-error'
  | 'server-id-mismatch'
  | 'aborted-by-server'
  | 'all-links-failed'

export type EngineEvent =
  /** `read` has bytes again. */
  | { readonly kind: 'readable' }
  /** The peer finished writing and every byte has been read. At most once. */
  | { readonly kind: 'end' }
  /** Every byte given to `write` is on its way: more may be written. */
  | { readonly kind: 'writable' }
  /** SendFinish is on its way. At most once. */
  | { readonly kind: 'finished' }
  /** The peer takes no more: what was not sent yet is dropped. At most once. */
  | { readonly kind: 'writeRefused' }
  /** The peer ends the connection by force; `closed` follows once the links are told. */
  | { readonly kind: 'terminated' }
  | { readonly kind: 'linkWorking'; readonly link: EngineLink }
  | { readonly kind: 'linkNotWorking'; readonly link: EngineLink; readonly reason: NotWorkingReason }
  /** The application's scheduler failed and is not asked any more. */
  | { readonly kind: 'schedulerFailed'; readonly error: Error }
  /** Local or remote block changed. */
  | { readonly kind: 'linkBlocked'; readonly link: EngineLink }
  /**
   * The engine is done with the link and has forgotten it: the driver flushes what it was given and closes the
   * Duplex; `abrupt`: at once, without flushing.
   */
  | {
      readonly kind: 'linkClosed'
      readonly link: EngineLink
      readonly reason: LinkCloseReason
      readonly abrupt: boolean
      readonly detail?: string | undefined
    }
  /** Last event: the connection is over. Without `failure` both directions ended in good order. */
  | { readonly kind: 'closed'; readonly failure?: ConnectionFailure | undefined; readonly detail?: string | undefined }
