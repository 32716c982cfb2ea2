// Which local interfaces can reach a remote address, and which one a local address belongs to.

import type { NetworkInterfaceInfo } from 'node:os'
import { type IpAddress, inSubnet, isUniqueLocal, parseAddress, scopeOf } from './address.ts'

/** As `os.networkInterfaces()` tells. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

/** A way out to a remote address. */
export interface Route {
  readonly interface: string
  /** The local address that fits best, with its zone if it is link-local. */
  readonly localAddress: string
  /** It is the interface's only address that could be used for the remote one. */
  readonly onlyAddress: boolean
  /** With the interface as zone if it is link-local. */
  readonly remoteAddress: string
  /** Inside this machine: nothing leaves it, whatever the socket is bound to. */
  readonly internal: boolean
}

/**
 * The interfaces that could reach `remote`, one route for each.
 *
 * Loopback addresses are reached over the loopback interface only, the machine's own ones over the interface that has
 * them, link-local ones with a zone over that interface, all others over whatever has an address of the family that is
 * good for more than one link.
 *
 * @param from - use this local address only
 */
export function routesTo(interfaces: Interfaces, remote: IpAddress, from?: IpAddress): Route[] {
  const all = Object.entries(interfaces).map(([name, addresses = []]) => ({ name, addresses: parsed(addresses) }))
  const isOwn = all.some(({ addresses }) => addresses.some(local => isSame(local, remote)))
  return all.flatMap(({ name, addresses }) => {
    const reaching = addresses.filter(local => (isOwn ? isSame(local, remote) : canReach(name, local, remote)))
    const usable = reaching.filter(local => !from || isSame(local, from))
    const best = usable.sort((a, b) => fitness(a, remote) - fitness(b, remote))[0]
    if (!best) return []
    return {
      interface: name,
      localAddress: withZone(best, name, best.scopeId),
      onlyAddress: usable.length === 1,
      remoteAddress: withZone(remote, name, best.scopeId),
      internal: isOwn || best.internal,
    }
  })
}

/** Name of the interface that `localAddress` belongs to. */
export function interfaceOf(interfaces: Interfaces, localAddress: string): string | undefined {
  const ip = parseAddress(localAddress)
  if (!ip) return undefined
  const all = Object.entries(interfaces).map(([name, addresses = []]) => ({ name, addresses: parsed(addresses) }))
  const owner = all.find(({ name, addresses }) =>
    addresses.some(local => isSame(local, ip) && (!ip.zone || isZone(ip.zone, name, local.scopeId))),
  )
  if (owner) return owner.name
  // 127.0.0.2 is no address of the loopback interface, but comes in over it
  const network = all.find(({ addresses }) => addresses.some(local => local.internal && local.cidr && inSubnet(ip, local.cidr)))
  return network?.name
}

interface LocalAddress extends IpAddress {
  readonly internal: boolean
  readonly cidr: string | null
  readonly scopeId: number
}

function parsed(addresses: readonly NetworkInterfaceInfo[]): LocalAddress[] {
  return addresses.flatMap(info => {
    const ip = parseAddress(info.address)
    if (!ip) return []
    return { ...ip, internal: info.internal, cidr: info.cidr, scopeId: info.family === 'IPv6' ? info.scopeid : 0 }
  })
}

function isSame(local: IpAddress, remote: IpAddress): boolean {
  return local.family === remote.family && local.address === remote.address
}

function canReach(interfaceName: string, local: LocalAddress, remote: IpAddress): boolean {
  if (local.family !== remote.family) return false
  const scope = scopeOf(remote)
  if (scope === 'loopback') return local.internal && scopeOf(local) === 'loopback'
  if (local.internal) return false
  if (scope === 'any') return scopeOf(local) === 'any'
  if (remote.family === 4) return true
  return scopeOf(local) === 'link' && (!remote.zone || isZone(remote.zone, interfaceName, local.scopeId))
}

/** Lower is better. */
function fitness(local: LocalAddress, remote: IpAddress): number {
  if (local.cidr && inSubnet(remote, local.cidr)) return 0
  return isUniqueLocal(local) === isUniqueLocal(remote) ? 1 : 2
}

function isZone(zone: string, interfaceName: string, scopeId: number): boolean {
  return zone === interfaceName || zone === String(scopeId)
}

/** Windows numbers its zones, the others name them. */
function withZone(ip: IpAddress, interfaceName: string, scopeId: number): string {
  if (ip.family === 4 || scopeOf(ip) !== 'link') return ip.address
  return `${ip.address}%${process.platform === 'win32' ? scopeId : interfaceName}`
}
