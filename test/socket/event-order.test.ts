// The events of a socket and their order, as `node:net` has them.

import { once } from 'node:events'
import t from 'tap'
import { bothKinds } from '../support/both-kinds.ts'
import { eventLog, socketEvents } from '../support/event-log.ts'

bothKinds(
  t,
  'a connection that both sides end: connect, ready, finish, end, close without error',
  async (t, { listen, connect }) => {
    const { server, port } = await listen()
    server.on('connection', accepted => {
      accepted.resume()
      accepted.on('end', () => accepted.end('bye'))
    })
    const client = connect(port, '127.0.0.1')
    const log = eventLog(client, [...socketEvents, 'data'])
    client.end('hello')
    await once(client, 'close')
    t.same(log, ['connect', 'ready', 'finish', 'data', 'end', 'close false'])
  },
)

bothKinds(t, 'the side that is ended: end, finish, close without error', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const log = eventLog(accepted, socketEvents)
  accepted.resume()
  client.end()
  client.resume()
  await once(accepted, 'close')
  t.same(log, ['end', 'finish', 'close false'])
})

bothKinds(t, 'destroy with an error: error, close with error', async (t, { pair }) => {
  const { client } = await pair()
  const log = eventLog(client, socketEvents)
  client.destroy(Object.assign(new Error('enough'), { code: 'ENOUGH' }))
  t.equal(client.destroyed, true)
  t.same(log, [], 'nothing synchronously')
  await new Promise(resolve => client.once('close', resolve))
  t.same(log, ['error ENOUGH', 'close true'])
})

bothKinds(t, 'destroy twice, also in a listener of close: one close', async (t, { pair }) => {
  const { client } = await pair()
  const log = eventLog(client, socketEvents)
  client.on('close', () => client.destroy())
  client.destroy()
  client.destroy(new Error('too late'))
  await once(client, 'close')
  await new Promise(resolve => setImmediate(resolve))
  t.same(log, ['close false'])
})

bothKinds(t, 'destroy in a listener of connect: ready, close', async (t, { listen, connect }) => {
  const { port } = await listen()
  const client = connect(port, '127.0.0.1')
  const log = eventLog(client, socketEvents)
  client.on('connect', () => client.destroy())
  await once(client, 'close')
  t.same(log, ['connect', 'ready', 'close false'])
})

bothKinds(t, 'end and data that are on their way when the socket connects come after connect', async (t, { listen, connect }) => {
  const { server, port } = await listen()
  server.on('connection', accepted => accepted.end('early'))
  const client = connect(port, '127.0.0.1')
  const log = eventLog(client, [...socketEvents, 'data'])
  await once(client, 'close')
  t.same(log, ['connect', 'ready', 'data', 'end', 'finish', 'close false'])
})

bothKinds(t, 'a socket that nobody reads emits end when there is nothing to read', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const log = eventLog(accepted, socketEvents)
  client.end()
  await once(accepted, 'close')
  t.same(log, ['end', 'finish', 'close false'])
})

bothKinds(t, 'a socket with something to read emits end only once that has been read', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const log = eventLog(accepted, socketEvents)
  client.end('unread')
  await once(accepted, 'readable')
  t.same(log, [])
  t.equal(String(accepted.read()), 'unread')
  await once(accepted, 'close')
  t.same(log, ['end', 'finish', 'close false'])
})

bothKinds(t, 'drain follows a write that returned false, once everything is written', async (t, { pair }) => {
  const { client, accepted } = await pair()
  accepted.resume()
  const log = eventLog(client, ['drain', 'close'])
  t.equal(client.write(Buffer.alloc(8_388_608)), false)
  await once(client, 'drain')
  t.equal(client.writableLength, 0)
  t.same(log, ['drain'])
})

bothKinds(t, 'what a write callback is told comes in the order of the writes, and before finish', async (t, { pair }) => {
  const { client, accepted } = await pair()
  accepted.resume()
  const order: string[] = []
  client.on('finish', () => order.push('finish'))
  client.write('a', () => order.push('a'))
  client.write('b', () => order.push('b'))
  client.end('c', () => order.push('end'))
  await once(client, 'close')
  t.same(order, ['a', 'b', 'end', 'finish'])
})
