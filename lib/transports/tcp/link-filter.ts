// Which of several TCP links between the same two machines are worth having.

import type { LinkTag } from '../transport.ts'
import { TcpLinkTag } from './tag.ts'

/**
 * - `interface-interface`: one link per local and remote interface; the remote end tells its interface in its user data.
 * - `interface-ip`: one link per local interface and remote address.
 * - `none`: every link.
 */
export type TcpLinkFilterMode = 'interface-interface' | 'interface-ip' | 'none'

/** What a filter looks at. */
export interface FilteredLink {
  readonly tag: LinkTag
  readonly remoteUserData: Uint8Array
  /** Why it carries no data, `'new'` before its test; `null` while it works. */
  readonly notWorkingReason?: string | null
}

/** Tells whether `link` adds something to those that exist. Links of other transports are none of its business. */
export function acceptsLink(mode: TcpLinkFilterMode, link: FilteredLink, existing: readonly FilteredLink[]): boolean {
  const isSame = sameLink[mode]
  return !(link.tag instanceof TcpLinkTag && existing.some(other => isSame(link, other) && !isSucceeded(other, link)))
}

/**
 * `link` may take the place of `other`: that one does not work, as this end or the other one has found out. Who dials
 * would not ask for a second link between the same addresses if the first one worked.
 */
function isSucceeded(other: FilteredLink, link: FilteredLink): boolean {
  return sameEnds(link.tag, other.tag) && (link.tag.direction === 'incoming' || other.notWorkingReason === 'ack-timeout')
}

type Comparison = (link: FilteredLink, other: FilteredLink) => boolean

const sameLink: Record<TcpLinkFilterMode, Comparison> = {
  'interface-interface': (link, other) =>
    sameInterface(link.tag, other.tag) && sameBytes(link.remoteUserData, other.remoteUserData),
  'interface-ip': (link, other) => sameInterface(link.tag, other.tag) && sameRemoteAddress(link.tag, other.tag),
  none: () => false,
}

function sameInterface(tag: LinkTag, other: LinkTag): boolean {
  return tag instanceof TcpLinkTag && other instanceof TcpLinkTag && tag.interface === other.interface
}

function sameRemoteAddress(tag: LinkTag, other: LinkTag): boolean {
  return tag instanceof TcpLinkTag && other instanceof TcpLinkTag && tag.remoteAddress === other.remoteAddress
}

function sameEnds(tag: LinkTag, other: LinkTag): boolean {
  if (!(tag instanceof TcpLinkTag && other instanceof TcpLinkTag)) return false
  const { localAddress, localPort, remoteAddress } = tag
  return localAddress === other.localAddress && localPort === other.localPort && remoteAddress === other.remoteAddress
}

function sameBytes(bytes: Uint8Array, other: Uint8Array): boolean {
  return bytes.length === other.length && bytes.every((byte, index) => byte === other[index])
}
