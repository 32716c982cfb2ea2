// Two connected sockets on this machine: plain ones or hawser's, over TCP, TLS or a Unix domain socket.

import { once } from 'node:events'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import * as tls from 'node:tls'
import * as hawser from '../../lib/index.ts'
import { tcpConnector } from '../../lib/tcp.ts'
import { cert, key } from '../../test/support/certificate.ts'

export type Medium = 'tcp' | 'tls' | 'unix'

export interface Path {
  readonly medium: Medium
  /** Number of links of the hawser connection; 0: a plain socket instead, the baseline. */
  readonly links: number
}

export interface Pair {
  readonly client: Duplex
  readonly server: Duplex
  close(): void
}

export async function openPair({ medium, links }: Path): Promise<Pair> {
  if (links === 0) {
    const plain = await openPlain(medium, 1)
    return { ...(plain.ends[0] as Ends), close: plain.close }
  }
  return medium === 'tcp' ? await openBonded(links) : await openBondedOver(medium, await openPlain(medium, links))
}

/** All come from one address, which the default limits take for a stranger's flood. */
export const LIMITS: hawser.ServerOptions['limits'] = { maxHandshakes: 8_192, maxConnections: 65_536 }

/** One link to each of as many addresses, as users make them. */
async function openBonded(links: number): Promise<Pair> {
  const listener = hawser.createServer({ limits: LIMITS })
  const accepted = once(listener, 'connection')
  listener.listen(0, '0.0.0.0')
  await once(listener, 'listening')
  const client = hawser.connect({ transports: [loopbackConnector(links, portOf(listener))] })
  const [server] = (await accepted) as [hawser.Socket]
  await allWorking([client, server], links)
  return closable(client, server, () => listener.close())
}

/** The loopback network has millions of addresses; each makes a link of its own. */
export function loopbackConnector(links: number, port: number) {
  const hosts = Array.from({ length: links }, (_, index) => `127.0.0.${index + 1}`)
  return tcpConnector({ hosts, port, multiInterface: false, linkFilter: 'none' })
}

interface Ends {
  readonly client: Duplex
  readonly server: Duplex
}

/** Over a Unix domain socket nobody comes between, so that it says it is authenticated, as TLS does by itself. */
async function openBondedOver(medium: Medium, { ends, close }: { ends: Ends[]; close(): void }): Promise<Pair> {
  const options = { authenticated: medium !== 'tcp' }
  const listener = hawser.createServer({ limits: LIMITS })
  const accepted = once(listener, 'connection')
  const client = new hawser.Socket()
  await Promise.all(ends.flatMap(end => [listener.addLink(end.server, options), client.addLink(end.client, options)]))
  const [server] = (await accepted) as [hawser.Socket]
  await allWorking([client, server], ends.length)
  return closable(client, server, close)
}

/** Polls: events tell when links join, not when both ends may use them. */
export async function allWorking(sockets: readonly hawser.Socket[], links: number): Promise<void> {
  while (sockets.some(socket => socket.links.filter(({ working }) => working).length < links)) await sleep(5)
}

async function openPlain(medium: Medium, count: number): Promise<{ ends: Ends[]; close(): void }> {
  const listener = medium === 'tls' ? tls.createServer({ key, cert, noDelay: true }) : net.createServer({ noDelay: true })
  if (medium === 'unix') listener.listen(join(tmpdir(), `hawser-bench-${process.pid}.sock`))
  else listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  const target = typeof address === 'string' ? { path: address } : { port: portOf(listener), host: '127.0.0.1' }
  const ends: Ends[] = []
  for (let index = 0; index < count; index++) {
    const accepted = once(listener, medium === 'tls' ? 'secureConnection' : 'connection')
    const client = medium === 'tls' ? tls.connect({ ...target, ca: cert, servername: 'localhost' }) : net.connect(target)
    client.setNoDelay()
    const [server] = (await accepted) as [Duplex]
    ends.push({ client, server })
  }
  const close = (): void => {
    for (const { client, server } of ends) {
      client.destroy()
      server.destroy()
    }
    listener.close()
  }
  return { ends, close }
}

function closable(client: Duplex, server: Duplex, closeBelow: () => void): Pair {
  const close = (): void => {
    client.destroy()
    server.destroy()
    closeBelow()
  }
  return { client, server, close }
}

export const portOf = (listener: { address(): unknown }): number => (listener.address() as net.AddressInfo).port
