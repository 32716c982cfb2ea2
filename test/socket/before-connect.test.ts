// What may be done with a socket before it is connected.

import { once } from 'node:events'
import t from 'tap'
import { Socket } from '../../lib/index.ts'
import { bothKinds } from '../support/both-kinds.ts'
import { eventLog, socketEvents } from '../support/event-log.ts'
import { listening } from '../support/loopback.ts'

bothKinds(t, 'what is written while connecting arrives in order', async (t, { listen, connect }) => {
  const { server, port } = await listen()
  const client = connect(port, '127.0.0.1')
  const written: string[] = []
  client.write('one ', () => written.push('one'))
  client.write(Buffer.from('two '), () => written.push('two'))
  client.end('three')
  t.equal(client.bytesWritten, 13)
  const [accepted] = await once(server, 'connection')
  t.equal((await accepted.setEncoding('utf8').toArray()).join(''), 'one two three')
  t.same(written, ['one', 'two'])
})

bothKinds(t, 'write on a socket that was never connected is ERR_SOCKET_CLOSED', async (t, { Socket }) => {
  const socket = new Socket()
  const log = eventLog(socket, socketEvents)
  const written = new Promise<NodeJS.ErrnoException>(resolve => socket.write('x', error => resolve(error!)))
  t.equal((await written).code, 'ERR_SOCKET_CLOSED')
  await new Promise(resolve => setImmediate(resolve))
  t.equal(log[0], 'error ERR_SOCKET_CLOSED')
  t.equal(socket.destroyed, true)
})

// Side by side only as far as Node 20: in later ones a `net.Socket` that was ended before never connects.
t.test('end before connect takes effect once the socket is connected', async t => {
  const { port } = await listening(t)
  const socket = new Socket()
  const log = eventLog(socket, socketEvents)
  socket.resume()
  socket.end()
  await new Promise(resolve => setImmediate(resolve))
  t.same(log, [])
  socket.connect(port, '127.0.0.1')
  await once(socket, 'close')
  t.same(log.slice(0, 2), ['connect', 'ready'])
  t.same(log.slice(2).sort(), ['close false', 'end', 'finish'])
})

bothKinds(t, 'destroy of a socket that was never connected emits close', async (t, { Socket }) => {
  const socket = new Socket()
  const closed = once(socket, 'close')
  t.equal(socket.destroy(), socket)
  await closed
  t.equal(socket.destroyed, true)
  t.equal(socket.readyState, 'closed')
})

bothKinds(t, 'resetAndDestroy of a socket that was never connected is ERR_SOCKET_CLOSED', async (t, { Socket }) => {
  const socket = new Socket()
  const log = eventLog(socket, ['error'])
  socket.resetAndDestroy()
  await new Promise(resolve => socket.once('close', resolve))
  t.same(log, ['error ERR_SOCKET_CLOSED'])
})

bothKinds(t, 'an encoding set before connect holds afterwards', async (t, { listen, Socket }) => {
  const { server, port } = await listen()
  server.on('connection', accepted => accepted.end('text'))
  const socket = new Socket()
  socket.setEncoding('utf8')
  socket.connect({ port, host: '127.0.0.1' })
  t.same(await socket.toArray(), ['text'])
})

bothKinds(t, 'a socket paused before connect delivers nothing until resume', async (t, { listen, Socket }) => {
  const { server, port } = await listen()
  server.on('connection', accepted => accepted.end('text'))
  const socket = new Socket()
  const log = eventLog(socket, ['data', 'end'])
  socket.pause()
  socket.connect({ port, host: '127.0.0.1' })
  await once(server, 'connection')
  await once(socket, 'connect')
  t.same(log, [])
  socket.resume()
  await once(socket, 'end')
  t.same(log, ['data', 'end'])
})

bothKinds(t, 'settings before connect are taken and return the socket', async (t, { listen, Socket }) => {
  const { port } = await listen()
  const socket = new Socket()
  t.equal(socket.setNoDelay(true), socket)
  t.equal(socket.setKeepAlive(true, 1_000), socket)
  t.equal(
    socket.setTimeout(0, () => {}),
    socket,
  )
  t.equal(socket.unref(), socket)
  t.equal(socket.ref(), socket)
  t.equal(socket.pause(), socket)
  t.equal(socket.resume(), socket)
  t.equal(
    socket.connect(port, '127.0.0.1', () => {}),
    socket,
  )
  await once(socket, 'connect')
  socket.destroy()
})
