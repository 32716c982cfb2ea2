// What a transport is: something that knows which links could exist and makes a Duplex of each.

import type { AddressInfo } from 'node:net'
import type { Duplex } from '#platform/stream'
import type { Link } from '../link.ts'

/** A link that could exist: which transport, from where, to where. Two tags with the same `key` mean the same link. */
export interface LinkTag {
  readonly transport: string
  readonly direction: 'incoming' | 'outgoing'
  /** Identifies the tag within a connection; stable over time. */
  readonly key: string
  /** Sent to the other side in the handshake, at most 65,535 bytes. The TCP transport puts its interface's name here. */
  readonly userData?: Uint8Array | undefined
  /**
   * Its Duplex fails rather than deliver anything but what was sent: payload needs no checksum if both ends say so.
   * @defaultValue whether the Duplex is a `tls.TLSSocket`
   */
  readonly authenticated?: boolean | undefined
  /** Printable: transport, local and remote end. */
  toString(): string
}

/** Decides whether a link may join beside those that exist. A throw, a rejection or no answer within 10 s means no. */
export type LinkFilter = (link: Link, existing: readonly Link[]) => boolean | Promise<boolean>

/** Makes outgoing links. */
export interface ConnectTransport {
  readonly name: string
  /** The links that could exist now; yields again, whole, on every change. Ends when `signal` aborts. */
  tags(signal: AbortSignal): AsyncIterable<readonly LinkTag[]>
  /** Makes a ready Duplex for a tag, or rejects. */
  connect(tag: LinkTag, signal: AbortSignal): Promise<Duplex>
  filter?: LinkFilter
}

/** Takes incoming links. */
export interface AcceptTransport {
  readonly name: string
  /** Resolves once listening; stops listening when `signal` aborts. */
  listen(accept: (stream: Duplex, tag: LinkTag) => void, signal: AbortSignal): Promise<void>
  address?(): AddressInfo | string | null
  filter?: LinkFilter
}
