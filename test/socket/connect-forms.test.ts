// All the ways to say where to connect.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type ConnectTransport, connect, createConnection, Socket } from '../../lib/index.ts'
import { tcpAcceptor, tcpConnector } from '../../lib/tcp.ts'
import { bothKinds } from '../support/both-kinds.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { connecting, freePort, linked, listening } from '../support/loopback.ts'

bothKinds(t, 'port and listener, without a host: localhost', async (t, { createServer, connect }) => {
  const server = createServer({}, accepted => accepted.end()).listen(0)
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const client = await new Promise<ReturnType<typeof connect>>(resolve => {
    const client = connect({ port }, () => resolve(client))
  })
  t.equal(client.remotePort, port)
  client.resume()
  await once(client, 'close')
})

bothKinds(t, 'port as text, host, listener', async (t, { listen, Socket }) => {
  const { port } = await listen()
  const client = new Socket()
  await new Promise<void>(resolve => {
    t.equal(client.connect(`${port}` as unknown as number, '127.0.0.1', resolve), client)
  })
  t.equal(client.remoteAddress, '127.0.0.1')
  client.destroy()
})

bothKinds(t, 'options and listener, called once', async (t, { listen, connect }) => {
  const { port } = await listen()
  let calls = 0
  const client = connect({ port, host: '127.0.0.1' }, () => {
    calls++
  })
  await once(client, 'ready')
  t.equal(calls, 1)
  t.equal(client.listenerCount('connect'), 0)
  client.destroy()
})

bothKinds(t, 'a Unix socket, as text and as option', async (t, { createServer, connect, name }) => {
  const path = join(tmpdir(), `hawser-connect-${name}-${process.pid}.sock`)
  const server = createServer({}, accepted => accepted.end('over a path')).listen(path)
  t.teardown(() => server.close())
  await once(server, 'listening')
  t.equal(server.address(), path)
  t.equal((await connect(path).toArray()).join(''), 'over a path')
  t.equal((await connect({ path }).toArray()).join(''), 'over a path')
})

bothKinds(t, 'a name is looked up with the given function', async (t, { listen, connect }) => {
  const { port } = await listen()
  const asked: string[] = []
  const client = connect({
    port,
    host: 'some.name',
    lookup: (name, options, callback) => {
      asked.push(name)
      if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }])
      else callback(null, '127.0.0.1', 4)
    },
  })
  await once(client, 'connect')
  t.equal(asked[0], 'some.name')
  client.destroy()
})

bothKinds(t, 'local address and family', async (t, { listen, connect }) => {
  const { server, port } = await listen()
  const client = connect({ port, host: 'localhost', family: 4, localAddress: '127.0.0.1' })
  const [accepted] = await once(server, 'connection')
  t.equal(accepted.remoteAddress, '127.0.0.1')
  t.equal(accepted.remoteFamily, 'IPv4')
  client.destroy()
})

t.test('createConnection is connect', async t => {
  t.equal(createConnection, connect)
})

t.test('several hosts: one that answers is enough, the others are told', async t => {
  const { port } = await listening(t)
  const client = connecting(t, { port, host: ['nobody.invalid', '127.0.0.1', `127.0.0.1:${await freePort()}`] })
  const refused = once(client, 'linkerror')
  await once(client, 'connect')
  t.equal(client.remotePort, port)
  t.match(await refused, [{ code: 'ECONNREFUSED' }])
})

t.test('several addresses that all answer are several links of one connection', async t => {
  const { server, port } = await listening(t)
  const second = tcpAcceptor({ host: '127.0.0.1' })
  await server.addTransport(second).ready
  const { port: secondPort } = second.address() as AddressInfo
  const connection = once(server, 'connection')
  const hosts = [`127.0.0.1:${port}`, `127.0.0.1:${secondPort}`]
  const client = connecting(t, { transports: [tcpConnector({ hosts, linkFilter: 'none' })] })
  const tags = (await linked(client, 2)).map(({ tag }) => String(tag)).sort()
  t.match(tags.join(), `127.0.0.1:${port}`)
  t.match(tags.join(), `127.0.0.1:${secondPort}`)
  const [accepted] = (await connection) as [Socket]
  t.equal(accepted.id, client.id)
  t.equal(server.connections.length, 1)
})

