// Attack A40 of the threat model: SOCKS proxies that answer wrong, without end or not at all. The client reaches one link
// through such a proxy, as the package `socks` makes it, and another directly, which must not notice.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket as TcpSocket } from 'node:net'
import { SocksClient } from 'socks'
import t, { type Test } from 'tap'
import type { HawserError } from '../../lib/index.ts'
import { tcpConnector } from '../../lib/tcp.ts'
import { connecting, listening, working } from '../support/loopback.ts'
import { Honest } from './honest.ts'

const NO_AUTHENTICATION = [5, 0]
/** Granted, bound to 0.0.0.0:0. */
const GRANTED = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]
const FLOOD_BYTES = 32 * 1_048_576
const TIMEOUT_MS = 300

/** A proxy that does to each client what the test says. */
async function proxy(t: Test, onClient: (socket: TcpSocket) => unknown): Promise<number> {
  const sockets = new Set<TcpSocket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    onClient(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

/** Writes as long as it is taken, so many bytes at most; resolves with how many were. */
function flood(socket: TcpSocket, byte: number): Promise<number> {
  const chunk = Buffer.alloc(65_536, byte)
  return new Promise(resolve => {
    const more = () => {
      while (socket.bytesWritten < FLOOD_BYTES && !socket.destroyed) if (!socket.write(chunk)) return
      resolve(socket.bytesWritten)
    }
    socket.on('drain', more)
    socket.once('close', () => resolve(socket.bytesWritten))
    more()
  })
}

interface Attack {
  readonly name: string
  /** Once the client has spoken so often. */
  readonly answer: (socket: TcpSocket, turn: number) => unknown
  readonly error: Partial<HawserError> | { readonly message: RegExp }
}

const attacks: readonly Attack[] = [
  { name: 'says nothing', answer: () => {}, error: { message: /timed out/ } },
  {
    name: 'says nothing after the greeting',
    answer: (socket, turn) => turn === 1 && socket.write(Buffer.from(NO_AUTHENTICATION)),
    error: { message: /timed out/ },
  },
  {
    name: 'answers byte by byte, and never in full',
    answer: (socket, turn) => socket.write(Buffer.from(turn === 1 ? NO_AUTHENTICATION : [5, 0, 0, 3, 255])),
    error: { message: /timed out/ },
  },
  { name: 'answers with garbage', answer: socket => socket.write('HTTP/1.1 400'), error: { message: /Socks/i } },
  { name: 'answers without end', answer: socket => flood(socket, 0xff), error: { message: /Socks/i } },
  {
    name: 'answers the request without end',
    answer: (socket, turn) => (turn === 1 ? socket.write(Buffer.from(NO_AUTHENTICATION)) : flood(socket, 0)),
    error: { message: /Socks/i },
  },
  {
    name: 'sends without end what no server would say',
    answer: (socket, turn) => {
      if (turn === 1) return socket.write(Buffer.from(NO_AUTHENTICATION))
      if (turn === 2) socket.write(Buffer.from(GRANTED))
      return flood(socket, 0xff)
    },
    error: { code: 'EPROTO' },
  },
  {
    name: 'closes once it has granted',
    answer: (socket, turn) => (turn === 1 ? socket.write(Buffer.from(NO_AUTHENTICATION)) : socket.end(Buffer.from(GRANTED))),
    error: { code: 'ECONNRESET' },
  },
]

for (const { name, answer, error } of attacks) {
  t.test(`A40 a proxy that ${name} costs one link, in time, and no other`, async t => {
    const { server, port } = await listening(t)
    server.on('connection', socket => {
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    const honest = await Honest.connect(port)
    t.teardown(() => honest.close())
    const proxyPort = await proxy(t, socket => {
      let turn = 0
      socket.on('data', () => answer(socket, ++turn))
    })
    const viaProxy = SocksClient.createConnection({
      proxy: { host: '127.0.0.1', port: proxyPort, type: 5 },
      command: 'connect',
      destination: { host: '127.0.0.1', port },
      timeout: TIMEOUT_MS,
    }).then(({ socket }) => socket)
    const client = connecting(t, {
      transports: [tcpConnector({ host: '127.0.0.1', port, linkFilter: 'none' })],
      links: [viaProxy],
    })
    const linkError = once(client, 'linkerror') as Promise<[HawserError]>
    client.on('error', failed => t.fail(`the connection failed: ${failed.message}`))
    await honest.during(
      (async () => {
        await working(client)
        t.match((await linkError)[0], error)
        client.write('still there?')
        t.equal(String((await once(client, 'data'))[0]), 'still there?')
      })(),
    )
    t.equal(client.links.length, 1)
    t.same(honest.noticed, [])
  })
}

t.test('A40 the answers of a proxy are read no further than the link can take', async t => {
  const { port } = await listening(t)
  let sentBytes: Promise<number> | undefined
  const proxyPort = await proxy(t, socket => {
    socket.once('data', () => {
      sentBytes = flood(socket, 0xff)
    })
  })
  const failed = SocksClient.createConnection({
    proxy: { host: '127.0.0.1', port: proxyPort, type: 5 },
    command: 'connect',
    destination: { host: '127.0.0.1', port },
    timeout: TIMEOUT_MS,
  }).then(({ socket }) => socket)
  const client = connecting(t, { links: [failed] })
  client.on('connect', () => t.fail('connected through a proxy that granted nothing'))
  const [error] = await once(client, 'error')
  t.ok(error instanceof Error)
  t.ok(((await sentBytes) as number) < FLOOD_BYTES, 'the proxy was left before it had sent everything')
})
