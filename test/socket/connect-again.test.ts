// A socket that is closed may connect again, as a `net.Socket` may.

import { once } from 'node:events'
import t from 'tap'
import { Socket } from '../../lib/index.ts'
import { bothKinds } from '../support/both-kinds.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { eventLog, socketEvents } from '../support/event-log.ts'
import { connected, listening } from '../support/loopback.ts'

bothKinds(t, 'a second connection works like the first', async (t, { listen, Socket }) => {
  const { server, port } = await listen()
  server.on('connection', accepted => accepted.pipe(accepted))
  const socket = new Socket()
  for (const text of ['first time', 'second', 'third and last']) {
    const log = eventLog(socket, socketEvents)
    let heard = ''
    socket.on('data', chunk => {
      heard += chunk
    })
    socket.connect(port, '127.0.0.1')
    t.equal(socket.readyState, 'opening')
    t.equal(socket.destroyed, false)
    socket.end(text)
    await once(socket, 'close')
    t.equal(heard, text)
    t.same(log.slice(0, 2), ['connect', 'ready'])
    t.same(log.slice(2).sort(), ['close false', 'end', 'finish'])
    t.equal(socket.bytesWritten, text.length, 'counts begin anew')
    t.equal(socket.readyState, 'closed')
    socket.removeAllListeners()
  }
})

bothKinds(t, 'connect in the listener of close', async (t, { listen, Socket }) => {
  const { server, port } = await listen()
  let connections = 0
  server.on('connection', accepted => {
    connections++
    accepted.end(`${connections}`)
  })
  const socket = new Socket()
  let heard = ''
  socket.on('data', chunk => {
    heard += chunk
  })
  socket.once('close', () => socket.connect(port, '127.0.0.1'))
  socket.connect(port, '127.0.0.1')
  await once(socket, 'close')
  await once(socket, 'close')
  t.equal(heard, '12')
})

bothKinds(t, 'connect after a refused attempt', async (t, { listen, Socket }) => {
  const { server, port } = await listen()
  await new Promise<void>(resolve => {
    server.close(() => resolve())
  })
  const socket = new Socket()
  const failed = new Promise<NodeJS.ErrnoException>(resolve => socket.once('error', resolve))
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.connect(port, '127.0.0.1')
  t.equal((await failed).code, 'ECONNREFUSED')
  await closed
  const second = await listen()
  second.server.on('connection', accepted => accepted.end())
  socket.connect(second.port, '127.0.0.1')
  socket.resume()
  const [hadError] = await once(socket, 'close')
  t.equal(hadError, false)
})

t.test('each connection has an id of its own', async t => {
  const { client, port } = await connected(t)
  const first = client.id
  client.destroy()
  await once(client, 'close')
  t.equal(client.id, first)
  client.connect(port, '127.0.0.1')
  t.not(client.id, first)
  t.equal(client.remoteAddress, undefined, 'the old addresses are gone')
  await once(client, 'connect')
  t.equal(client.remotePort, port)
  t.equal(client.links.length, 1)
})

t.test('a connection that lingers after destroy does not disturb the next one', async t => {
  const { server, port } = await listening(t, { config: { recvBuffer: 65_536 }, pauseOnConnect: true })
  const socket = new Socket()
  t.teardown(() => socket.terminate())
  const first = once(server, 'connection') as Promise<[Socket]>
  socket.connect(port, '127.0.0.1')
  socket.write(Buffer.alloc(200_000)) // more than the other side takes, and all of it handed to the bond
  const [slow] = await first
  socket.destroy()
  await once(socket, 'close')
  const second = once(server, 'connection') as Promise<[Socket]>
  socket.connect(port, '127.0.0.1')
  const log = eventLog(socket, [...socketEvents, 'linkclose', 'linkerror'])
  const [accepted] = await second
  const received = slow.toArray()
  t.equal(Buffer.concat(await received).length, 200_000, 'what the first one took over arrives')
  accepted.resume()
  accepted.end('to the second')
  t.equal((await socket.toArray()).join(''), 'to the second')
  if (!socket.closed) await once(socket, 'close')
  t.notOk(log.includes('linkclose') && log.indexOf('linkclose') < log.indexOf('end'), 'no event of the first connection')
})

t.test('options of a later connect hold for it', async t => {
  const { client, port } = await connected(t)
  client.destroy()
  await once(client, 'close')
  client.connect({ port, host: '127.0.0.1', timeout: 10, config: { chunkSize: 1_000, link: { maxPing: 5_000 } } })
  await once(client, 'timeout')
  if (client.connecting) await once(client, 'link')
  t.equal(client.links[0]?.config.maxPing, 5_000)
})

t.test('connect before close of the last connection was emitted: that close still comes, then connect', async t => {
  const { client, port } = await connected(t)
  const log = eventLog(client, socketEvents)
  client.destroy()
  client.connect(port, '127.0.0.1')
  await once(client, 'ready')
  t.same(log, ['close false', 'connect', 'ready'])
  t.equal(client.readyState, 'open')
})

t.test('addLink after close is refused, and the stream, which belongs to the connection, destroyed', async t => {
  const { client } = await connected(t)
  client.destroy()
  await once(client, 'close')
  const pair = corePair()
  await t.rejects(client.addLink(pair.client), { code: 'ERR_SOCKET_CLOSED' })
  t.equal(pair.client.destroyed, true)
})

t.test('the socket of a server may be used to connect once it is closed', async t => {
  const { accepted, port, server } = await connected(t)
  accepted.destroy()
  await once(accepted, 'close')
  const next = once(server, 'connection')
  accepted.connect(port, '127.0.0.1')
  await Promise.all([next, once(accepted, 'connect')])
  t.equal(accepted.server, null)
  accepted.terminate()
})
