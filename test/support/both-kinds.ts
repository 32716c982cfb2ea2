// The same test with `node:net` and with hawser, side by side.

import { randomBytes } from 'node:crypto'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import * as hawser from '../../lib/index.ts'

export interface Kind {
  readonly name: string
  readonly connect: typeof net.connect
  readonly createConnection: typeof net.createConnection
  readonly createServer: (options: net.ServerOpts, onConnection?: (socket: net.Socket) => void) => net.Server
  readonly Socket: new (options?: net.SocketConstructorOpts) => net.Socket
  readonly Server: new (options?: net.ServerOpts, onConnection?: (socket: net.Socket) => void) => net.Server
}

const kinds: readonly Kind[] = [
  {
    name: 'net',
    connect: net.connect,
    createConnection: net.createConnection,
    createServer: net.createServer,
    Socket: net.Socket,
    Server: net.Server,
  },
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
  /** Closed with the test. */
  track<Tracked extends net.Server | net.Socket>(tracked: Tracked): Tracked
  /** Where a Unix socket may be. */
  freePath(): string
  /** Both ends of a connection. */
  pair(options?: net.ServerOpts & { client?: net.SocketConstructorOpts }): Promise<BothEnds>
}

/**
 * Runs `check` with each kind.
 *
 * @param inNode - whether the `node:net` of the running Node has what is checked; hawser has it in any case
 */
export function bothKinds(
  t: Test,
  title: string,
  check: (t: Test, side: Side) => Promise<void>,
  { inNode = true }: { inNode?: boolean } = {},
): void {
  for (const kind of kinds) {
    if (inNode || kind.name !== 'net') t.test(`${title} (${kind.name})`, t => check(t, sideOf(t, kind)))
  }
}

/** Whether the running Node is at least the one of these releases that has its major version, or is of a later one. */
export function nodeSince(...releases: readonly string[]): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const since = releases.map(release => release.split('.').map(Number))
  const newest = Math.max(...since.map(([first = 0]) => first))
  return major > newest || since.some(([first, second = 0]) => first === major && minor >= second)
}

function sideOf(t: Test, kind: Kind): Side {
  const track = <Tracked extends net.Server | net.Socket>(tracked: Tracked): Tracked => {
    t.teardown(() => ('destroy' in tracked ? tracked.destroy() : tracked.close()))
    return tracked
  }
  const freePath = () => join(tmpdir(), `hawser-${kind.name}-${randomBytes(6).toString('hex')}.sock`)
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
  return { ...kind, listen, pair, track, freePath }
}
