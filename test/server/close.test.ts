// How a server ends.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { connect, createServer } from '../../lib/index.ts'
import { bothKinds } from '../support/both-kinds.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { eventLog } from '../support/event-log.ts'
import { connected, connecting, linked, listening } from '../support/loopback.ts'
import { Relay } from '../support/relay.ts'

bothKinds(t, 'close waits for the connections, which live on', async (t, { pair, name }) => {
  const { client, accepted } = await pair()
  t.equal(name, name)
  const server = (accepted as unknown as { server: ReturnType<typeof createServer> }).server
  const log = eventLog(server, ['close'])
  let called = false
  const closed = new Promise<void>(resolve => {
    server.close(error => {
      t.equal(error, undefined)
      called = true
      resolve()
    })
  })
  t.equal(server.listening, false)
  accepted.pipe(accepted)
  client.write('still here')
  const [heard] = await once(client, 'data')
  t.equal(String(heard), 'still here')
  t.equal(called, false)
  client.end()
  await closed
  t.equal(log.length, 1)
})

bothKinds(t, 'a server without connections closes soon, but not at once', async (t, { listen }) => {
  const { server } = await listen()
  let synchronous = true
  const closed = new Promise<void>(resolve => {
    server.close(() => {
      t.equal(synchronous, false)
      resolve()
    })
  })
  synchronous = false
  await closed
})

bothKinds(
  t,
  'close of a server that does not run is ERR_SERVER_NOT_RUNNING for the callback',
  async (t, { createServer, listen }) => {
    const server = createServer({})
    const error = await new Promise<Error | undefined>(resolve => server.close(resolve))
    t.match(error, { code: 'ERR_SERVER_NOT_RUNNING', message: 'Server is not running.' })
    const { server: other } = await listen()
    const results = await Promise.all([1, 2].map(() => new Promise<Error | undefined>(resolve => other.close(resolve))))
    t.equal(results[0], undefined)
    t.match(results[1], { code: 'ERR_SERVER_NOT_RUNNING' })
  },
)

bothKinds(t, 'nothing new is accepted after close', async (t, { listen, connect }) => {
  const { server, port } = await listen()
  server.on('connection', () => t.fail('closed'))
  server.close()
  const client = connect(port, '127.0.0.1')
  const error = await new Promise<NodeJS.ErrnoException>(resolve => client.once('error', resolve))
  t.equal(error.code, 'ECONNREFUSED')
})

bothKinds(t, 'asyncDispose closes the server and waits for it', async (t, { createServer, listen }) => {
  const { server } = await listen()
  const closed = eventLog(server, ['close'])
  await server[Symbol.asyncDispose]()
  t.equal(closed.length, 1)
  t.equal(server.listening, false)
  await createServer({})[Symbol.asyncDispose]()
})

t.test('close ends handshakes under way; their streams are closed', async t => {
  const { server } = await listening(t)
  const pair = corePair()
  const added = server.addLink(pair.server)
  const closed = once(pair.server, 'close')
  server.close()
  await t.rejects(added, { code: 'ECONNABORTED' })
  await closed
})

t.test('a link that is being decided about when the server closes is refused', async t => {
  let asked = () => {}
  const question = new Promise<void>(resolve => {
    asked = resolve
  })
  const authorize = () => {
    asked()
    return new Promise<boolean>(() => {}) // never answers
  }
  const { server } = await listening(t, { authorize })
  server.on('connection', () => t.fail('closed'))
  const pair = corePair()
  const added = server.addLink(pair.server)
  const client = connecting(t, { links: [pair.client] })
  const failed = new Promise<Error>(resolve => client.once('error', resolve))
  await question
  const closed = once(server, 'close')
  server.close()
  await t.rejects(added, { code: 'ECONNREFUSED', reason: 'not-listening' })
  t.match(await failed, { code: 'ECONNREFUSED', reason: 'not-listening' })
  await closed
})

t.test('a server that closed takes no links by hand either, until it listens again', async t => {
  const { server } = await listening(t)
  server.close()
  await once(server, 'close')
  const pair = corePair()
  const refused = server.addLink(pair.server)
  const client = connecting(t, { links: [pair.client] })
  await t.rejects(once(client, 'connect'), { code: 'ECONNREFUSED', reason: 'not-listening' })
  await t.rejects(refused)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const again = connecting(t, { port: (server.address() as AddressInfo).port })
  await once(again, 'connect')
})

t.test('links of a live connection may still be added by hand after close', async t => {
  const { server, client } = await connected(t)
  server.close()
  const pair = corePair()
  const [link] = await Promise.all([server.addLink(pair.server), client.addLink(pair.client)])
  t.equal(link.direction, 'incoming')
  await linked(client, 2)
})

t.test('a server fed by hand only closes like another', async t => {
  const server = createServer()
  const pair = corePair()
  const added = server.addLink(pair.server)
  const client = connect({ links: [pair.client] })
  await added
  const closed = new Promise<Error | undefined>(resolve => server.close(resolve))
  client.destroy()
  for (const socket of server.connections) socket.destroy()
  t.equal(await closed, undefined)
})

t.test('close comes after the last bytes of sockets that are destroyed already', async t => {
  const { server, client, accepted } = await connected(t, { config: { recvBuffer: 65_536 } })
  const log = eventLog(server, ['close'])
  client.pause()
  accepted.end(Buffer.alloc(500_000))
  accepted.destroy()
  server.close()
  await once(accepted, 'close')
  t.same(log, [])
  t.equal(server.connections.length, 0)
  const closed = once(server, 'close')
  t.equal(Buffer.concat(await client.toArray()).length, 500_000)
  await closed
})

t.test('a connection whose client vanished keeps close waiting for noLinkTimeout at most', async t => {
  const { server, port } = await listening(t, { config: { noLinkTimeout: 1_000 } })
  const relay = await Relay.start(t, port)
  const client = connecting(t, { port: relay.port })
  const [accepted] = await once(server, 'connection')
  const failed = new Promise<Error>(resolve => accepted.once('error', resolve))
  await linked(client)
  client.on('error', () => {})
  server.close()
  const closed = once(server, 'close')
  relay.close()
  t.match(await failed, { code: 'ETIMEDOUT' })
  await closed
})
