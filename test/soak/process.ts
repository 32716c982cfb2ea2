// What the client's and the server's process of a soak have in common.

import type { ConfigInput } from '../../lib/config.ts'
import type { Link, Socket } from '../../lib/index.ts'
import type { Random } from '../simulation/random.ts'
import { report } from './outcome.ts'

/** Buffers so small that data under way does not hide a leak, times so short that faults show in a minute. */
export const config: ConfigInput = {
  sendBuffer: 1_048_576,
  recvBuffer: 1_048_576,
  noLinkTimeout: 20_000,
  terminationTimeout: 10_000,
  link: { nonWorkingTimeout: 2_000, pingTimeout: 5_000, retestInterval: 500, ping: { interval: 2_000 } },
}

/** A path to a server, as `tcpConnector` takes it. */
export interface Path {
  readonly host: string
  readonly port: number
  /** One link for each of our interfaces. */
  readonly multiInterface: boolean
}

export interface ClientOptions {
  readonly seed: number
  readonly steady: readonly Path[]
  readonly mortal: readonly Path[]
}

export interface ServerOptions {
  readonly seed: number
  readonly host: string
  readonly port: number
  /** Breaks links of its own, beside what is done to it. */
  readonly breaks: boolean
}

/** The options that this process was started with. */
export function optionsOf<T>(): T {
  return JSON.parse(process.argv[2] as string) as T
}

/** Resolves when the process that started this one wants it to stop. */
export function stopWanted(): Promise<void> {
  return new Promise(resolve => {
    process.stdin.resume()
    process.stdin.on('end', resolve)
  })
}

/** Does one after the other at random times until the returned function is called. */
export function repeat(random: Random, leastMs: number, mostMs: number, act: () => void): () => void {
  let timer: NodeJS.Timeout
  const arm = (): void => {
    timer = setTimeout(
      () => {
        act()
        arm()
      },
      random.between(leastMs, mostMs),
    )
  }
  arm()
  return () => clearTimeout(timer)
}

/** Faults that either side of a connection can bring about by itself, over the link or over the Duplex below it. */
const LINK_FAULTS: Readonly<Record<string, (link: Link) => void>> = {
  'link destroyed': link => void link.stream.destroy(),
  'link half-closed': link => void link.stream.end(),
  'link removed': link => void link.disconnect(),
  'link blocked': link => {
    link.block()
    setTimeout(() => link.unblock(), 400)
  },
}

/** Breaks a link of one of the sockets. */
export function breakLink(sockets: readonly Socket[], random: Random): void {
  const linked = sockets.filter(socket => socket.links.length > 0)
  if (linked.length === 0) return
  const link = random.pick(random.pick(linked).links)
  const fault = random.pick(Object.keys(LINK_FAULTS))
  LINK_FAULTS[fault]?.(link)
  report({ kind: 'fault', fault })
}
