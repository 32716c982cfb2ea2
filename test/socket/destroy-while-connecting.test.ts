// A socket destroyed before it is connected: no connection without links stays behind at the server.

import { once } from 'node:events'
import { createServer as createNetServer, type Socket as NetSocket } from 'node:net'
import t from 'tap'
import { type Server, Socket } from '../../lib/index.ts'
import { bothKinds } from '../support/both-kinds.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { eventLog, socketEvents } from '../support/event-log.ts'
import { connecting, listening } from '../support/loopback.ts'

bothKinds(t, 'destroy at once emits nothing but close', async (t, { listen, connect }) => {
  const { port } = await listen()
  const client = connect(port, '127.0.0.1')
  const log = eventLog(client, socketEvents)
  client.destroy()
  t.equal(client.connecting, false)
  t.equal(client.pending, true)
  t.equal(client.readyState, 'closed')
  await once(client, 'close')
  t.same(log, ['close false'])
})

bothKinds(t, 'what was to be written is told so', async (t, { listen, connect }) => {
  const { port } = await listen()
  const client = connect(port, '127.0.0.1')
  const codes: (string | undefined)[] = []
  const first = new Promise<void>(resolve => {
    client.write('x', error => {
      codes.push((error as NodeJS.ErrnoException)?.code)
      resolve()
    })
  })
  client.destroy()
  await first
  t.same(codes, ['ERR_SOCKET_CLOSED_BEFORE_CONNECTION'])
})

/** Every connection that the server was told of, and the end of all. */
function connectionsOf(server: Server): Socket[] {
  const sockets: Socket[] = []
  server.on('connection', socket => {
    sockets.push(socket)
    socket.resume()
  })
  return sockets
}

async function closed(server: Server): Promise<void> {
  await new Promise<void>(resolve => server.close(() => resolve()))
}

t.test('destroy before the stream of the link is there: the stream is closed, the server hears nothing', async t => {
  const { server } = await listening(t)
  const pair = corePair()
  let give = (_stream: typeof pair.client) => {}
  const late = new Promise<typeof pair.client>(resolve => {
    give = resolve
  })
  const client = connecting(t, { links: [late] })
  client.destroy()
  await once(client, 'close')
  give(pair.client)
  if (!pair.client.destroyed) await once(pair.client, 'close')
  t.equal(pair.client.destroyed, true)
  t.equal(server.connections.length, 0)
})

t.test('destroy before Connect went out: the server hears of a link only', async t => {
  const { server, port } = await listening(t)
  const sockets = connectionsOf(server)
  const failed = once(server, 'linkerror')
  // Holds back the Welcome of the server.
  const gate = createNetServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  t.teardown(() => gate.close())
  await once(gate, 'listening')
  const client = connecting(t, { port: (gate.address() as { port: number }).port })
  const [near] = (await once(gate, 'connection')) as [NetSocket]
  const far = (await import('node:net')).connect(port, '127.0.0.1')
  near.pipe(far)
  near.on('error', () => {})
  far.on('error', () => {})
  await once(far, 'data')
  client.destroy()
  await once(near, 'close')
  far.destroy()
  await failed
  t.equal(sockets.length, 0)
  await closed(server)
})

t.test('destroy while Accepted is on its way: the server gets a connection that ends at once in good order', async t => {
  const { server } = await listening(t, { authorize: () => decision })
  let decide = (_yes: boolean) => {}
  const decision = new Promise<boolean>(resolve => {
    decide = resolve
  })
  const sockets = connectionsOf(server)
  const connection = once(server, 'connection')
  const pair = corePair()
  const serverLink = server.addLink(pair.server)
  const client = new Socket()
  const clientLink = client.addLink(pair.client)
  client.write('written before')
  await new Promise<void>(resolve => {
    pair.server.on('data', () => resolve()) // Connect is there
  })
  client.destroy()
  await once(client, 'close')
  decide(true)
  await Promise.all([serverLink, clientLink])
  await connection
  const [accepted] = sockets as [Socket]
  const log = eventLog(accepted, [...socketEvents, 'data'])
  await once(accepted, 'close')
  t.same(log, ['data', 'end', 'finish', 'close false'])
  await closed(server)
})

t.test('terminate while Accepted is on its way: the server gets a connection that is reset at once', async t => {
  const { server } = await listening(t, { authorize: () => decision })
  let decide = (_yes: boolean) => {}
  const decision = new Promise<boolean>(resolve => {
    decide = resolve
  })
  const pair = corePair()
  const connection = once(server, 'connection')
  const serverLink = server.addLink(pair.server)
  const client = new Socket()
  const clientLink = client.addLink(pair.client)
  await new Promise<void>(resolve => {
    pair.server.on('data', () => resolve())
  })
  client.terminate()
  await once(client, 'close')
  decide(true)
  await t.rejects(clientLink, { code: 'ECONNABORTED' })
  await serverLink
  const [accepted] = (await connection) as [Socket]
  const log = eventLog(accepted, socketEvents)
  await new Promise(resolve => accepted.once('close', resolve))
  t.same(log, ['error ECONNRESET', 'close true'])
  await closed(server)
})

t.test('destroyed at any moment of its connecting, a socket leaves nothing behind at the server', async t => {
  const { server, port } = await listening(t)
  connectionsOf(server)
  for (let turns = 0; turns < 20; turns++) {
    const client = connecting(t, { port })
    client.write('x')
    for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
    client.destroy()
    await once(client, 'close')
  }
  await closed(server)
  t.equal(server.connections.length, 0)
})
