// Two connected sockets over the loopback: plain TCP or hawser.

import { once } from 'node:events'
import * as net from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import * as hawser from '../lib/index.ts'
import { tcpConnector } from '../lib/tcp.ts'

export interface Pair {
  readonly client: Duplex
  readonly server: Duplex
  close(): void
}

/** @param links - as in `Configuration` */
export function openPair(links: number): Promise<Pair> {
  return links === 0 ? openPlainPair() : openBondedPair(links)
}

async function openPlainPair(): Promise<Pair> {
  const listener = net.createServer({ noDelay: true }).listen(0, '127.0.0.1')
  const accepted = once(listener, 'connection')
  await once(listener, 'listening')
  const client = net.connect({ port: portOf(listener), host: '127.0.0.1', noDelay: true })
  const [server] = (await accepted) as [net.Socket]
  return pairOf(client, server, listener)
}

async function openBondedPair(links: number): Promise<Pair> {
  const listener = hawser.createServer()
  const accepted = once(listener, 'connection')
  listener.listen(0, '0.0.0.0')
  await once(listener, 'listening')
  // The loopback network has a million addresses; each makes a link of its own.
  const hosts = Array.from({ length: links }, (_, index) => `127.0.0.${index + 1}`)
  const client = hawser.connect({
    transports: [tcpConnector({ hosts, port: portOf(listener), multiInterface: false, linkFilter: 'none' })],
  })
  const [server] = (await accepted) as [hawser.Socket]
  while ([client, server].some(socket => socket.links.filter(({ working }) => working).length < links)) await sleep(5)
  return pairOf(client, server, listener)
}

function pairOf(client: Duplex, server: Duplex, listener: { close(): unknown }): Pair {
  return {
    client,
    server,
    close() {
      client.destroy()
      server.destroy()
      listener.close()
    },
  }
}

const portOf = (listener: { address(): unknown }): number => (listener.address() as net.AddressInfo).port
