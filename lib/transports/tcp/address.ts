// IP addresses as text: one spelling for each, and what kind of address it is.

import { BlockList, isIP, SocketAddress } from 'node:net'

export interface IpAddress {
  /** In the spelling of the system, without zone; an IPv4-mapped IPv6 address as IPv4. */
  readonly address: string
  readonly family: 4 | 6
  /** Of a link-local IPv6 address: name or, on Windows, number of the interface. */
  readonly zone: string | undefined
}

/** Where an address can be reached from: only from this machine, only over one link, or from anywhere. */
export type AddressScope = 'loopback' | 'link' | 'any'

/** @returns `undefined` if `text` is no IP address */
export function parseAddress(text: string): IpAddress | undefined {
  const [plain = '', zone] = text.split('%', 2)
  const family = isIP(plain)
  if (family === 0) return undefined
  if (family === 4) return { address: plain, family: 4, zone: undefined }
  const { address } = new SocketAddress({ address: plain, family: 'ipv6' })
  const mapped = /^::ffff:([\d.]+)$/.exec(address)?.[1]
  return mapped === undefined ? { address, family: 6, zone: zone || undefined } : { address: mapped, family: 4, zone: undefined }
}

export function scopeOf(ip: IpAddress): AddressScope {
  if (contains(loopback, ip)) return 'loopback'
  return contains(linkLocal, ip) ? 'link' : 'any'
}

/** Private IPv6 addresses talk to private ones rather than to public ones. */
export function isUniqueLocal(ip: IpAddress): boolean {
  return contains(uniqueLocal, ip)
}

/** @param cidr - such as `192.168.1.2/24` */
export function inSubnet(ip: IpAddress, cidr: string): boolean {
  const [base = '', prefix] = cidr.split('/')
  const network = parseAddress(base)
  if (network?.family !== ip.family) return false
  return contains(subnet([network.address, Number(prefix), ip.family]), ip)
}

type Subnet = readonly [address: string, prefix: number, family: 4 | 6]

function subnet(...subnets: readonly Subnet[]): BlockList {
  const list = new BlockList()
  for (const [address, prefix, family] of subnets) list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  return list
}

function contains(list: BlockList, ip: IpAddress): boolean {
  return list.check(ip.address, ip.family === 4 ? 'ipv4' : 'ipv6')
}

const loopback = subnet(['127.0.0.0', 8, 4], ['::1', 128, 6])
const linkLocal = subnet(['169.254.0.0', 16, 4], ['fe80::', 10, 6])
const uniqueLocal = subnet(['fc00::', 7, 6])
