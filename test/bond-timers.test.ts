// The timers of a connection: none is left when it is over, and a late one is not judged before what has long arrived.

import { once } from 'node:events'
import t, { type Test } from 'tap'
import { createServer, type Link, Socket } from '../lib/index.ts'
import { corePair } from './support/duplex-pairs.ts'
import { connected, working } from './support/loopback.ts'

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
