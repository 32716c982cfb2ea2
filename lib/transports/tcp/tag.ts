// What identifies a TCP link: local interface and remote address.

import { printable } from '../../printable.ts'
import type { LinkTag } from '../transport.ts'

export interface TcpLinkTagFields {
  readonly direction: 'incoming' | 'outgoing'
  /** Local interface; without one the system chooses it. */
  readonly interface?: string | undefined
  /** Outgoing: expected at the time of discovery; an interface with several may use another. */
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  /** With `%` and zone for a link-local IPv6 address. Not there for a Unix socket. */
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  readonly family?: 4 | 6 | undefined
  /** Distinguishes incoming links without addresses. */
  readonly serial?: number | undefined
}

/** A link over TCP, or over a Unix socket of a server that listens on one. */
export class TcpLinkTag implements LinkTag {
  readonly transport = 'tcp'
  readonly direction: 'incoming' | 'outgoing'
  readonly key: string
  /** Name of the local interface, as the other side expects it for its link filter. */
  readonly userData: Uint8Array | undefined
  readonly interface: string | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly family: 4 | 6 | undefined

  constructor(fields: TcpLinkTagFields) {
    this.direction = fields.direction
    this.interface = fields.interface
    this.localAddress = fields.localAddress
    this.localPort = fields.localPort
    this.remoteAddress = fields.remoteAddress
    this.remotePort = fields.remotePort
    this.family = fields.family
    this.userData = fields.interface === undefined ? undefined : new TextEncoder().encode(fields.interface)
    const local = fields.interface ?? ''
    const remote = fields.remoteAddress === undefined ? `#${fields.serial}` : joined(fields.remoteAddress, fields.remotePort)
    this.key = `tcp ${local} ${arrow(fields.direction)} ${remote}`
  }

  toString(): string {
    const local = this.localAddress === undefined ? undefined : joined(this.localAddress, this.localPort)
    const remote = this.remoteAddress === undefined ? 'unix socket' : joined(this.remoteAddress, this.remotePort)
    const parts = ['TCP', this.interface, local, arrow(this.direction), remote]
    return parts
      .filter(part => part !== undefined)
      .map(part => printable(part))
      .join(' ')
  }
}

function arrow(direction: 'incoming' | 'outgoing'): string {
  return direction === 'incoming' ? '<-' : '->'
}

/** `1.2.3.4:80`, `[fe80::1%eth0]:80`; without a port the address alone. */
function joined(address: string, port: number | undefined): string {
  if (!port) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
