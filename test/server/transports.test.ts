// A server takes links from more than one place.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { type AcceptTransport, createServer, type LinkTag } from '../../lib/index.ts'
import { tcpAcceptor } from '../../lib/tcp.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { connecting, freePort, linked, listening } from '../support/loopback.ts'

t.test('a second transport accepts links of the same connections, until it is removed', async t => {
  const { server, port } = await listening(t)
  const second = tcpAcceptor({ host: '127.0.0.1' })
  const handle = server.addTransport(second)
  await handle.ready
  const { port: secondPort } = second.address() as AddressInfo
  const client = connecting(t, { port: secondPort })
  await once(client, 'connect')
  handle.remove()
  handle.remove()
  t.equal(second.address(), null)
  t.equal(client.readyState, 'open', 'links that exist live on')
  await t.rejects(once(connecting(t, { port: secondPort }), 'connect'), { code: 'ECONNREFUSED' })
  await once(connecting(t, { port }), 'connect')
  t.equal(server.connections.length, 2)
})

t.test('a server may have transports only; it then is not listening, but runs', async t => {
  const server = createServer()
  const acceptor = tcpAcceptor({ host: '127.0.0.1' })
  await server.addTransport(acceptor).ready
  t.equal(server.listening, false)
  t.equal(server.address(), null)
  const client = connecting(t, { port: (acceptor.address() as AddressInfo).port })
  await once(client, 'connect')
  client.destroy()
  for (const socket of server.connections) socket.destroy()
  t.equal(await new Promise<Error | undefined>(resolve => server.close(resolve)), undefined)
  t.equal(acceptor.address(), null)
})

t.test('a transport that cannot listen says so by ready, and does no harm', async t => {
  const { server, port } = await listening(t)
  const handle = server.addTransport(tcpAcceptor({ host: '127.0.0.1', port }))
  await t.rejects(handle.ready, { code: 'EADDRINUSE' })
  handle.remove()
  await once(connecting(t, { port }), 'connect')
})

t.test('a transport that throws instead of rejecting is taken the same', async t => {
  const { server } = await listening(t)
  const transport: AcceptTransport = {
    name: 'broken',
    listen() {
      throw new Error('broken')
    },
  }
  await t.rejects(server.addTransport(transport).ready, { message: 'broken' })
})

t.test('a transport that accepts something else than a Duplex is told at once', async t => {
  const { server } = await listening(t)
  const transport: AcceptTransport = {
    name: 'wrong',
    async listen(accept) {
      accept('no stream' as never, { transport: 'wrong', direction: 'incoming', key: 'one' })
    },
  }
  await t.rejects(server.addTransport(transport).ready, { code: 'ERR_INVALID_ARG_TYPE', message: /Duplex/ })
})

t.test('the filter of a transport decides about its links only', async t => {
  const { server, port } = await listening(t)
  const acceptor = tcpAcceptor({ host: '127.0.0.1', filter: () => false })
  await server.addTransport(acceptor).ready
  const { port: secondPort } = acceptor.address() as AddressInfo
  await t.rejects(once(connecting(t, { port: secondPort }), 'connect'), { code: 'ECONNREFUSED', reason: 'link-refused' })
  await once(connecting(t, { port }), 'connect')
})

t.test('a transport of one’s own: its tag and user data are those of the link', async t => {
  const { server } = await listening(t)
  const pair = corePair()
  const tag: LinkTag = {
    transport: 'mine',
    direction: 'incoming',
    key: 'mine 1',
    userData: Buffer.from('said by the transport'),
    toString: () => 'MINE 1',
  }
  const signals: AbortSignal[] = []
  const handle = server.addTransport({
    name: 'mine',
    async listen(accept, signal) {
      signals.push(signal)
      accept(pair.server, tag)
    },
  })
  await handle.ready
  const link = once(server, 'link')
  const client = connecting(t, { links: [pair.client] })
  const [near] = await linked(client)
  t.equal(Buffer.from(near!.remoteUserData).toString(), 'said by the transport')
  t.equal((await link)[0].tag, tag)
  t.equal(signals[0]?.aborted, false)
  server.close()
  t.equal(signals[0]?.aborted, true)
})

t.test('arguments of addLink that make no sense are refused, and the stream left alone', async t => {
  const { server } = await listening(t)
  const pair = corePair()
  await t.rejects(server.addLink('x' as never), { code: 'ERR_INVALID_ARG_TYPE' })
  await t.rejects(server.addLink(pair.server, { userData: new Uint8Array(65_536) }), { code: 'ERR_OUT_OF_RANGE' })
  t.equal(pair.server.destroyed, false)
})

t.test('a tag may be text, which is made fit to print', async t => {
  const { server } = await listening(t)
  const pair = corePair()
  const added = server.addLink(pair.server, { tag: 'modem\u001b[31m 1' })
  connecting(t, { links: [pair.client] })
  t.equal(String((await added).tag), 'modem\\x1b[31m 1')
})

t.test('unref and ref reach every transport, those that come later as well', async t => {
  const calls: string[] = []
  const transport = (name: string): AcceptTransport & { ref(): void; unref(): void } => ({
    name,
    listen: async () => {},
    ref: () => calls.push(`ref ${name}`),
    unref: () => calls.push(`unref ${name}`),
  })
  const server = createServer()
  t.teardown(() => server.close())
  await server.addTransport(transport('one')).ready
  t.equal(server.unref(), server)
  t.same(calls, ['unref one'])
  await server.addTransport(transport('two')).ready
  t.ok(calls.includes('unref two'))
  calls.length = 0
  t.equal(server.ref(), server)
  t.same(calls, ['ref one', 'ref two'])
})

t.test('nobody listening on a port that a server had: it closed it', async t => {
  const port = await freePort()
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
  await t.rejects(once(connecting(t, { port }), 'connect'), { code: 'ECONNREFUSED' })
})
