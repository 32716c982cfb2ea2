// Local interfaces for tests, written as `{ eth0: ['192.168.1.2/24'] }`.

import { isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import type { Interfaces } from '../../../lib/transports/tcp/interfaces.ts'

export const loopback = { lo: ['127.0.0.1/8', '::1/128'] }

/** Interfaces whose name begins with `lo` are internal; link-local addresses get the interface's place, from 1, as scope. */
export function interfaces(addresses: Readonly<Record<string, readonly string[]>>): Interfaces {
  const entries = Object.entries(addresses).map(([name, cidrs], index) => [
    name,
    cidrs.map(cidr => info(cidr, name.startsWith('lo'), index + 1)),
  ])
  return Object.fromEntries(entries) as Interfaces
}

function info(cidr: string, internal: boolean, scopeid: number): NetworkInterfaceInfo {
  const address = cidr.split('/')[0] ?? ''
  const common = { address, cidr, internal, netmask: '', mac: '' }
  if (!isIPv6(address)) return { ...common, family: 'IPv4' }
  return { ...common, family: 'IPv6', scopeid: address.startsWith('fe80:') ? scopeid : 0 }
}
