// The documented events, methods and properties of net.Server but for listen, the same assertions for both kinds.

import { EventEmitter, once } from 'node:events'
import { type AddressInfo, BlockList, type Server, type ServerOpts, type Socket } from 'node:net'
import t from 'tap'
import { bothKinds, nodeSince } from '../support/both-kinds.ts'
import { eventLog, socketEvents } from '../support/event-log.ts'

const count = (server: Server) => new Promise<number>(resolve => server.getConnections((_error, count) => resolve(count)))
const soon = () => new Promise(resolve => setImmediate(resolve))

for (const name of ['new net.Server', 'net.createServer'] as const) {
  bothKinds(t, `${name}([options][, connectionListener])`, async (t, { createServer, Server }) => {
    const make = name === 'net.createServer' ? createServer : (...args: [ServerOpts]) => new Server(...args)
    const listener = () => {}
    const any = make as (...args: unknown[]) => Server
    t.same(any({}, listener).listeners('connection'), [listener])
    t.same(any(listener).listeners('connection'), [listener])
    t.same(any(undefined, listener).listeners('connection'), [listener])
    t.same(any(null).listeners('connection'), [])
    t.match(any(), { listening: false, maxConnections: undefined })
    t.throws(() => any('nonsense'), { code: 'ERR_INVALID_ARG_TYPE' })
  })
}

bothKinds(t, 'net.createServer([options][, connectionListener]): allowHalfOpen', async (t, { pair }) => {
  const { client, accepted } = await pair({ allowHalfOpen: true })
  accepted.resume()
  client.end()
  await once(accepted, 'end')
  t.match(accepted, { allowHalfOpen: true, writable: true, readyState: 'writeOnly' })
  accepted.end('answer')
  t.equal((await client.toArray()).join(''), 'answer')
})

bothKinds(t, 'net.createServer([options][, connectionListener]): highWaterMark', async (t, { pair, createServer }) => {
  const { accepted } = await pair({ highWaterMark: 12_345 } as ServerOpts)
  t.match(accepted, { readableHighWaterMark: 12_345, writableHighWaterMark: 12_345 })
  t.throws(() => createServer({ highWaterMark: 'x' } as object), { code: 'ERR_INVALID_ARG_TYPE' })
})

bothKinds(t, 'net.createServer([options][, connectionListener]): highWaterMark below 0 is the default', async (t, { pair }) => {
  const { accepted } = await pair({ highWaterMark: -1 } as ServerOpts)
  t.ok(accepted.writableHighWaterMark > 0)
})

bothKinds(t, 'net.createServer([options][, connectionListener]): keepAlive, noDelay', async (t, { pair, createServer }) => {
  const { accepted } = await pair({ keepAlive: true, keepAliveInitialDelay: 1_000, noDelay: true })
  t.equal(accepted.readyState, 'open')
  t.doesNotThrow(() => createServer({ keepAliveInitialDelay: -1 }))
  t.throws(() => createServer({ keepAliveInitialDelay: '1' } as object), { code: 'ERR_INVALID_ARG_TYPE' })
})

bothKinds(t, 'net.createServer([options][, connectionListener]): pauseOnConnect', async (t, { listen, connect, track }) => {
  const { server, port } = await listen({ pauseOnConnect: true })
  const client = track(connect(port, '127.0.0.1'))
  client.write('early')
  const [accepted] = (await once(server, 'connection')) as [Socket]
  t.equal(accepted.isPaused(), true)
  accepted.on('data', () => t.equal(accepted.isPaused(), false))
  for (let turn = 0; turn < 10; turn++) await soon()
  t.equal(accepted.bytesRead, 0)
  const heard = once(accepted, 'data')
  accepted.resume()
  t.equal(String((await heard)[0]), 'early')
})

