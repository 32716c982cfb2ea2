// Servers and connections over TCP on the loopback interface, gone when the test is over.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import {
  type ConnectOptions,
  connect,
  createServer,
  type Link,
  type Server,
  type ServerOptions,
  type Socket,
} from '../../lib/index.ts'

export interface Listening {
  readonly server: Server
  readonly port: number
}

/** A server that listens on a free port. */
export async function listening(t: Test, options: ServerOptions = {}): Promise<Listening> {
  const server = createServer(options)
  t.teardown(() => {
    server.close()
    for (const socket of server.connections) socket.terminate()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

/** A socket that connects, and ends with the test; in good order, for nobody may listen to errors of the other end. */
export function connecting(t: Test, options: ConnectOptions): Socket {
  const socket = connect({ host: '127.0.0.1', ...options })
  t.teardown(() => socket.destroy())
  return socket
}

export interface Connected extends Listening {
  readonly client: Socket
  readonly accepted: Socket
}

/** Both ends of a connection. */
export async function connected(t: Test, client: ConnectOptions = {}, options: ServerOptions = {}): Promise<Connected> {
  const { server, port } = await listening(t, options)
  const socket = connecting(t, { port, ...client })
  const [[accepted]] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, once(socket, 'connect')])
  return { server, port, client: socket, accepted }
}

/** The links of a socket, once there are so many. */
export async function linked(socket: Socket, count = 1): Promise<readonly Link[]> {
  while (socket.links.length < count) await once(socket, 'link')
  return socket.links
}

/** The same once all work. */
export async function working(socket: Socket, count = 1): Promise<readonly Link[]> {
  const links = await linked(socket, count)
  for (const link of links) if (!link.working) await once(link, 'working')
  return links
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
