// A service behind hawser: what comes over a bonded connection goes on to its port, as a tunnel's far end does. Clients
// reach it over two paths, one of which is cut in the middle of each test.

import { once } from 'node:events'
import { type AddressInfo, createServer as createNetServer, connect as netConnect } from 'node:net'
import { pipeline } from 'node:stream'
import type { Test } from 'tap'
import { connect, createServer, type Server, type Socket } from '../../lib/index.ts'
import { linked } from '../support/loopback.ts'
import { type TwoPaths, twoPaths } from '../support/two-paths.ts'

export interface BondedService extends TwoPaths {
  readonly server: Server
  /** Cuts one of two links of every connection, for good. */
  cutOne(): Promise<void>
}

/** Takes connections over hawser, with `onConnection` or as a way to `port` of this machine. */
export async function bondedService(t: Test, target: number | ((socket: Socket) => void)): Promise<BondedService> {
  const onConnection = typeof target === 'function' ? target : (socket: Socket) => passOn(socket, target)
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const paths = await twoPaths(t, (server.address() as AddressInfo).port)
  // Before the paths are gone: what a client has closed must come to its end by itself.
  t.teardown(async () => {
    const closed = once(server, 'close')
    server.close()
    await closed
  })
  const cutOne = async () => {
    const { connections } = server
    t.ok(connections.length > 0, 'there is a bonded connection to cut a link of')
    await Promise.all(connections.map(socket => linked(socket, 2)))
    const lost = connections.map(socket => once(socket, 'linkclose'))
    paths.relays[0].close()
    await Promise.all(lost)
  }
  return { server, ...paths, cutOne }
}

/** A port of this machine that leads over bonded connections: for clients that take no socket of their own. */
export async function localForward(t: Test, { bond }: TwoPaths): Promise<number> {
  const forward = createNetServer({ allowHalfOpen: true, noDelay: true }, near =>
    join(near, connect({ ...bond, allowHalfOpen: true })),
  )
  t.teardown(() => forward.close())
  forward.listen(0, '127.0.0.1')
  await once(forward, 'listening')
  return (forward.address() as AddressInfo).port
}

function passOn(socket: Socket, port: number): void {
  join(socket, netConnect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }))
}

function join(one: NodeJS.ReadWriteStream, other: NodeJS.ReadWriteStream): void {
  pipeline(one, other, () => {})
  pipeline(other, one, () => {})
}
