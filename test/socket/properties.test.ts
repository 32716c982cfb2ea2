// What a socket tells about itself, before, during and after a connection.

import { once } from 'node:events'
import { Socket as NetSocket } from 'node:net'
import { Duplex } from 'node:stream'
import t from 'tap'
import { Socket } from '../../lib/index.ts'
import { bothKinds } from '../support/both-kinds.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { connected } from '../support/loopback.ts'

bothKinds(t, 'states of a socket that connects, is connected, and closed', async (t, { listen, connect, Socket }) => {
  const { port } = await listen()
  const fresh = new Socket()
  t.match(fresh, { readyState: 'open', pending: true, connecting: false, destroyed: false, closed: false })
  const client = connect(port, '127.0.0.1')
  t.match(client, { readyState: 'opening', pending: true, connecting: true })
  await once(client, 'connect')
  t.match(client, { readyState: 'open', pending: false, connecting: false, readable: true, writable: true })
  client.destroy()
  t.match(client, { readyState: 'closed', pending: true, connecting: false, destroyed: true, readable: false, writable: false })
  await once(client, 'close')
  t.equal(client.closed, true)
})

bothKinds(t, 'counts of bytes, during the connection and after it', async (t, { pair }) => {
  const { client, accepted } = await pair()
  t.match(client, { bytesRead: 0, bytesWritten: 0, bufferSize: 0 })
  const closed = Promise.all([once(client, 'close'), once(accepted, 'close')])
  accepted.on('data', () => t.equal(accepted.bytesRead, 5))
  client.resume()
  client.write('grün')
  t.equal(client.bytesWritten, 5)
  client.write('')
  await once(accepted, 'data')
  accepted.end('and back')
  await closed
  t.match(client, { bytesRead: 8, bytesWritten: 5 })
  t.match(accepted, { bytesRead: 5, bytesWritten: 8 })
})

bothKinds(t, 'bytesWritten counts what waits, in bytes', async (t, { listen, connect }) => {
  const { port } = await listen()
  const client = connect(port, '127.0.0.1')
  client.write('ü')
  client.write('üü')
  client.write(Buffer.alloc(10))
  t.equal(client.bytesWritten, 16)
  await once(client, 'connect')
  t.equal(client.bytesWritten, 16)
  client.destroy()
})

bothKinds(t, 'addresses of both ends', async (t, { pair }) => {
  const { client, accepted } = await pair()
  t.match(client, { remoteAddress: '127.0.0.1', remoteFamily: 'IPv4', localAddress: '127.0.0.1', localFamily: 'IPv4' })
  t.equal(client.localPort, accepted.remotePort)
  t.equal(client.remotePort, accepted.localPort)
  t.same(client.address(), { address: '127.0.0.1', family: 'IPv4', port: client.localPort })
})

t.test('addresses stay after the connection, also when the link that had them is long gone', async t => {
  const { client, accepted, server } = await connected(t)
  const pair = corePair()
  const second = server.addLink(pair.server)
  await client.addLink(pair.client)
  await second
  const addresses = () => [client.remoteAddress, client.remotePort, client.localPort, accepted.remotePort]
  const before = addresses()
  await client.links[0]?.disconnect()
  t.same(addresses(), before)
  client.destroy()
  await once(client, 'close')
  t.same(addresses(), before)
  t.same(client.address(), { address: '127.0.0.1', family: 'IPv4', port: before[2] })
})

bothKinds(t, 'a socket that was never connected has no addresses', async (t, { Socket }) => {
  const socket = new Socket()
  t.same(socket.address(), {})
  t.match(socket, { remoteAddress: undefined, remotePort: undefined, localAddress: undefined, timeout: undefined })
})

bothKinds(t, 'allowHalfOpen is as given', async (t, { pair }) => {
  const { client, accepted } = await pair({ allowHalfOpen: true })
  t.equal(accepted.allowHalfOpen, true)
  t.equal(client.allowHalfOpen, false)
})

t.test('a socket is a Duplex, but no net.Socket: TLS takes one of those without a handle for one not connected', async t => {
  const socket = new Socket()
  t.ok(socket instanceof Duplex)
  t.notOk(socket instanceof NetSocket)
})

t.test('the high water mark is 131,072 bytes, or as given, for both directions', async t => {
  t.match(new Socket(), { writableHighWaterMark: 131_072, readableHighWaterMark: 131_072 })
  t.match(new Socket({ highWaterMark: 5 }), { writableHighWaterMark: 5, readableHighWaterMark: 5 })
  const { accepted } = await connected(t, {}, { highWaterMark: 7 })
  t.match(accepted, { writableHighWaterMark: 7, readableHighWaterMark: 7 })
})

t.test('both ends know the id of the connection, and the server that has it', async t => {
  const { client, accepted, server } = await connected(t)
  t.match(client.id, /^[0-9a-f]{32}$/)
  t.equal(accepted.id, client.id)
  t.equal(accepted.server, server)
  t.equal(client.server, null)
  t.equal(new Socket().id, undefined)
})

t.test('others may keep what they like on a socket, as http does', async t => {
  const { accepted } = await connected(t)
  const server = { mine: true }
  Object.assign(accepted, { server, parser: null, _httpMessage: null, _paused: false })
  t.equal(accepted.server as unknown, server)
  accepted.destroy()
  await once(accepted, 'close')
})

t.test('options of TCP reach the sockets of all links, now and later', async t => {
  const calls: string[] = []
  const recording = (name: string) => {
    const pair = corePair()
    Object.assign(pair.client, {
      setNoDelay: (on: boolean) => calls.push(`${name} noDelay ${on}`),
      setKeepAlive: (on: boolean, ms: number) => calls.push(`${name} keepAlive ${on} ${ms}`),
    })
    return pair
  }
  const { client, server } = await connected(t)
  const join = async (pair: ReturnType<typeof corePair>) =>
    Promise.all([server.addLink(pair.server), client.addLink(pair.client)])
  await join(recording('first'))
  t.same(calls, [])
  client.setNoDelay()
  client.setKeepAlive(true, 1_000)
  t.same(calls, ['first noDelay true', 'first noDelay true', 'first keepAlive true 1000'])
  calls.length = 0
  await join(recording('second'))
  t.same(calls, ['second noDelay true', 'second keepAlive true 1000'])
})

t.test('a link that throws when an option is set is no worse for it', async t => {
  const { client, server } = await connected(t)
  const pair = corePair()
  Object.assign(pair.client, {
    setNoDelay: () => {
      throw new Error('not here')
    },
  })
  client.setNoDelay(false)
  await Promise.all([server.addLink(pair.server), client.addLink(pair.client)])
  t.equal(client.links.length, 2)
})