bothKinds(
  t,
  'net.createServer([options][, connectionListener]): blockList',
  async (t, { listen, createServer, connect, track }) => {
    const blockList = new BlockList()
    blockList.addAddress('127.0.0.1')
    const { server, port } = await listen({ blockList } as ServerOpts)
    server.on('connection', () => t.fail('blocked'))
    const client = track(connect(port, '127.0.0.1'))
    client.on('error', () => {}) // the only one at which hawser notices
    client.resume()
    await new Promise(resolve => client.once('close', resolve))
    t.equal(await count(server), 0)
    t.throws(() => createServer({ blockList: {} } as object), { code: 'ERR_INVALID_ARG_TYPE' })
  },
  { inNode: nodeSince('22.13', '23.4') },
)

bothKinds(t, "Event: 'close' of a server, after its connections ended", async (t, { pair }) => {
  const { client, accepted } = await pair()
  const server = (accepted as unknown as { server: Server }).server
  const log = eventLog(server, ['connection', 'close'])
  server.close()
  for (let turn = 0; turn < 5; turn++) await soon()
  t.same(log, [])
  accepted.resume()
  client.resume()
  client.end()
  await once(server, 'close')
  t.equal(accepted.destroyed, true)
})

bothKinds(t, "Event: 'connection', with the socket", async (t, { listen, connect, Socket, track }) => {
  const { server, port } = await listen()
  const client = track(connect(port, '127.0.0.1'))
  const [accepted] = (await once(server, 'connection')) as [Socket]
  t.ok(accepted instanceof Socket)
  t.match(accepted, { readyState: 'open', connecting: false, pending: false, server })
  t.equal(accepted.remotePort, client.localPort ?? accepted.remotePort)
})

bothKinds(t, "Event: 'connection' whose listener rejects, with captureRejections: the socket is destroyed", async (t, side) => {
  const before = EventEmitter.captureRejections
  EventEmitter.captureRejections = true
  t.teardown(() => {
    EventEmitter.captureRejections = before
  })
  const { server, port } = await side.listen()
  EventEmitter.captureRejections = before
  const errors: unknown[] = []
  server.on('connection', async accepted => {
    accepted.on('error', (error: Error) => errors.push(error.message))
    throw new Error('not today')
  })
  const client = side.track(side.connect(port, '127.0.0.1'))
  client.on('error', () => {})
  client.resume()
  await new Promise(resolve => client.once('close', resolve))
  t.same(errors, ['not today'])
})

