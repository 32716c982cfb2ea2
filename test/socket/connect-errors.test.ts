// What is wrong with arguments is thrown; what the network does is an error event.

import { getEventListeners, once } from 'node:events'
import t from 'tap'
import { type ConnectOptions, type ConnectTransport, connect, HawserError, Socket } from '../../lib/index.ts'
import { tcpConnector } from '../../lib/tcp.ts'
import { bothKinds } from '../support/both-kinds.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { eventLog, socketEvents } from '../support/event-log.ts'
import { connecting, freePort, listening } from '../support/loopback.ts'

bothKinds(t, 'no port is ERR_MISSING_ARGS', async (t, { connect }) => {
  t.throws(() => connect({} as { port: number }), { code: 'ERR_MISSING_ARGS' })
  t.throws(() => (connect as unknown as () => void)(), { code: 'ERR_MISSING_ARGS' })
})

bothKinds(t, 'a port that is none is ERR_SOCKET_BAD_PORT', async (t, { connect, Socket }) => {
  for (const port of [-1, 65_536, 1.5, Number.NaN, 'eighty', ' ']) {
    t.throws(() => connect({ port: port as number }), { code: 'ERR_SOCKET_BAD_PORT' }, String(port))
  }
  const socket = new Socket()
  t.throws(() => socket.connect(70_000), { code: 'ERR_SOCKET_BAD_PORT' })
})

bothKinds(t, 'an unknown family is ERR_INVALID_ARG_VALUE', async (t, { connect }) => {
  t.throws(() => connect({ port: 1, host: 'localhost', family: 5 }), { code: 'ERR_INVALID_ARG_VALUE' })
})

bothKinds(t, 'a signal that is none is ERR_INVALID_ARG_TYPE', async (t, { Socket }) => {
  t.throws(() => new Socket({ signal: {} as AbortSignal }), { code: 'ERR_INVALID_ARG_TYPE' })
})

t.test('configuration and other options of hawser that make no sense', async t => {
  const wrong: [ConnectOptions, string, RegExp][] = [
    [{ config: { chunkSize: 0 } }, 'ERR_OUT_OF_RANGE', /config\.chunkSize/],
    [{ config: { recvBuffer: '1' as unknown as number } }, 'ERR_INVALID_ARG_TYPE', /config\.recvBuffer/],
    [{ config: { link: { ping: { interval: 2 ** 31 } } } }, 'ERR_OUT_OF_RANGE', /config\.link\.ping\.interval/],
    [{ config: { chunksize: 1 } as object }, 'ERR_INVALID_ARG_VALUE', /config\.chunksize/],
    [{ reconnectDelay: 0 }, 'ERR_OUT_OF_RANGE', /reconnectDelay/],
    [{ reconnectDelay: Number.NaN }, 'ERR_OUT_OF_RANGE', /reconnectDelay/],
    [{ host: 5 as unknown as string }, 'ERR_INVALID_ARG_TYPE', /host/],
    [{ port: undefined, transports: [] }, 'ERR_MISSING_ARGS', /port/],
    [{ port: undefined, links: [] }, 'ERR_MISSING_ARGS', /links/],
    [{ timeout: -1 }, 'ERR_OUT_OF_RANGE', /msecs/],
    [{ linkFilter: true as never }, 'ERR_INVALID_ARG_TYPE', /linkFilter/],
    [{ lookup: 'dns' as never }, 'ERR_INVALID_ARG_TYPE', /lookup/],
    [{ links: [corePair().client, 'link' as never] }, 'ERR_INVALID_ARG_TYPE', /Duplex/],
    [{ links: [null as never] }, 'ERR_INVALID_ARG_TYPE', /Duplex/],
    [{ links: corePair().client as never }, 'ERR_INVALID_ARG_TYPE', /links/],
    [{ transports: [{} as never] }, 'ERR_INVALID_ARG_TYPE', /transports/],
    [{ transports: 'tcp' as never }, 'ERR_INVALID_ARG_TYPE', /transports/],
  ]
  for (const [options, code, message] of wrong) {
    t.throws(() => connect({ port: 1, ...options }), { code, message, reason: 'invalid-argument' })
  }
  const socket = new Socket()
  t.throws(() => socket.connect({ port: 1, reconnectDelay: -1 }), { code: 'ERR_OUT_OF_RANGE' })
  t.equal(socket.connecting, false, 'nothing has begun')
})

