// The documented methods of net.Socket but for connect, the same assertions for both kinds.

import { once } from 'node:events'
import type { Socket as NetSocket } from 'node:net'
import t from 'tap'
import type { Socket } from '../../lib/index.ts'
import { bothKinds, nodeSince } from '../support/both-kinds.ts'
import { eventLog, socketEvents } from '../support/event-log.ts'

/** With what the types of the oldest Node do not have; hawser has it with every Node. */
const newest = (socket: NetSocket) => socket as unknown as Socket

const text = async (socket: NetSocket): Promise<string> => (await socket.toArray()).join('')

bothKinds(t, 'socket.address()', async (t, { pair, Socket }) => {
  t.same(new Socket().address(), {})
  const { client, accepted } = await pair()
  t.same(client.address(), { address: '127.0.0.1', family: 'IPv4', port: accepted.remotePort })
})

bothKinds(t, 'socket.destroy([error]): nothing goes on, once, the socket itself is returned', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const log = eventLog(client, socketEvents)
  client.on('data', () => t.fail('destroyed'))
  accepted.on('error', () => {})
  accepted.write('not read')
  t.equal(client.destroy(), client)
  t.equal(client.destroy(new Error('too late')), client)
  await once(client, 'close')
  t.same(log, ['close false'])
})

bothKinds(t, 'socket.destroy([error]): the error is emitted', async (t, { pair }) => {
  const { client } = await pair()
  const error = new Error('mine')
  const failed = new Promise(resolve => client.once('error', resolve))
  client.destroy(error)
  t.equal(await failed, error)
  t.equal(client.errored, error)
})

bothKinds(t, 'socket.destroy([error]) of a socket that was never connected', async (t, { Socket }) => {
  const socket = new Socket()
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.destroy()
  t.notOk(await closed)
})

bothKinds(t, 'socket.destroySoon(): after all that was written', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const heard = text(accepted)
  const log = eventLog(client, ['finish', 'close'])
  client.write(Buffer.alloc(300_000, 'x'))
  client.destroySoon()
  t.equal(client.writableEnded, true)
  t.equal((await heard).length, 300_000)
  if (!client.closed) await once(client, 'close')
  t.same(log, ['finish', 'close false'])
})

bothKinds(t, 'socket.end([data[, encoding]][, callback])', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const heard = text(accepted)
  await new Promise<void>(resolve => {
    t.equal(client.end('7a7a', 'hex', resolve), client)
  })
  t.match(client, { writable: false, writableFinished: true })
  t.equal(await heard, 'zz')
})

bothKinds(t, 'socket.end() before connect: what was written arrives', async (t, { listen, connect, track }) => {
  const { server, port } = await listen()
  const heard = once(server, 'connection').then(([accepted]) => text(accepted))
  const client = track(connect(port, '127.0.0.1'))
  client.write('early ')
  client.end('bird')
  t.equal(await heard, 'early bird')
})

bothKinds(t, 'socket.pause(), socket.resume()', async (t, { pair }) => {
  const { client, accepted } = await pair()
  client.on('data', chunk => {
    t.equal(client.isPaused(), false)
    heard += chunk
  })
  let heard = ''
  t.equal(client.pause(), client)
  accepted.end('quiet')
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  t.equal(heard, '')
  t.equal(client.resume(), client)
  await once(client, 'end')
  t.equal(heard, 'quiet')
})

bothKinds(t, 'socket.ref(), socket.unref(): the socket itself is returned, at any time', async (t, { pair, Socket }) => {
  const { client } = await pair()
  for (const socket of [client, new Socket()]) {
    t.equal(socket.unref(), socket)
    t.equal(socket.unref(), socket)
    t.equal(socket.ref(), socket)
  }
  client.destroy()
  t.equal(client.ref(), client)
})

bothKinds(t, 'socket.resetAndDestroy(): the other side gets ECONNRESET', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const log = eventLog(client, socketEvents)
  const closed = new Promise(resolve => client.once('close', resolve))
  const failed = new Promise(resolve => accepted.once('error', resolve))
  accepted.resume()
  t.equal(client.resetAndDestroy(), client)
  t.equal(client.destroyed, true)
  t.match(await failed, { code: 'ECONNRESET', syscall: 'read' })
  await closed
  t.same(log, ['close false'])
})

bothKinds(t, 'socket.resetAndDestroy() while connecting waits for the connection', async (t, { listen, connect }) => {
  const { server, port } = await listen()
  const connection = once(server, 'connection') as Promise<[NetSocket]>
  const client = connect(port, '127.0.0.1')
  const closed = new Promise(resolve => client.once('close', resolve))
  client.resetAndDestroy()
  t.equal(client.destroyed, false)
  const [accepted] = await connection
  accepted.resume()
  t.match(await new Promise(resolve => accepted.once('error', resolve)), { code: 'ECONNRESET' })
  t.equal(await closed, false)
})

bothKinds(t, 'socket.resetAndDestroy() without a connection is ERR_SOCKET_CLOSED', async (t, { Socket }) => {
  const socket = new Socket()
  const failed = new Promise(resolve => socket.once('error', resolve))
  t.equal(socket.resetAndDestroy(), socket)
  t.match(await failed, { code: 'ERR_SOCKET_CLOSED' })
})

bothKinds(t, 'socket.setEncoding([encoding]): characters are never cut', async (t, { pair }) => {
  const { client, accepted } = await pair()
  t.equal(client.setEncoding('utf8'), client)
  const bytes = Buffer.from('€')
  const heard = text(client)
  accepted.write(bytes.subarray(0, 1))
  accepted.end(bytes.subarray(1))
  t.equal(await heard, '€')
})

