// The documented properties of net.Socket, the same assertions for both kinds.

import { once } from 'node:events'
import type { LookupFunction, Socket } from 'node:net'
import t from 'tap'
import { bothKinds } from '../support/both-kinds.ts'

const twoAddresses: LookupFunction = (_name, { all }, callback) => {
  const addresses = ['127.0.0.2', '127.0.0.1'].map(address => ({ address, family: 4 }))
  if (all) process.nextTick(callback, null, addresses)
  else process.nextTick(callback, null, '127.0.0.1', 4)
}

bothKinds(t, 'socket.autoSelectFamilyAttemptedAddresses, if several: the one connected to comes last', async (t, side) => {
  const { listen, connect, track } = side
  const { port } = await listen()
  const client = track(connect({ port, host: 'some.name', lookup: twoAddresses, autoSelectFamily: true }))
  await once(client, 'connect')
  t.same(client.autoSelectFamilyAttemptedAddresses, [`127.0.0.2:${port}`, `127.0.0.1:${port}`])
})

bothKinds(t, 'socket.autoSelectFamilyAttemptedAddresses, not there without several', async (t, { listen, connect, track }) => {
  const { port } = await listen()
  const single = track(connect({ port, host: '127.0.0.1' }))
  const first = track(connect({ port, host: 'some.name', lookup: twoAddresses, autoSelectFamily: false }))
  await Promise.all([once(single, 'connect'), once(first, 'connect')])
  t.equal(single.autoSelectFamilyAttemptedAddresses, undefined)
  t.equal(first.autoSelectFamilyAttemptedAddresses, undefined)
})

bothKinds(t, 'socket.bufferSize, what waits to be sent', async (t, { listen, connect, track }) => {
  const { port } = await listen()
  const client = track(connect(port, '127.0.0.1'))
  t.equal(client.bufferSize, 0)
  client.write(Buffer.alloc(1_000))
  client.write(Buffer.alloc(500))
  t.equal(client.bufferSize, client.writableLength)
  t.ok(client.bufferSize >= 500)
  const [first] = await once(client, 'ready').then(() => [client.bufferSize])
  t.ok((first as number) <= 1_500)
})

bothKinds(t, 'socket.bytesRead, also after the end', async (t, { pair }) => {
  const { client, accepted } = await pair()
  t.equal(client.bytesRead, 0)
  accepted.end('grün')
  client.resume()
  await once(client, 'close')
  t.equal(client.bytesRead, 5)
})

bothKinds(t, 'socket.bytesWritten, what waits included, also after the end', async (t, { listen, connect, track }) => {
  const { server, port } = await listen()
  server.on('connection', accepted => accepted.resume())
  const client = track(connect(port, '127.0.0.1'))
  client.write('grün')
  client.write('e100', 'hex')
  t.equal(client.bytesWritten, 7)
  client.resume()
  client.end()
  await once(client, 'close')
  t.equal(client.bytesWritten, 7)
})

bothKinds(t, 'socket.connecting', async (t, { listen, connect, Socket, track }) => {
  const { port } = await listen()
  t.equal(new Socket().connecting, false)
  const client = track(connect(port, '127.0.0.1'))
  t.equal(client.connecting, true)
  client.on('connect', () => t.equal(client.connecting, false))
  await once(client, 'connect')
})

bothKinds(t, 'socket.destroyed', async (t, { pair }) => {
  const { client } = await pair()
  t.equal(client.destroyed, false)
  client.destroy()
  t.equal(client.destroyed, true)
})

bothKinds(t, 'socket.localAddress, socket.localPort, socket.localFamily', async (t, { pair }) => {
  const { client, accepted } = await pair()
  t.match(client, { localAddress: '127.0.0.1', localPort: accepted.remotePort, localFamily: 'IPv4' })
  t.match(accepted, { localAddress: '127.0.0.1', localPort: client.remotePort, localFamily: 'IPv4' })
})

bothKinds(t, 'socket.remoteAddress, socket.remotePort, socket.remoteFamily, not while connecting', async (t, side) => {
  const { listen, connect, track } = side
  const { port } = await listen()
  const client = track(connect(port, '127.0.0.1'))
  t.match(client, { remoteAddress: undefined, remotePort: undefined, remoteFamily: undefined })
  await once(client, 'connect')
  t.match(client, { remoteAddress: '127.0.0.1', remotePort: port, remoteFamily: 'IPv4' })
})

bothKinds(t, 'socket.remoteAddress and the others, over IPv6', async (t, { createServer, connect, track }) => {
  const server = track(createServer({}, accepted => accepted.resume()))
  server.listen(0, '::1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const client = track(connect(port, '::1'))
  await once(client, 'connect')
  t.match(client, { remoteAddress: '::1', remotePort: port, remoteFamily: 'IPv6', localAddress: '::1', localFamily: 'IPv6' })
})

bothKinds(
  t,
  'socket.remoteAddress and the others, over a Unix socket: none',
  async (t, { createServer, connect, track, freePath }) => {
    const path = freePath()
    const server = track(createServer({}))
    server.listen(path)
    await once(server, 'listening')
    const connection = once(server, 'connection') as Promise<[Socket]>
    const client = track(connect(path))
    await once(client, 'connect')
    const none = { remoteAddress: undefined, remotePort: undefined, remoteFamily: undefined, localAddress: undefined }
    const [accepted] = await connection
    t.match(client, none)
    t.match(accepted, none)
    t.same(client.address(), {})
    accepted.destroy()
  },
)

bothKinds(t, 'socket.pending', async (t, { listen, connect, Socket, track }) => {
  const { port } = await listen()
  t.equal(new Socket().pending, true)
  const client = track(connect(port, '127.0.0.1'))
  t.equal(client.pending, true)
  await once(client, 'connect')
  t.equal(client.pending, false)
  client.destroy()
  t.equal(client.pending, true)
})

bothKinds(t, 'socket.server, of accepted sockets only', async (t, { listen, connect, track }) => {
  const { server, port } = await listen()
  const client = track(connect(port, '127.0.0.1'))
  const [accepted] = await once(server, 'connection')
  t.equal(accepted.server, server)
  t.equal((client as { server?: unknown }).server, null)
})

bothKinds(t, 'socket.timeout, as set', async (t, { Socket }) => {
  const socket = new Socket()
  t.equal(socket.timeout, undefined)
  socket.setTimeout(1_000)
  t.equal(socket.timeout, 1_000)
  socket.setTimeout(0)
  t.equal(socket.timeout, 0)
})

bothKinds(t, 'socket.readyState', async (t, { listen, connect, track }) => {
  const { server, port } = await listen({ allowHalfOpen: true })
  const client = track(connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
  const connection = once(server, 'connection') as Promise<[Socket]>
  t.equal(client.readyState, 'opening')
  await once(client, 'connect')
  t.equal(client.readyState, 'open')
  client.end()
  await once(client, 'finish')
  t.equal(client.readyState, 'readOnly')
  const [accepted] = await connection
  accepted.resume()
  if (!accepted.readableEnded) await once(accepted, 'end')
  t.equal(accepted.readyState, 'writeOnly')
  accepted.end()
  client.resume()
  await once(client, 'close')
  t.equal(client.readyState, 'closed')
})
