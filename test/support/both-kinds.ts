// The same test with `node:net` and with hawser, side by side.

import * as net from 'node:net'
import type { Test } from 'tap'
import * as hawser from '../../lib/index.ts'

export interface Kind {
  readonly name: string
  readonly connect: typeof net.connect
  readonly createServer: (options: net.ServerOpts, onConnection?: (socket: net.Socket) => void) => net.Server
  readonly Socket: new (options?: net.SocketConstructorOpts) => net.Socket
}

const kinds: readonly Kind[] = [
  { name: 'net', connect: net.connect, createServer: net.createServer, Socket: net.Socket },
  hawserKind(),
]

function hawserKind(): Kind {
  return { ...(hawser as unknown as Omit<Kind, 'name'>), name: 'hawser' }
}

export interface BothEnds {
  readonly client: net.Socket
  readonly accepted: net.Socket
}

/** What a test gets: everything that it makes is gone when it is over. */
export interface Side extends Kind {
  /** Listens on a free port of 127.0.0.1. */
  listen(options?: net.ServerOpts): Promise<{ server: net.Server; port: number }>
  /** Both ends of a connection. */
  pair(options?: net.ServerOpts & { client?: net.SocketConstructorOpts }): Promise<BothEnds>
}

/** Runs `check` with each kind. */
export function bothKinds(t: Test, title: string, check: (t: Test, side: Side) => Promise<void>): void {
  for (const kind of kinds) t.test(`${title} (${kind.name})`, t => check(t, sideOf(t, kind)))
}

function sideOf(t: Test, kind: Kind): Side {
  const listen = async (options: net.ServerOpts = {}) => {
    const sockets = new Set<net.Socket>()
    const server = kind.createServer(options, socket => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
    t.teardown(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return { server, port: (server.address() as net.AddressInfo).port }
  }
  const pair = async ({ client: clientOptions = {}, ...options }: Parameters<Side['pair']>[0] = {}) => {
    const { server, port } = await listen(options)
    const accepted = new Promise<net.Socket>(resolve => server.once('connection', resolve))
    const client = kind.connect({ port, host: '127.0.0.1', ...clientOptions })
    t.teardown(() => client.destroy())
    await new Promise(resolve => client.once('connect', resolve))
    return { client, accepted: await accepted }
  }
  return { ...kind, listen, pair }
}
