// The two ends of a stream, if it has addresses.

/** As `net.Socket` has them. */
export interface Addresses {
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  readonly localFamily?: string | undefined
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  readonly remoteFamily?: string | undefined
}

/** A copy, for a stream that is closed forgets them; `undefined` when the stream has none. */
export function addressesOf(stream: object): Addresses | undefined {
  const { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily } = stream as Addresses
  if (localAddress === undefined && remoteAddress === undefined) return undefined
  return { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily }
}