bothKinds(t, "Event: 'error' of a server, which is not closed by it", async (t, { listen, createServer, track }) => {
  const { port } = await listen()
  const server = track(createServer({}))
  const log = eventLog(server, ['listening', 'error', 'close'])
  const failed = new Promise<Error>(resolve => server.once('error', resolve))
  server.listen(port, '127.0.0.1')
  t.match(await failed, {
    code: 'EADDRINUSE',
    syscall: 'listen',
    address: '127.0.0.1',
    port,
    message: `listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
  })
  await soon()
  t.same(log, ['error EADDRINUSE'])
})

bothKinds(t, "Event: 'error' of a server whose host is unknown", async (t, { createServer, track }) => {
  const server = track(createServer({}))
  server.listen(0, 'nobody.invalid')
  const error = await new Promise<Error>(resolve => server.once('error', resolve))
  t.match(error, { syscall: 'getaddrinfo', hostname: 'nobody.invalid', code: /^(ENOTFOUND|EAI_AGAIN)$/ })
})

bothKinds(t, "Event: 'listening', once it is bound", async (t, { createServer, track }) => {
  const server = track(createServer({}))
  let calls = 0
  server.listen(0, '127.0.0.1', () => calls++)
  await once(server, 'listening')
  t.equal(calls, 1)
  t.ok((server.address() as AddressInfo).port > 0)
})

bothKinds(t, "Event: 'drop', with the addresses of the connection", async (t, { listen, connect, track }) => {
  const { server, port } = await listen()
  server.maxConnections = 1
  track(connect(port, '127.0.0.1'))
  await once(server, 'connection')
  const dropped = once(server, 'drop')
  const client = track(connect(port, '127.0.0.1'))
  client.resume()
  const [info] = await dropped
  t.match(info, { localAddress: '127.0.0.1', localPort: port, localFamily: 'IPv4' })
  t.match(info, { remoteAddress: '127.0.0.1', remotePort: Number, remoteFamily: 'IPv4' })
})

bothKinds(t, 'server.address()', async (t, { createServer, track }) => {
  const server = track(createServer({}))
  t.equal(server.address(), null)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.same(Object.keys(server.address() ?? {}).sort(), ['address', 'family', 'port'])
  t.match(server.address(), { address: '127.0.0.1', family: 'IPv4', port: Number })
  server.close()
  t.equal(server.address(), null)
})

bothKinds(t, 'server.close([callback])', async (t, { listen }) => {
  const { server } = await listen()
  const log = eventLog(server, ['close'])
  const called = new Promise<unknown>(resolve => {
    t.equal(server.close(resolve), server)
  })
  t.equal(server.listening, false)
  t.equal(await called, undefined)
  t.equal(log.length, 1)
})

bothKinds(t, 'server.close([callback]) of one that is not open is ERR_SERVER_NOT_RUNNING for the callback', async (t, side) => {
  const server = side.createServer({})
  t.match(await new Promise<unknown>(resolve => server.close(resolve)), { code: 'ERR_SERVER_NOT_RUNNING' })
})

bothKinds(t, 'server[Symbol.asyncDispose]()', async (t, { listen, createServer }) => {
  const { server } = await listen()
  const log = eventLog(server, ['close'])
  await server[Symbol.asyncDispose]()
  t.equal(server.listening, false)
  t.equal(log.length, 1)
  await createServer({})[Symbol.asyncDispose]()
})

bothKinds(t, 'server.getConnections(callback)', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const server = (accepted as unknown as { server: Server }).server
  t.equal(await count(server), 1)
  let calls = 0
  t.equal(
    server.getConnections(() => calls++),
    server,
  )
  t.equal(calls, 0, 'called later')
  accepted.destroy()
  client.resume()
  await once(client, 'close')
  t.equal(await count(server), 0)
})

bothKinds(t, 'server.listening', async (t, { createServer, track }) => {
  const server = track(createServer({}))
  t.equal(server.listening, false)
  server.listen(0)
  t.equal(server.listening, true)
  await once(server, 'listening')
  t.equal(server.listening, true)
  server.close()
  t.equal(server.listening, false)
})

bothKinds(t, 'server.maxConnections: one more is closed without an error', async (t, { listen, connect, track }) => {
  const { server, port } = await listen()
  server.maxConnections = 1
  let connections = 0
  server.on('connection', () => connections++)
  track(connect(port, '127.0.0.1'))
  await once(server, 'connection')
  const client = connect(port, '127.0.0.1')
  const log = eventLog(client, socketEvents)
  client.resume()
  await once(client, 'close')
  t.same(log, ['connect', 'ready', 'end', 'finish', 'close false'])
  t.equal(connections, 1)
})

bothKinds(
  t,
  'server.maxConnections: 0 lets nobody in',
  async (t, { listen, connect }) => {
    const { server, port } = await listen()
    server.maxConnections = 0
    server.on('connection', () => t.fail('nobody'))
    const dropped = once(server, 'drop')
    const client = connect(port, '127.0.0.1')
    client.resume()
    await once(client, 'close')
    await dropped
  },
  { inNode: nodeSince('21.0') },
)

bothKinds(t, 'server.dropMaxConnection', async (t, { listen, connect }) => {
  const { server, port } = await listen()
  server.maxConnections = 1
  ;(server as { dropMaxConnection?: boolean }).dropMaxConnection = true
  const clients = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  for (const client of clients) client.resume()
  await Promise.race(clients.map(client => once(client, 'close')))
  t.equal(await count(server), 1, 'outside of a cluster connections are always dropped')
  for (const client of clients) client.destroy()
})

bothKinds(t, 'server.ref(), server.unref(): the server itself is returned, at any time', async (t, { listen, createServer }) => {
  const { server } = await listen()
  for (const each of [server, createServer({})]) {
    t.equal(each.unref(), each)
    t.equal(each.ref(), each)
  }
})