t.test('arguments of addLink that make no sense', async t => {
  const socket = new Socket()
  await t.rejects(socket.addLink({} as never), { code: 'ERR_INVALID_ARG_TYPE' })
  const { client } = corePair()
  await t.rejects(socket.addLink(client, { userData: new Uint8Array(65_536) }), { code: 'ERR_OUT_OF_RANGE' })
  await t.rejects(socket.addLink(client, { config: { maxPing: -1 } }), { code: 'ERR_OUT_OF_RANGE', message: /maxPing/ })
  t.equal(socket.connecting, false)
  t.equal(client.destroyed, false, 'a Duplex that was not taken is not touched')
})

t.test('a promise or a transport that gives something else than a Duplex is an error with a code', async t => {
  const transport: ConnectTransport = {
    name: 'wrong',
    async *tags() {
      yield [{ transport: 'wrong', direction: 'outgoing', key: 'one' }]
    },
    connect: async () => 'no stream' as never,
  }
  for (const options of [{ links: [Promise.resolve('no stream' as never)] }, { transports: [transport] }]) {
    await t.rejects(once(connect(options), 'connect'), { code: 'ERR_INVALID_ARG_TYPE', message: /Duplex/ })
  }
})

bothKinds(t, 'nobody listening at one address is the error of the system', async (t, { connect }) => {
  const port = await freePort()
  const client = connect(port, '127.0.0.1')
  const log = eventLog(client, socketEvents)
  const closed = new Promise(resolve => client.once('close', resolve))
  const error = await new Promise<Error>(resolve => client.once('error', resolve))
  t.match(error, { code: 'ECONNREFUSED', syscall: 'connect', address: '127.0.0.1', port, name: 'Error' })
  t.equal(error.message, `connect ECONNREFUSED 127.0.0.1:${port}`)
  t.ok(error.stack?.startsWith('Error: connect ECONNREFUSED'))
  await closed
  t.same(log, ['error ECONNREFUSED', 'close true'])
  t.equal(client.connecting, false)
  t.equal(client.errored, error)
})

t.test('nobody listening at several addresses is an AggregateError with the code of the first', async t => {
  const [first, second] = [await freePort(), await freePort()]
  const client = connecting(t, { port: first, host: ['127.0.0.1', `127.0.0.1:${second}`] })
  const error = await new Promise<Error>(resolve => client.once('error', resolve))
  t.ok(error instanceof AggregateError)
  t.match(error, { code: 'ECONNREFUSED', errors: [{ port: first }, { port: second }] })
})

bothKinds(t, 'a name that does not exist is ENOTFOUND', async (t, { connect }) => {
  const client = connect(1, 'nobody.invalid')
  const error = await new Promise<Error>(resolve => client.once('error', resolve))
  t.match(error, { syscall: 'getaddrinfo', hostname: 'nobody.invalid' })
  t.match((error as NodeJS.ErrnoException).code, /^(ENOTFOUND|EAI_AGAIN)$/)
})

t.test('each failure to make a link is told, too', async t => {
  const port = await freePort()
  const client = connecting(t, { port })
  const errors: unknown[] = []
  client.on('linkerror', (error, tag) => errors.push([error, String(tag)]))
  await new Promise(resolve => client.once('error', resolve))
  t.match(errors, [[{ code: 'ECONNREFUSED' }, `TCP lo 127.0.0.1 -> 127.0.0.1:${port}`]])
})

