// The timers of a connection: none is left when it is over, and a late one is not judged before what has long arrived.

import { once } from 'node:events'
import t, { type Test } from 'tap'
import { createServer, type Link, Socket } from '../lib/index.ts'
import { MessageType } from '../lib/protocol/messages.ts'
import { corePair } from './support/duplex-pairs.ts'
import { freezeTime } from './support/freeze-time.ts'
import { connected, working } from './support/loopback.ts'
import { randomId } from './support/raw-link.ts'
import { RawPeer } from './support/raw-peer.ts'
import { settled } from './transports/manual-clock.ts'

/** Keeps account of the timers that the library sets from here on; returns where each one came from that still runs. */
function watchTimers(t: Test): () => string[] {
  const running = new Map<unknown, string>()
  const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis
  const note = (timer: NodeJS.Timeout): NodeJS.Timeout => {
    const origin = new Error('timer').stack?.split('\n').find(line => /[/\\]lib[/\\]/.test(line))
    if (origin) running.set(timer, origin.trim())
    return timer
  }
  const clear = (timer: unknown): void => {
    running.delete(timer)
    clearTimeout(timer as NodeJS.Timeout)
  }
  const setWatched = (task: () => void, delayMs: number): NodeJS.Timeout => {
    const timer = setTimeout(() => {
      running.delete(timer)
      task()
    }, delayMs)
    return note(timer)
  }
  Object.assign(globalThis, {
    setTimeout: setWatched,
    setInterval: (task: () => void, delayMs: number) => note(setInterval(task, delayMs)),
    clearTimeout: clear,
    clearInterval: clear,
  })
  t.teardown(() => Object.assign(globalThis, { setTimeout, setInterval, clearTimeout, clearInterval }))
  return () => [...running.values()]
}

t.test('a connection that is over leaves no timer behind, not even one that lets the process go', async t => {
  const runningTimers = watchTimers(t)
  const server = createServer()
  const client = new Socket()
  const pair = corePair()
  const connection = once(server, 'connection') as Promise<[Socket]>
  await Promise.all([client.addLink(pair.client), server.addLink(pair.server)])
  const [accepted] = await connection
  await working(client)
  t.not(runningTimers().length, 0, 'the connection has some')

  await new Promise<void>(resolve => client.write('the last words', () => resolve()))
  client.destroy()
  t.equal(pair.client.destroyed, false, 'it lives on until the server has read them')
  let heard = ''
  for await (const chunk of accepted) heard += String(chunk)
  t.equal(heard, 'the last words')
  await Promise.all([pair.client, pair.server].map(end => end.destroyed || once(end, 'close')))
  const closed = once(server, 'close')
  server.close()
  await closed
  t.same(runningTimers(), [])
})

t.test('a link whose ack has come while the event loop was blocked is not given up', async t => {
  const link = { ackTimeoutMin: 300, ackTimeoutFactor: 1 }
  const { client, accepted } = await connected(t, { config: { link } })
  const [first] = (await working(client)) as readonly [Link]
  first.on('notworking', reason => t.fail(`the link was given up: ${reason}`))
  accepted.once('data', () => {
    // The ack is in the socket already. It stays there until the timer of the client has long been due.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
  })
  client.write('are you there?')
  await once(accepted, 'data')
  while (client.stats?.unacked !== 0) await new Promise(resolve => setImmediate(resolve))
  t.ok(first.working)
  t.equal(first.stats?.hangs, 0)
})

t.test('a loop that stands still between a late timer and the input after it gives a link the time that was lost', async t => {
  const clock = freezeTime(t)
  const server = createServer({ config: { link: { ackTimeoutMin: 1_000 } } })
  const pair = corePair()
  const peer = new RawPeer(pair.client)
  t.teardown(() => {
    pair.client.destroy()
    server.close()
  })
  const connection = once(server, 'connection') as Promise<[Socket]>
  const joined = server.addLink(pair.server)
  await peer.connect(await peer.next(MessageType.Welcome), randomId())
  await joined
  const [socket] = await connection
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  const link = socket.links[0] as Link
  link.on('notworking', reason => t.fail(`the link was given up: ${reason}`))
  await peer.next(MessageType.Ping)
  peer.send({ type: MessageType.Pong })
  while (!link.working) await settled()

  // Time that passes without a timer that fires.
  let lostMs = 0
  const { now } = performance
  performance.now = () => now() + lostMs
  const { setTimeout } = globalThis
  let stallMs: number | undefined
  globalThis.setTimeout = ((task: () => void, ms: number) =>
    setTimeout(() => {
      task()
      lostMs += stallMs ?? 0
      stallMs = undefined
    }, ms)) as typeof setTimeout
  t.teardown(() => Object.assign(globalThis, { setTimeout }))

  socket.write('are you there?')
  const { sequence } = await peer.next(MessageType.Data)
  await clock.advance(900)
  lostMs += 50 // so the timer that is due next is late
  stallMs = 5_000 // and before what waits for a round of input the loop stands still
  await clock.advance(110) // timers are set for whole ms, rounded up
  t.ok(lostMs > 5_000, 'it did')
  await clock.advance(500)
  peer.send({ type: MessageType.Ack, sequence })
  while (socket.stats?.unacked !== 0) await settled()
  t.ok(link.working)
  t.equal(link.stats?.hangs, 0)
})
