// The forms of `listen`, and what the server tells about where it listens.

import { getEventListeners, once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createServer, Server } from '../../lib/index.ts'
import { bothKinds } from '../support/both-kinds.ts'
import { eventLog } from '../support/event-log.ts'
import { freePort } from '../support/loopback.ts'

bothKinds(t, 'a free port on every address, known at once', async (t, { createServer }) => {
  const server = createServer({})
  t.teardown(() => server.close())
  t.equal(server.listening, false)
  t.equal(server.address(), null)
  const log = eventLog(server, ['listening'])
  t.equal(server.listen(0), server)
  t.equal(server.listening, true)
  const { port } = server.address() as AddressInfo
  t.ok(port > 0)
  t.same(log, [], 'the event comes later')
  await once(server, 'listening')
  t.equal((server.address() as AddressInfo).port, port)
})

bothKinds(t, 'without arguments, with a listener only', async (t, { createServer }) => {
  const server = createServer({})
  t.teardown(() => server.close())
  await new Promise<void>(resolve => server.listen(resolve))
  t.ok((server.address() as AddressInfo).port > 0)
})

bothKinds(t, 'port, host, backlog, listener', async (t, { createServer }) => {
  const port = await freePort()
  const server = createServer({})
  t.teardown(() => server.close())
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', 5, resolve))
  t.match(server.address(), { port, address: '127.0.0.1', family: 'IPv4' })
})

bothKinds(t, 'port as text, backlog', async (t, { createServer }) => {
  const port = await freePort()
  const server = createServer({})
  t.teardown(() => server.close())
  await new Promise<void>(resolve => server.listen(`${port}` as unknown as number, 5, resolve))
  t.match(server.address(), { port })
})

bothKinds(t, 'options', async (t, { createServer }) => {
  const server = createServer({})
  t.teardown(() => server.close())
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1', backlog: 5, exclusive: true }, resolve))
  t.match(server.address(), { address: '127.0.0.1' })
})

bothKinds(t, 'a path', async (t, { createServer, name }) => {
  const path = join(tmpdir(), `hawser-listen-${name}-${process.pid}.sock`)
  const server = createServer({})
  t.teardown(() => server.close())
  await new Promise<void>(resolve => server.listen(path, resolve))
  t.equal(server.address(), path)
})

bothKinds(t, 'arguments that make no sense are thrown', async (t, { createServer }) => {
  const server = createServer({})
  for (const port of [70_000, -1, 1.5]) t.throws(() => server.listen(port), { code: 'ERR_SOCKET_BAD_PORT' })
  t.throws(() => server.listen({ port: 70_000 }), { code: 'ERR_SOCKET_BAD_PORT' })
  t.throws(() => server.listen({}), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => server.listen(true as unknown as number), { code: 'ERR_INVALID_ARG_VALUE' })
  t.equal(server.listening, false)
})

bothKinds(t, 'a port in use is the event error, not thrown; the server may try again', async (t, { createServer, listen }) => {
  const { port } = await listen()
  const server = createServer({})
  t.teardown(() => server.close())
  const log = eventLog(server, ['listening', 'error', 'close'])
  const failed = new Promise<Error>(resolve => server.once('error', resolve))
  server.listen(port, '127.0.0.1')
  t.match(await failed, { code: 'EADDRINUSE', syscall: 'listen', port })
  t.equal(server.listening, false)
  t.equal(server.address(), null)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.same(log, ['error EADDRINUSE', 'listening'])
})

bothKinds(t, 'listen while listening is ERR_SERVER_ALREADY_LISTEN', async (t, { listen }) => {
  const { server } = await listen()
  t.throws(() => server.listen(0), { code: 'ERR_SERVER_ALREADY_LISTEN' })
  t.equal(server.listening, true)
})

bothKinds(t, 'a server that was closed may listen again', async (t, { listen, connect }) => {
  const { server } = await listen()
  await new Promise<void>(resolve => {
    server.close(() => resolve())
  })
  t.equal(server.listening, false)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.once('connection', accepted => accepted.end('again'))
  const { port } = server.address() as AddressInfo
  t.equal((await connect(port, '127.0.0.1').toArray()).join(''), 'again')
})

bothKinds(t, 'a signal closes the server, also one that has aborted before', async (t, { createServer }) => {
  for (const early of [false, true]) {
    const server = createServer({})
    const controller = new AbortController()
    if (early) controller.abort()
    server.listen({ port: 0, host: '127.0.0.1', signal: controller.signal })
    if (!early) {
      await once(server, 'listening')
      controller.abort()
    }
    await once(server, 'close')
    t.equal(server.listening, false)
  }
})

t.test('a server leaves no listener at the signal once it is closed', async t => {
  const controller = new AbortController()
  const server = createServer()
  server.listen({ port: 0, host: '127.0.0.1', signal: controller.signal })
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
  t.equal(getEventListeners(controller.signal, 'abort').length, 0)
})

t.test('close before listening: listening does not come', async t => {
  const server = createServer()
  server.on('listening', () => t.fail('closed before'))
  server.listen(0, '127.0.0.1')
  server.close()
  await once(server, 'close')
  await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(server.address(), null)
})

t.test('a server has an id of 32 hex digits', async t => {
  t.match(new Server().id, /^[0-9a-f]{32}$/)
  t.not(new Server().id, new Server().id)
})

t.test('createServer and Server take options and a listener, or a listener alone', async t => {
  const listener = () => {}
  for (const server of [createServer(listener), createServer({}, listener), new Server(listener), new Server({}, listener)]) {
    t.same(server.listeners('connection'), [listener])
  }
  t.same(createServer().listeners('connection'), [])
})

t.test('options that make no sense are thrown', async t => {
  t.throws(() => createServer({ config: { recvBuffer: 0 } }), { code: 'ERR_OUT_OF_RANGE', message: /recvBuffer/ })
  t.throws(() => createServer({ authorize: true as never }), { code: 'ERR_INVALID_ARG_TYPE', message: /authorize/ })
  t.throws(() => createServer({ linkFilter: 'x' as never }), { code: 'ERR_INVALID_ARG_TYPE', message: /linkFilter/ })
  t.throws(() => createServer({ limits: { maxConnections: 0 } }), { code: 'ERR_OUT_OF_RANGE', message: /maxConnections/ })
  for (const limits of [5, null]) t.throws(() => createServer({ limits } as object), { code: 'ERR_INVALID_ARG_TYPE' })
  for (const transport of [{}, null]) {
    t.throws(() => createServer().addTransport(transport as never), { code: 'ERR_INVALID_ARG_TYPE', message: /transport/ })
  }
  t.throws(() => createServer({ limits: { handshakeTimeout: 2 ** 31 } }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => createServer({ limits: { maxConnection: 5 } as object }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /maxConnection/,
  })
})
