// Statistics of a connection, and the event that brings them.

import { once } from 'node:events'
import t from 'tap'
import { Socket } from '../../lib/index.ts'
import { connected } from '../support/loopback.ts'

const config = { statsIntervals: [5, 50] }

t.test('stats is emitted every shortest interval, while listened to', async t => {
  const { client } = await connected(t, { config })
  const [stats] = await once(client, 'stats')
  t.match(stats, { unacked: Number, unconsumed: Number, sendSpace: Number, resendQueue: 0, receivedUnconsumed: 0 })
  t.equal(client.listenerCount('stats'), 0)
  await once(client, 'stats')
  t.pass('again for a second listener')
})

t.test('a listener from before connect hears it, also after removeAllListeners of others', async t => {
  const socket = new Socket({ config })
  t.match(socket.stats, { established: null, unacked: 0, sendSpace: 0 }, 'there is nothing to tell before')
  socket.removeAllListeners()
  const heard = once(socket, 'stats')
  const { port } = await connected(t)
  socket.connect(port, '127.0.0.1')
  await heard
  socket.removeAllListeners()
  const again = once(socket, 'stats')
  await again
  socket.terminate()
})

t.test('every way to listen counts', async t => {
  const { client } = await connected(t, { config })
  await new Promise<void>(resolve => client.once('stats', () => resolve()))
  await new Promise<void>(resolve => {
    const listener = () => {
      client.removeListener('stats', listener)
      resolve()
    }
    client.addListener('stats', listener)
  })
  const stop = new Promise<void>(resolve => {
    client.on('stats', function listener() {
      client.off('stats', listener)
      resolve()
    })
  })
  await stop
  t.equal(client.listenerCount('stats'), 0)
})

t.test('after close there are none any more, but the last values stay', async t => {
  const { client } = await connected(t, { config })
  client.on('stats', () => t.notOk(client.destroyed))
  await once(client, 'stats')
  client.destroy()
  await once(client, 'close')
  client.on('stats', () => t.fail('after close'))
  await new Promise(resolve => setTimeout(resolve, 20))
  t.type(client.stats.established, 'number')
})

t.test('without intervals there is no event', async t => {
  const { client } = await connected(t, { config: { statsIntervals: [] } })
  client.on('stats', () => t.fail('no interval'))
  t.type(client.stats.sendSpace, 'number')
})
