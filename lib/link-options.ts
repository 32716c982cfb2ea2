// What `addLink` takes, on both sides.

import type { Duplex } from '#platform/stream'
import { checkBoolean } from './argument-checks.ts'
import { type LinkConfig, type LinkConfigInput, resolveLinkConfig } from './config.ts'
import { checkDuplex } from './duplex-check.ts'
import { HawserError } from './errors.ts'
import { manualTag } from './manual-tag.ts'
import type { LinkTag } from './transports/transport.ts'

/** How a link is added by hand. */
export interface AddLinkOptions {
  /** What to call it; anything printable, or a tag of your own. */
  tag?: string | LinkTag | undefined
  /** Told to the other side, at most 65,535 bytes. */
  userData?: Uint8Array | undefined
  config?: LinkConfigInput | undefined
  /**
   * The Duplex fails rather than deliver anything but what was sent, as TLS does. If the other end is a hawser and says so
   * of its Duplex, too, payload goes without checksum. @defaultValue whether it is a `tls.TLSSocket`
   */
  authenticated?: boolean | undefined
}

/** The same with everything filled in. */
export interface CheckedLinkOptions {
  readonly tag: LinkTag
  readonly userData: Uint8Array | undefined
  readonly config: LinkConfig
  readonly authenticated: boolean | undefined
}

/** @throws {HawserError} the arguments of `addLink` make no sense */
export function checkedLinkOptions(
  stream: Duplex,
  options: AddLinkOptions,
  direction: LinkTag['direction'],
  defaultConfig: LinkConfig,
): CheckedLinkOptions {
  checkDuplex(stream)
  checkBoolean(options.authenticated, 'authenticated')
  return {
    tag: manualTag(direction, options.tag),
    userData: checkedUserData(options.userData),
    config: resolveLinkConfig(options.config, defaultConfig),
    authenticated: options.authenticated,
  }
}

function checkedUserData(userData: Uint8Array | undefined): Uint8Array | undefined {
  if (userData === undefined || (userData instanceof Uint8Array && userData.byteLength <= 65_535)) return userData
  throw new HawserError('ERR_OUT_OF_RANGE', 'invalid-argument', 'userData must be a Uint8Array of at most 65535 bytes')
}