t.test('a server that refuses the connection is ECONNREFUSED with a reason', async t => {
  const { port } = await listening(t, { limits: { maxConnections: 1 } })
  const first = connecting(t, { port })
  await once(first, 'connect')
  const second = connecting(t, { port })
  const error = await new Promise<Error>(resolve => second.once('error', resolve))
  t.match(error, { code: 'ECONNREFUSED', reason: 'connection-refused' })
  t.ok(error instanceof HawserError)
})

t.test('a server whose filter refuses every link is ECONNREFUSED with a reason', async t => {
  const { server, port } = await listening(t, { linkFilter: () => false })
  server.on('connection', () => t.fail('no connection without a link'))
  const client = connecting(t, { port })
  t.match(await new Promise<Error>(resolve => client.once('error', resolve)), { code: 'ECONNREFUSED', reason: 'link-refused' })
})

t.test('something else listening there is EPROTO with the tag of the link', async t => {
  const { createServer } = await import('node:net')
  const server = createServer(socket => socket.end('SSH-2.0-not hawser at all, sorry\r\n')).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const client = connecting(t, { port: (server.address() as { port: number }).port })
  const error = await new Promise<Error>(resolve => client.once('error', resolve))
  t.match(error, { code: 'EPROTO', reason: 'protocol-error', message: /TCP lo 127\.0\.0\.1/ })
})

bothKinds(t, 'a signal that aborts while connecting is an AbortError with its reason', async (t, { listen, connect }) => {
  const { port } = await listen()
  const controller = new AbortController()
  const client = connect({ port, host: '127.0.0.1', signal: controller.signal })
  const log = eventLog(client, socketEvents)
  const reason = new Error('enough')
  controller.abort(reason)
  const closed = new Promise(resolve => client.once('close', resolve))
  const error = await new Promise<Error>(resolve => client.once('error', resolve))
  t.match(error, { name: 'AbortError', code: 'ABORT_ERR', message: 'The operation was aborted', cause: reason })
  await closed
  t.same(log, ['error ABORT_ERR', 'close true'])
})

t.test('a signal that has aborted before: an AbortError, and nothing is connected', async t => {
  const { server, port } = await listening(t)
  server.on('connection', () => t.fail('no connection'))
  const client = connecting(t, { port, signal: AbortSignal.abort() })
  const log = eventLog(client, socketEvents)
  t.equal(client.connecting, false)
  await new Promise(resolve => client.once('close', resolve))
  t.same(log, ['error ABORT_ERR', 'close true'])
})

t.test('a signal that aborts later ends the connection; after close it is forgotten', async t => {
  const { port } = await listening(t)
  const controller = new AbortController()
  const client = connecting(t, { port, signal: controller.signal })
  await once(client, 'connect')
  client.destroy()
  await once(client, 'close')
  t.equal(getEventListeners(controller.signal, 'abort').length, 0)
  const other = new AbortController()
  const second = connecting(t, { port, signal: other.signal })
  await once(second, 'connect')
  other.abort()
  t.match(await new Promise<Error>(resolve => second.once('error', resolve)), { name: 'AbortError' })
})

t.test('a promised link that is never made, alone, is an error', async t => {
  const client = connecting(t, { links: [Promise.reject(new Error('no cable'))] })
  t.match(await new Promise<Error>(resolve => client.once('error', resolve)), { message: 'no cable' })
})

t.test('connect on a socket that is connecting or connected is refused, and does no harm', async t => {
  const { port } = await listening(t)
  const client = connecting(t, { port })
  t.throws(() => client.connect(port), { code: 'ERR_INVALID_ARG_VALUE' })
  await once(client, 'connect')
  t.throws(() => client.connect(port), { code: 'ERR_INVALID_ARG_VALUE' })
  t.equal(client.readyState, 'open')
})

t.test('a transport that lists nothing is an error', async t => {
  const { port } = await listening(t)
  const empty = { name: 'empty', async *tags() {}, connect: tcpConnector({ port }).connect }
  const client = connecting(t, { transports: [empty as never] })
  t.match(await new Promise<Error>(resolve => client.once('error', resolve)), { code: 'ECONNREFUSED' })
})
