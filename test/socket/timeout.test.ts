// `setTimeout` and the event `timeout`.

import { once } from 'node:events'
import t, { type Test } from 'tap'
import { IdleTimer } from '../../lib/idle-timer.ts'
import { bothKinds } from '../support/both-kinds.ts'
import { connected } from '../support/loopback.ts'

/** The timers of sockets do not keep the process alive. */
function stayAlive(t: Test): void {
  const timer = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(timer))
}

bothKinds(t, 'a socket on which nothing moves emits timeout, and nothing else happens to it', async (t, { pair }) => {
  const { client } = await pair()
  const called = new Promise<void>(resolve => client.setTimeout(10, resolve))
  t.equal(client.timeout, 10)
  await called
  t.equal(client.destroyed, false)
  t.equal(client.listenerCount('timeout'), 0, 'the callback is called once')
})

bothKinds(t, 'after activity it may come again', async (t, { pair }) => {
  const { client } = await pair()
  client.setTimeout(10)
  await once(client, 'timeout')
  client.write('x')
  await once(client, 'timeout')
  t.pass('again')
})

bothKinds(t, 'a timeout comes also while connecting', async (t, { Socket }) => {
  stayAlive(t)
  const socket = new Socket()
  socket.setTimeout(10)
  await once(socket, 'timeout')
  t.equal(socket.pending, true)
})

bothKinds(t, 'zero stops it and takes the callback back', async (t, { Socket }) => {
  const socket = new Socket()
  const callback = () => t.fail('stopped')
  socket.setTimeout(1, callback)
  socket.setTimeout(0, callback)
  t.equal(socket.listenerCount('timeout'), 0)
  t.equal(socket.timeout, 0)
})

bothKinds(t, 'what is no time or no function is refused', async (t, { Socket }) => {
  const socket = new Socket()
  for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => socket.setTimeout(wrong), { code: 'ERR_OUT_OF_RANGE' }, String(wrong))
  }
  t.throws(() => socket.setTimeout('5' as unknown as number), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => socket.setTimeout(5, 'x' as unknown as () => void), { code: 'ERR_INVALID_ARG_TYPE' })
  socket.setTimeout(0)
})

bothKinds(t, 'setTimeout on a destroyed socket does nothing', async (t, { Socket }) => {
  const socket = new Socket()
  socket.destroy()
  t.equal(
    socket.setTimeout(1, () => t.fail('no')),
    socket,
  )
  await once(socket, 'close')
})

t.test('the option timeout of connect', async t => {
  const { client } = await connected(t, { timeout: 10 })
  await once(client, 'timeout')
  t.equal(client.timeout, 10)
})

t.test('pings and tests of links are no activity', async t => {
  const config = { link: { ping: { mode: 'periodic', interval: 5 } } } as const
  const { client } = await connected(t, { config, timeout: 40 })
  await once(client, 'timeout')
  t.ok((client.links[0]?.stats.bytesSent ?? 0) > 0)
})

t.test('a peer that reads nothing: timeout, for nothing gets on', async t => {
  const { client } = await connected(t, { timeout: 40 }, { config: { recvBuffer: 65_536 }, pauseOnConnect: true })
  client.write(Buffer.alloc(1_000_000))
  await once(client, 'timeout')
  t.ok(client.writableLength > 0)
})

t.test('a long write that gets on is activity although it calls back only at its end', async t => {
  stayAlive(t)
  let waiting = 300
  let idle = 0
  await new Promise<void>(resolve => {
    const timer = new IdleTimer(
      () => {
        idle++
        resolve()
      },
      () => {
        waiting = Math.max(0, waiting - 100)
        return waiting
      },
    )
    timer.set(5)
  })
  t.equal(idle, 1)
  t.equal(waiting, 0)
})

t.test('activity puts it off', async t => {
  let fired = false
  const timer = new IdleTimer(
    () => {
      fired = true
    },
    () => 0,
  )
  timer.set(2 ** 31)
  t.equal(timer.timeoutMs, 2 ** 31 - 1, 'longer than the longest timer of the system is that')
  timer.touch()
  timer.stop()
  timer.touch()
  t.equal(fired, false)
})
