// server.listen() in all forms, the same assertions for both kinds.

import { once } from 'node:events'
import { statSync } from 'node:fs'
import * as net from 'node:net'
import t from 'tap'
import { bothKinds, nodeSince, type Side } from '../support/both-kinds.ts'
import { freePort } from '../support/loopback.ts'

const portOf = (server: net.Server) => (server.address() as net.AddressInfo).port

/** A server that answers, once it listens. */
async function listening({ createServer, track }: Side, ...args: unknown[]): Promise<net.Server> {
  const server = track(createServer({}, accepted => accepted.end('hello')))
  ;(server.listen as (...args: unknown[]) => net.Server)(...args)
  await once(server, 'listening')
  return server
}

async function answer({ connect, track }: Side, ...args: unknown[]): Promise<string> {
  const client = track((connect as (...args: unknown[]) => net.Socket)(...args))
  return (await client.toArray()).join('')
}

bothKinds(t, 'server.listen([port[, host[, backlog]]][, callback])', async (t, side) => {
  const any = await listening(side)
  t.equal(await answer(side, portOf(any)), 'hello')
  const alone = await listening(side, null)
  t.equal(await answer(side, portOf(alone)), 'hello')
  const called: string[] = []
  const port = await freePort()
  const all = await listening(side, port, '127.0.0.1', 5, () => called.push('all'))
  t.match(all.address(), { port, address: '127.0.0.1' })
  await listening(side, () => called.push('callback only'))
  await listening(side, 0, () => called.push('port'))
  await listening(side, 0, 5, () => called.push('port, backlog'))
  await listening(side, '0', '127.0.0.1', () => called.push('text, host'))
  t.same(called, ['all', 'callback only', 'port', 'port, backlog', 'text, host'])
})

bothKinds(t, 'server.listen(path[, backlog][, callback])', async (t, side) => {
  const path = side.freePath()
  let calls = 0
  const server = await listening(side, path, 5, () => calls++)
  t.equal(server.address(), path)
  t.equal(await answer(side, path), 'hello')
  t.equal(calls, 1)
  const closed = once(server, 'close')
  server.close()
  await closed
  t.throws(() => statSync(path), { code: 'ENOENT' }, 'the file is gone')
})

bothKinds(t, 'server.listen(path[, backlog][, callback]) at a path in use', async (t, side) => {
  const path = side.freePath()
  await listening(side, path)
  const second = side.track(side.createServer({}))
  second.listen(path)
  const error = await new Promise(resolve => second.once('error', resolve))
  t.match(error, { code: 'EADDRINUSE', syscall: 'listen', address: path })
})

bothKinds(t, 'server.listen(handle[, backlog][, callback]) with a server that listens', async (t, side) => {
  const bound = net.createServer().listen(0, '127.0.0.1')
  await once(bound, 'listening')
  const port = portOf(bound)
  let calls = 0
  const server = await listening(side, bound, () => calls++)
  t.equal(portOf(server), port)
  t.equal(await answer(side, port, '127.0.0.1'), 'hello')
  t.equal(calls, 1)
})

if (nodeSince('24.19', '26.4')) {
  bothKinds(t, 'server.listen(handle[, backlog][, callback]) with a BoundSocket', async (t, side) => {
    const { BoundSocket } = net as unknown as { BoundSocket: new (options: object) => { address(): net.AddressInfo } }
    for (const wrap of [(bound: object) => bound, (handle: object) => ({ handle })]) {
      const bound = new BoundSocket({ host: '127.0.0.1' })
      const { port } = bound.address()
      await listening(side, wrap(bound))
      t.equal(await answer(side, port, '127.0.0.1'), 'hello')
    }
  })
}

bothKinds(t, 'server.listen(options[, callback]): port, host, backlog, exclusive', async (t, side) => {
  let calls = 0
  const server = await listening(side, { port: 0, host: '127.0.0.1', backlog: 5, exclusive: true }, () => calls++)
  t.match(server.address(), { address: '127.0.0.1' })
  t.equal(calls, 1)
  const anywhere = await listening(side, { port: undefined })
  t.ok(portOf(anywhere) > 0)
  const textual = await listening(side, { port: '0', host: 'localhost' })
  t.ok(portOf(textual) > 0)
})

