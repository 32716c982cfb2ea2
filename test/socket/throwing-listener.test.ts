// What a listener throws is an uncaught exception, as with any emitter; it must not tear the connection in half.

import { once } from 'node:events'
import t, { type Test } from 'tap'
import { connecting, listening } from '../support/loopback.ts'

/** Takes the next exception that nobody catches. */
function uncaught(t: Test): Promise<Error> {
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  t.teardown(() => {
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
  })
  return new Promise(resolve => process.once('uncaughtException', resolve))
}

const socketEvents = ['connect', 'ready', 'link', 'data'] as const
for (const event of socketEvents) {
  t.test(`a listener of ${event} that throws`, async t => {
    const { server, port } = await listening(t)
    const thrown = uncaught(t)
    server.on('connection', accepted => accepted.pipe(accepted))
    const client = connecting(t, { port })
    client.once(event, () => {
      throw new Error('mistake of the application')
    })
    client.end('hello')
    t.equal((await thrown).message, 'mistake of the application')
    let heard = ''
    client.on('data', chunk => {
      heard += chunk
    })
    if (!client.readableEnded) await once(client, 'end')
    t.equal(heard, event === 'data' ? '' : 'hello')
  })
}

for (const event of ['connection', 'link'] as const) {
  t.test(`a listener of ${event} at the server that throws`, async t => {
    const { server, port } = await listening(t)
    const thrown = uncaught(t)
    server.on('connection', accepted => accepted.end('hello'))
    server.once(event, () => {
      throw new Error('mistake of the application')
    })
    server.on('linkerror', error => t.fail(error.message))
    const client = connecting(t, { port })
    t.equal((await client.toArray()).join(''), 'hello')
    t.equal((await thrown).message, 'mistake of the application')
  })
}

t.test('a listener of linkerror that throws', async t => {
  const { server, port } = await listening(t, { linkFilter: () => false })
  const thrown = uncaught(t)
  server.once('linkerror', () => {
    throw new Error('mistake of the application')
  })
  const client = connecting(t, { port })
  await t.rejects(once(client, 'connect'), { code: 'ECONNREFUSED' })
  t.equal((await thrown).message, 'mistake of the application')
})
