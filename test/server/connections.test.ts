// What a server does with connections, and with too many of them.

import { once } from 'node:events'
import type { AddressInfo, Server as NetServer } from 'node:net'
import t from 'tap'
import type { DropInfo, Socket } from '../../lib/index.ts'
import { bothKinds } from '../support/both-kinds.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { eventLog, socketEvents } from '../support/event-log.ts'
import { connected, connecting, linked, listening } from '../support/loopback.ts'

const count = (server: NetServer) => new Promise<number>(resolve => server.getConnections((_error, count) => resolve(count)))

bothKinds(t, 'getConnections counts what is open', async (t, { listen, connect }) => {
  const { server, port } = await listen()
  t.equal(await count(server), 0)
  // One after the other, so that it is known whose the first one is.
  const first = connect(port, '127.0.0.1')
  const [accepted] = await once(server, 'connection')
  connect(port, '127.0.0.1')
  await once(server, 'connection')
  t.equal(await count(server), 2)
  accepted.resume()
  first.end()
  first.resume()
  await once(accepted, 'close')
  await new Promise(resolve => setImmediate(resolve))
  t.equal(await count(server), 1)
  t.equal(
    server.getConnections(() => {}),
    server,
  )
})

bothKinds(t, 'above maxConnections a client is accepted and ended at once, with event drop', async (t, { listen, connect }) => {
  const { server, port } = await listen()
  server.maxConnections = 1
  let connections = 0
  server.on('connection', () => connections++)
  const first = connect(port, '127.0.0.1')
  await once(server, 'connection')
  const dropped = once(server, 'drop')
  const second = connect(port, '127.0.0.1')
  const log = eventLog(second, socketEvents)
  second.resume()
  await once(second, 'close')
  t.same(log, ['connect', 'ready', 'end', 'finish', 'close false'])
  const [info] = await dropped
  t.match(info, {
    localAddress: '127.0.0.1',
    localPort: port,
    remoteAddress: '127.0.0.1',
    remotePort: Number,
    remoteFamily: 'IPv4',
  })
  t.equal(connections, 1)
  t.equal(await count(server), 1)
  t.equal(first.readyState, 'open')
})

bothKinds(t, 'maxConnections counts what is open, not what ever was', async (t, { listen, connect }) => {
  const { server, port } = await listen()
  server.maxConnections = 1
  server.on('drop', () => t.fail('there is room'))
  for (let turn = 0; turn < 3; turn++) {
    const client = connect(port, '127.0.0.1')
    const [accepted] = await once(server, 'connection')
    const closed = once(accepted, 'close')
    accepted.resume()
    client.destroy()
    await closed
    await new Promise(resolve => setImmediate(resolve))
  }
})

bothKinds(t, 'with pauseOnConnect a socket reads nothing until resume', async (t, { listen, connect }) => {
  const { server, port } = await listen({ pauseOnConnect: true })
  const client = connect(port, '127.0.0.1')
  client.write('early')
  const [accepted] = await once(server, 'connection')
  accepted.on('data', () => t.ok(resumed))
  let resumed = false
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  t.equal(accepted.bytesRead, 0)
  resumed = true
  accepted.resume()
  const [chunk] = await once(accepted, 'data')
  t.equal(String(chunk), 'early')
})

t.test('connections are the sockets that are open', async t => {
  const { server, client, accepted } = await connected(t)
  t.same(server.connections, [accepted])
  accepted.destroy()
  t.same(server.connections, [])
  client.resume()
  await once(client, 'close')
})

t.test('a dropped connection never is among them, and drop names its link', async t => {
  const { server, port } = await listening(t)
  server.maxConnections = 0
  server.on('connection', () => t.fail('all are dropped'))
  const dropped = once(server, 'drop') as Promise<[DropInfo]>
  const client = connecting(t, { port })
  client.resume()
  await once(client, 'close')
  t.match((await dropped)[0].tag, /^TCP lo/)
  t.equal(server.connections.length, 0)
})

t.test('links that arrive at the same time make one connection', async t => {
  const { server } = await listening(t, { authorize: async () => new Promise(resolve => setImmediate(resolve, true)) })
  const pairs = Array.from({ length: 8 }, () => corePair())
  const sockets: Socket[] = []
  server.on('connection', socket => sockets.push(socket))
  const incoming = Promise.all(pairs.map(pair => server.addLink(pair.server)))
  const client = connecting(t, { links: pairs.map(pair => pair.client) })
  await linked(client, 8)
  await incoming
  t.equal(sockets.length, 1)
  t.equal(sockets[0]?.links.length, 8)
})

t.test('connections that begin at the same time stay apart', async t => {
  const { server, port } = await listening(t)
  server.on('connection', accepted => accepted.pipe(accepted))
  const clients = Array.from({ length: 10 }, () => connecting(t, { port }))
  const heard = await Promise.all(
    clients.map((client, index) => {
      client.end(`number ${index}`)
      return client.toArray()
    }),
  )
  t.same(
    heard.map(chunks => chunks.join('')),
    clients.map((_, index) => `number ${index}`),
  )
})

t.test('options of the server hold for its sockets', async t => {
  const { accepted } = await connected(t, {}, { allowHalfOpen: true, highWaterMark: 1_000, config: { chunkSize: 500 } })
  t.match(accepted, { allowHalfOpen: true, writableHighWaterMark: 1_000 })
})

t.test('a block list keeps its addresses out', async t => {
  const { BlockList } = await import('node:net')
  const blockList = new BlockList()
  blockList.addAddress('127.0.0.1')
  const { server, port } = await listening(t, { blockList })
  server.on('connection', () => t.fail('blocked'))
  const client = connecting(t, { port })
  await t.rejects(once(client, 'connect'))
  t.ok((server.address() as AddressInfo).port)
})