t.test('several addresses that lead over the same pair of interfaces make one link, for more would be no faster', async t => {
  const { server, port } = await listening(t)
  const second = tcpAcceptor({ host: '127.0.0.1' })
  await server.addTransport(second).ready
  const { port: secondPort } = second.address() as AddressInfo
  const client = connecting(t, { host: [`127.0.0.1:${port}`, `127.0.0.1:${secondPort}`], port })
  const [error] = await once(client, 'linkerror')
  t.match(error, { code: 'ECONNREFUSED', reason: 'link-refused' })
  if (client.connecting) await once(client, 'connect')
  t.equal(client.links.length, 1)
  t.equal(client.destroyed, false)
})

t.test('transports instead of a port', async t => {
  const { port } = await listening(t)
  const client = connecting(t, { transports: [tcpConnector({ host: '127.0.0.1', port, linkFilter: 'none' })] })
  await once(client, 'connect')
  t.match(String(client.links[0]?.tag), `127.0.0.1:${port}`)
})

t.test('links that are there and links that are promised', async t => {
  const { server } = await listening(t)
  const [first, second] = [corePair(), corePair()]
  const incoming = Promise.all([server.addLink(first.server), server.addLink(second.server)])
  const client = connecting(t, { links: [first.client, Promise.resolve(second.client)] })
  await linked(client, 2)
  t.equal((await incoming).length, 2)
  t.equal(server.connections.length, 1)
  t.equal(client.remoteAddress, undefined, 'such links have no addresses')
  t.same(client.address(), {})
})

t.test('links beside a port', async t => {
  const { server, port } = await listening(t)
  const pair = corePair()
  const incoming = server.addLink(pair.server, { tag: 'by hand' })
  const client = connecting(t, { port, links: [pair.client] })
  await linked(client, 2)
  t.equal(String((await incoming).tag), 'by hand')
})

t.test('a socket made with configuration connects with port and host like any other', async t => {
  const { port } = await listening(t)
  const socket = new Socket({ config: { chunkSize: 1_000 }, reconnectDelay: 50 })
  t.teardown(() => socket.terminate())
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  t.equal(socket.connecting, false)
})

t.test('addLink on a socket that is not connected starts a connection over that link', async t => {
  const { server } = await listening(t)
  const pair = corePair()
  const socket = new Socket()
  t.teardown(() => socket.terminate())
  const connection = once(server, 'connection')
  const incoming = server.addLink(pair.server)
  const outgoing = socket.addLink(pair.client, { tag: 'the first', userData: Buffer.from('who I am') })
  t.equal(socket.connecting, true)
  const link = await outgoing
  t.equal(String(link.tag), 'the first')
  t.equal(link.direction, 'outgoing')
  t.equal(link.stream, pair.client)
  t.equal(Buffer.from((await incoming).remoteUserData).toString(), 'who I am')
  await connection
  t.equal(socket.connecting, false)
})

t.test('a link that cannot be had from a transport does not matter while another joins', async t => {
  const { port } = await listening(t)
  const broken: ConnectTransport = {
    name: 'broken',
    // biome-ignore lint/correctness/useYield: it fails before it knows anything
    async *tags() {
      throw new Error('no idea')
    },
    connect: () => Promise.reject(new Error('never')),
  }
  const client = connecting(t, { transports: [broken, tcpConnector({ host: '127.0.0.1', port })] })
  const told = new Promise<[Error, unknown]>(resolve => client.once('linkerror', (error, tag) => resolve([error, tag])))
  await once(client, 'connect')
  const [error, tag] = await told
  t.equal(error.message, 'no idea')
  t.equal(tag, undefined)
})

t.test('a socket made with transports connects over them, to whatever address connect is called with', async t => {
  const { server, port } = await listening(t)
  const socket = new Socket({ transports: [tcpConnector({ hosts: ['127.0.0.1'], port })] })
  t.teardown(() => socket.destroy())
  socket.connect(5432, 'db.example')
  await Promise.all([once(server, 'connection'), once(socket, 'connect')])
  t.equal(socket.remotePort, port)
})

t.test('a socket made with links connects over them once', async t => {
  const { server } = await listening(t)
  const pair = corePair()
  const socket = new Socket({ links: [pair.client] })
  t.teardown(() => socket.destroy())
  socket.connect(await freePort(), '127.0.0.1')
  await Promise.all([server.addLink(pair.server), once(socket, 'connect')])
  socket.destroy()
  await once(socket, 'close')
  socket.connect(await freePort(), '127.0.0.1')
  t.match(await once(socket, 'error'), [{ code: 'ECONNREFUSED' }])
})