bothKinds(t, 'server.listen(options[, callback]): path, unless there is a port', async (t, side) => {
  const path = side.freePath()
  t.equal((await listening(side, { path })).address(), path)
  t.match((await listening(side, { path, port: 0, host: '127.0.0.1' })).address(), { address: '127.0.0.1' })
})

bothKinds(t, 'server.listen(options[, callback]): ipv6Only', async (t, side) => {
  const server = await listening(side, { port: 0, host: '::', ipv6Only: true })
  t.equal(await answer(side, portOf(server), '::1'), 'hello')
  const client = side.track(side.connect(portOf(server), '127.0.0.1'))
  t.match(await new Promise(resolve => client.once('error', resolve)), { code: 'ECONNREFUSED' })
})

if (nodeSince('22.12', '23.1') && process.platform === 'linux') {
  bothKinds(t, 'server.listen(options[, callback]): reusePort', async (t, side) => {
    const first = await listening(side, { port: 0, host: '127.0.0.1', reusePort: true })
    const second = await listening(side, { port: portOf(first), host: '127.0.0.1', reusePort: true })
    t.equal(portOf(second), portOf(first))
  })
}

bothKinds(t, 'server.listen(options[, callback]): readableAll, writableAll', async (t, side) => {
  const modes: [object, number][] = [
    [{ readableAll: true }, 0o444],
    [{ writableAll: true }, 0o222],
    [{ readableAll: true, writableAll: true }, 0o666],
  ]
  for (const [options, mode] of modes) {
    const path = side.freePath()
    await listening(side, { path, ...options })
    t.equal(statSync(path).mode & mode, mode, JSON.stringify(options))
  }
})

bothKinds(t, 'server.listen(options[, callback]): signal', async (t, side) => {
  const controller = new AbortController()
  const server = await listening(side, { port: 0, signal: controller.signal })
  const closed = once(server, 'close')
  controller.abort()
  t.equal(server.listening, false)
  await closed
  const late = side.createServer({})
  late.listen({ port: 0, signal: controller.signal })
  await once(late, 'close')
})

bothKinds(t, 'server.listen(options[, callback]): a descriptor that is none', async (t, side) => {
  const server = side.track(side.createServer({}))
  server.listen({ fd: 9_999 } as net.ListenOptions)
  t.match(await new Promise(resolve => server.once('error', resolve)), { code: 'EINVAL', syscall: 'listen' })
})

bothKinds(t, 'server.listen() that makes no sense is thrown', async (t, { createServer }) => {
  const server = createServer({})
  const wrong: [unknown, string][] = [
    [{}, 'ERR_INVALID_ARG_VALUE'],
    [[], 'ERR_INVALID_ARG_VALUE'],
    [{ host: 'localhost' }, 'ERR_INVALID_ARG_VALUE'],
    [{ fd: 'x' }, 'ERR_INVALID_ARG_VALUE'],
    [{ path: 5 }, 'ERR_INVALID_ARG_VALUE'],
    [{ path: '' }, 'ERR_INVALID_ARG_VALUE'],
    [{ path: '\0abstract', readableAll: true }, 'ERR_INVALID_ARG_VALUE'],
    [{ port: {} }, 'ERR_INVALID_ARG_VALUE'],
    [{ handle: {} }, 'ERR_INVALID_ARG_VALUE'],
    [{ port: 0, signal: 5 }, 'ERR_INVALID_ARG_TYPE'],
    [{ port: 0, host: 5 }, 'ERR_INVALID_ARG_TYPE'],
    [{ port: 65_536 }, 'ERR_SOCKET_BAD_PORT'],
    [true, 'ERR_INVALID_ARG_VALUE'],
    [-1, 'ERR_SOCKET_BAD_PORT'],
  ]
  for (const [options, code] of wrong) {
    t.throws(() => server.listen(options as number), { code }, `${code} ${JSON.stringify(options)}`)
  }
  t.equal(server.listening, false)
})

bothKinds(t, 'server.listen() again is ERR_SERVER_ALREADY_LISTEN, but after close it may', async (t, side) => {
  const server = await listening(side, 0, '127.0.0.1')
  t.throws(() => server.listen(0), { code: 'ERR_SERVER_ALREADY_LISTEN' })
  const closed = once(server, 'close')
  server.close()
  await closed
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.equal(await answer(side, portOf(server), '127.0.0.1'), 'hello')
})
