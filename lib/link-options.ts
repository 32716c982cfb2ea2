// What `addLink` takes, on both sides.

import type { Duplex } from '#platform/stream'
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
}

/** The same with everything filled in. */
export interface CheckedLinkOptions {
  readonly tag: LinkTag
  readonly userData: Uint8Array | undefined
  readonly config: LinkConfig
}

/** @throws {HawserError} the arguments of `addLink` make no sense */
export function checkedLinkOptions(
  stream: Duplex,
  options: AddLinkOptions,
  direction: LinkTag['direction'],
  defaultConfig: LinkConfig,
): CheckedLinkOptions {
  checkDuplex(stream)
  return {
    tag: manualTag(direction, options.tag),
    userData: checkedUserData(options.userData),
    config: resolveLinkConfig(options.config, defaultConfig),
  }
}

function checkedUserData(userData: Uint8Array | undefined): Uint8Array | undefined {
  if (userData === undefined || (userData instanceof Uint8Array && userData.byteLength <= 65_535)) return userData
  throw new HawserError('ERR_OUT_OF_RANGE', 'invalid-argument', 'userData must be a Uint8Array of at most 65535 bytes')
}