bothKinds(t, 'socket.setKeepAlive([enable][, initialDelay][, interval][, count])', async (t, { pair, Socket }) => {
  const { client } = await pair()
  for (const socket of [new Socket(), client]) {
    t.equal(socket.setKeepAlive(), socket)
    t.equal(socket.setKeepAlive(true), socket)
    t.equal(socket.setKeepAlive(true, 5_000), socket)
    t.equal(newest(socket).setKeepAlive(true, 5_000, 2_000, 3) as unknown, socket)
    t.equal(socket.setKeepAlive(false), socket)
  }
})

bothKinds(
  t,
  'socket.setKeepAlive([options])',
  async (t, { pair, Socket }) => {
    const { client } = await pair()
    for (const socket of [newest(new Socket()), newest(client)]) {
      t.equal(socket.setKeepAlive({ enable: true, initialDelay: 5_000, interval: 2_000, count: 3 }), socket)
      t.equal(socket.setKeepAlive({}), socket)
    }
  },
  { inNode: nodeSince('24.19', '26.4') },
)

bothKinds(t, 'socket.setNoDelay([noDelay])', async (t, { pair, Socket }) => {
  const { client } = await pair()
  for (const socket of [new Socket(), client]) {
    t.equal(socket.setNoDelay(), socket)
    t.equal(socket.setNoDelay(false), socket)
  }
})

bothKinds(t, 'socket.setTimeout(timeout[, callback]): after that time without activity, callback once', async (t, { pair }) => {
  const { client, accepted } = await pair()
  let calls = 0
  client.setTimeout(10, () => calls++)
  await once(client, 'timeout')
  accepted.write('x')
  await once(client, 'data')
  await once(client, 'timeout')
  t.equal(calls, 1)
})

bothKinds(t, 'socket.setTimeout(timeout[, callback]): 0 ends it, and takes the callback away', async (t, { Socket }) => {
  const socket = new Socket()
  const callback = () => {}
  t.equal(socket.setTimeout(1_000, callback), socket)
  t.equal(socket.listenerCount('timeout'), 1)
  socket.setTimeout(0, callback)
  t.equal(socket.listenerCount('timeout'), 0)
})

bothKinds(t, 'socket.setTimeout(timeout[, callback]): what makes no sense is thrown', async (t, { Socket }) => {
  const socket = new Socket()
  t.throws(() => socket.setTimeout('1' as unknown as number), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => socket.setTimeout(-1), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => socket.setTimeout(Number.POSITIVE_INFINITY), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => socket.setTimeout(1, 'x' as unknown as () => void), { code: 'ERR_INVALID_ARG_TYPE' })
  socket.setTimeout(0)
})

bothKinds(
  t,
  'socket.getTypeOfService(), socket.setTypeOfService(tos)',
  async (t, { pair, Socket }) => {
    const { client } = await pair()
    for (const socket of [newest(new Socket()), newest(client)]) {
      t.equal(socket.getTypeOfService(), 0)
      t.equal(socket.setTypeOfService(0x10), socket)
      t.equal(socket.getTypeOfService(), 0x10)
      for (const wrong of [-1, 256, 1.5]) t.throws(() => socket.setTypeOfService(wrong), { code: 'ERR_OUT_OF_RANGE' })
      for (const wrong of [undefined, '8', Number.NaN]) {
        t.throws(() => socket.setTypeOfService(wrong as number), { code: 'ERR_INVALID_ARG_TYPE' }, String(wrong))
      }
      t.equal(socket.getTypeOfService(), 0x10)
    }
  },
  { inNode: nodeSince('24.15', '25.6') },
)

bothKinds(
  t,
  'socket.write(data[, encoding][, callback]): strings in their encoding, Buffers, Uint8Arrays',
  async (t, { pair }) => {
    const { client, accepted } = await pair()
    const heard = text(accepted)
    const order: string[] = []
    t.equal(
      client.write('grün ', () => order.push('first')),
      true,
    )
    client.write('NDIg', 'base64', () => order.push('second'))
    client.write(Buffer.from('and '), () => order.push('third'))
    client.write(new Uint8Array([0x37]))
    client.end()
    t.equal(await heard, 'grün 42 and 7')
    t.same(order, ['first', 'second', 'third'])
  },
)

bothKinds(t, 'socket.write(data[, encoding][, callback]): what is neither text nor bytes is thrown', async (t, { pair }) => {
  const { client } = await pair()
  for (const wrong of [5, {}, true, undefined]) {
    t.throws(() => client.write(wrong as unknown as string), { code: 'ERR_INVALID_ARG_TYPE' }, String(wrong))
  }
  t.throws(() => client.write(null as unknown as string), { code: 'ERR_STREAM_NULL_VALUES' })
})

bothKinds(t, 'socket.write(data[, encoding][, callback]) after destroy tells the callback', async (t, { pair }) => {
  const { client } = await pair()
  client.destroy()
  const error = await new Promise(resolve => client.write('x', resolve))
  t.match(error, { code: 'ERR_STREAM_DESTROYED' })
})

bothKinds(t, 'socket.write(data[, encoding][, callback]) after the other side ended is EPIPE', async (t, { pair }) => {
  const { client, accepted } = await pair()
  client.resume()
  accepted.end()
  await once(client, 'finish')
  const error = await new Promise(resolve => client.write('x', resolve))
  t.match(error, { code: 'EPIPE', message: 'This socket has been ended by the other party' })
})

bothKinds(t, 'socket[Symbol.asyncDispose]() destroys', async (t, { pair }) => {
  const { client } = await pair()
  await client[Symbol.asyncDispose]()
  t.equal(client.destroyed, true)
})
