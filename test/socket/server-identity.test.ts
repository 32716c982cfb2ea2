// A connection stays with the server that it began with: another one that answers on a path, a rogue or one that was
// started anew, gets nothing.

import { once } from 'node:events'
import t from 'tap'
import { createServer, type Server, type Socket } from '../../lib/index.ts'
import { tcpConnector } from '../../lib/tcp.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { connecting, linked, listening } from '../support/loopback.ts'
import { Relay } from '../support/relay.ts'

/** Nothing of the connection must reach it. */
function isRogue(t: { fail(message: string): unknown }, server: Server): void {
  server.on('connection', () => t.fail('the rogue server got a connection'))
}

/** An `authorize` that leaves the answer to the test. */
function question() {
  let ask: (answer: (yes: boolean) => void) => void
  const asked = new Promise<(yes: boolean) => void>(resolve => {
    ask = resolve
  })
  return { asked, authorize: () => new Promise<boolean>(resolve => ask(resolve)) }
}

t.test('another server on one of two paths: only that path is lost, and its server hears nothing of the connection', async t => {
  const [honest, rogue] = [await listening(t), await listening(t)]
  isRogue(t, rogue.server)
  const client = connecting(t, { port: honest.port })
  const [accepted] = await once(honest.server, 'connection')
  await linked(client)
  const pair = corePair()
  const told = once(rogue.server, 'linkerror')
  const incoming = rogue.server.addLink(pair.server)
  await t.rejects(client.addLink(pair.client), { code: 'ECONNRESET', reason: 'server-id-mismatch' })
  await t.rejects(incoming)
  await told
  client.end('for the honest one')
  t.equal((await accepted.toArray()).join(''), 'for the honest one')
})

t.test('two servers answer at the same time: the first to accept has the connection, the other loses its ghost', async t => {
  const [asked, askedToo] = [question(), question()]
  const [first, second] = [await listening(t, asked), await listening(t, askedToo)]
  const [one, two] = [corePair(), corePair()]
  const incoming = [first.server.addLink(one.server), second.server.addLink(two.server)]
  const ghost = new Promise<Error>(resolve => {
    second.server.on('connection', socket => socket.once('error', resolve))
  })
  const client = connecting(t, { links: [one.client, two.client] })
  client.on('error', error => t.fail(error.message))
  const told = once(client, 'linkerror')
  const [answer, answerToo] = await Promise.all([asked.asked, askedToo.asked])
  answer(true)
  await once(client, 'connect')
  answerToo(true)
  t.match(await told, [{ reason: 'server-id-mismatch' }])
  t.match(await ghost, { code: 'ECONNRESET', reason: 'terminated' })
  await Promise.all(incoming)
  t.equal(client.links.length, 1)
  t.equal(client.readyState, 'open')
})

t.test('a server that was started anew: ECONNRESET, for the connection cannot go on', async t => {
  const { server, port } = await listening(t)
  const relay = await Relay.start(t, port)
  const client = connecting(t, { port: relay.port, reconnectDelay: 10 })
  const [accepted] = await once(server, 'connection')
  accepted.on('error', () => {})
  await linked(client)
  const failed = new Promise<Error>(resolve => client.once('error', resolve))
  const anew = await listening(t)
  isRogue(t, anew.server)
  relay.targetPort = anew.port
  relay.reset()
  t.match(await failed, { code: 'ECONNRESET', reason: 'server-id-mismatch', message: /^read ECONNRESET/ })
})

t.test('the same on the same port', async t => {
  const first = createServer().listen(0, '127.0.0.1')
  await once(first, 'listening')
  const { port } = first.address() as { port: number }
  const connection = once(first, 'connection') as Promise<[Socket]>
  const client = connecting(t, { port, reconnectDelay: 10 })
  const [accepted] = await connection
  accepted.on('error', () => {})
  await linked(client)
  const failed = new Promise<Error>(resolve => client.once('error', resolve))
  first.close()
  for (const { stream } of accepted.links) stream.destroy() // as when its process dies
  const second = createServer().listen(port, '127.0.0.1')
  t.teardown(() => second.close())
  isRogue(t, second)
  t.match(await failed, { code: 'ECONNRESET', reason: 'server-id-mismatch' })
  accepted.terminate()
})

t.test('with disconnectOnServerIdMismatch false it waits for the right server to come back', async t => {
  const { server, port } = await listening(t)
  const relay = await Relay.start(t, port)
  const config = { disconnectOnServerIdMismatch: false }
  const client = connecting(t, { port: relay.port, reconnectDelay: 10, config })
  const [accepted] = await once(server, 'connection')
  await linked(client)
  const other = await listening(t)
  isRogue(t, other.server)
  relay.targetPort = other.port
  const mismatch = new Promise<void>(resolve => {
    client.on('linkerror', error => {
      if ((error as { reason?: string }).reason === 'server-id-mismatch') resolve()
    })
  })
  relay.reset()
  await mismatch
  relay.targetPort = port
  client.end('back again')
  t.equal((await accepted.toArray()).join(''), 'back again')
})

t.test('a server that does not know the connection any more: ECONNRESET with reason aborted-by-server', async t => {
  const { server, port } = await listening(t)
  const relay = await Relay.start(t, port)
  const client = connecting(t, { port: relay.port, reconnectDelay: 10 })
  const [accepted] = (await once(server, 'connection')) as [Socket]
  await linked(client)
  const failed = new Promise<Error>(resolve => client.once('error', resolve))
  const gone = new Promise<void>(resolve => accepted.once('error', () => resolve()))
  relay.reset()
  accepted.destroy(new Error('lost its mind'))
  await gone
  accepted.terminate() // no link: nobody is told
  t.match(await failed, { code: 'ECONNRESET', reason: 'aborted-by-server' })
})

t.test('a refusal as unknown on one path while another works: only that path is lost', async t => {
  const { server, port } = await listening(t, { authorize: ({ startsConnection }) => startsConnection || second })
  let second = true
  const relay = await Relay.start(t, port)
  const hosts = [`127.0.0.1:${port}`, `127.0.0.1:${relay.port}`]
  const client = connecting(t, { transports: [tcpConnector({ hosts, linkFilter: 'none' })], reconnectDelay: 10 })
  await linked(client, 2)
  second = false
  const told = new Promise<Error>(resolve => {
    client.on('linkerror', error => {
      if ((error as { reason?: string }).reason === 'link-refused') resolve(error)
    })
  })
  relay.reset()
  await told
  t.equal(client.links.length, 1)
  t.equal(client.readyState, 'open')
  t.equal(server.connections.length, 1)
})
