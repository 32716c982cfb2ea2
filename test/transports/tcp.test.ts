// Real sockets on the loopback interface.

import { getEventListeners, once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Duplex } from '#platform/stream'
import { type TcpAcceptorOptions, TcpConnector, TcpLinkTag, tcpAcceptor, tcpConnector } from '../../lib/tcp.ts'
import { TcpAcceptor } from '../../lib/transports/tcp/acceptor.ts'
import type { TcpConnectorOptions } from '../../lib/transports/tcp/connector.ts'
import type { LinkTag } from '../../lib/transports/transport.ts'
import { ManualClock, settled } from './manual-clock.ts'
import { interfaces, loopback } from './tcp/local-interfaces.ts'

/** An acceptor that listens on a free port, and what it accepted. */
async function listening(t: Test, options: TcpAcceptorOptions = {}) {
  const acceptor = tcpAcceptor({ host: '127.0.0.1', ...options })
  const accepted: { readonly stream: Socket; readonly tag: TcpLinkTag }[] = []
  const waiting: (() => void)[] = []
  await acceptor.listen((stream, tag) => {
    accepted.push({ stream: stream as Socket, tag: tag as TcpLinkTag })
    waiting.shift()?.()
  })
  t.teardown(() => {
    acceptor.close()
    for (const { stream } of accepted) stream.destroy()
  })
  const next = async () => {
    if (accepted.length === 0) await new Promise<void>(resolve => waiting.push(resolve))
    return accepted.shift()!
  }
  return { acceptor, accepted, next, port: (acceptor.address() as AddressInfo)?.port }
}

async function firstTag(connector: TcpConnector): Promise<TcpLinkTag> {
  const controller = new AbortController()
  for await (const tags of connector.tags(controller.signal)) {
    controller.abort()
    return tags[0]!
  }
  throw new Error('no tags')
}

/** Connects the first tag. */
async function connected(t: Test, options: TcpConnectorOptions) {
  const connector = tcpConnector({ host: '127.0.0.1', ...options })
  const tag = await firstTag(connector)
  const socket = await connector.connect(tag, new AbortController().signal)
  t.teardown(() => socket.destroy())
  return { connector, tag, socket }
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function received(stream: Duplex, bytes: number): Promise<string> {
  let text = ''
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    text += chunk
    if (text.length >= bytes) break
  }
  return text
}

t.test('bytes go both ways, and both ends tell their interface and addresses', async t => {
  const { next, port } = await listening(t)
  const { socket, tag } = await connected(t, { port })
  const other = await next()
  socket.write('ping')
  t.equal(await received(other.stream, 4), 'ping')
  other.stream.write('pong')
  t.equal(await received(socket, 4), 'pong')
  t.equal(`${tag}`, `TCP ${tag.interface} 127.0.0.1 -> 127.0.0.1:${port}`)
  t.equal(`${other.tag}`, `TCP ${tag.interface} 127.0.0.1:${port} <- 127.0.0.1:${socket.localPort}`)
  t.same(other.tag.userData, tag.userData)
  t.equal(Buffer.from(tag.userData!).toString(), tag.interface)
  t.match(socket, { remoteAddress: '127.0.0.1', remotePort: port, localAddress: '127.0.0.1', connecting: false })
})

const hasIpv6 = Object.values(networkInterfaces()).some(addresses => addresses?.some(({ address }) => address === '::1'))

t.test(
  'the same over IPv6, and an IPv4 peer of an IPv6 listener has an IPv4 address',
  { skip: !hasIpv6 && 'no IPv6 here' },
  async t => {
    const { next, port } = await listening(t, { host: '::' })
    const { tag } = await connected(t, { host: '::1', port })
    t.match((await next()).tag, { remoteAddress: '::1', family: 6, interface: tag.interface })
    await connected(t, { port })
    t.match((await next()).tag, { remoteAddress: '127.0.0.1', localAddress: '127.0.0.1', family: 4, interface: tag.interface })
  },
)

t.test('bytes and the end that come before anybody listens are not lost', async t => {
  const { next, port } = await listening(t)
  const { socket } = await connected(t, { port })
  socket.end('early')
  const { stream } = await next()
  stream.end('early, too')
  await settled()
  await settled()
  t.equal((await stream.toArray()).join(''), 'early')
  t.equal((await socket.toArray()).join(''), 'early, too')
})

t.test('a reset that comes before anybody listens throws nothing and stays visible', async t => {
  const { next, port } = await listening(t)
  const { socket } = await connected(t, { port })
  const { stream } = await next()
  const closed = new Promise(resolve => stream.on('close', resolve))
  socket.resetAndDestroy()
  await closed
  t.match(stream.errored, { code: 'ECONNRESET' })
})

t.test('nobody listening is ECONNREFUSED with address and port', async t => {
  const port = await freePort()
  const connector = tcpConnector({ host: '127.0.0.1', port })
  const tag = await firstTag(connector)
  await t.rejects(connector.connect(tag, new AbortController().signal), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
    address: '127.0.0.1',
    port,
  })
})

t.test('abort ends an attempt with the reason given and leaves no listener', async t => {
  const { port } = await listening(t)
  const connector = tcpConnector({ host: '127.0.0.1', port })
  const tag = await firstTag(connector)
  const controller = new AbortController()
  const reason = new Error('enough')
  const attempt = connector.connect(tag, controller.signal)
  controller.abort(reason)
  await t.rejects(attempt, reason)
  t.equal(getEventListeners(controller.signal, 'abort').length, 0)
  await t.rejects(connector.connect(tag, controller.signal), reason, 'a signal aborted before the same')
  await t.rejects(connector.connect(tag, AbortSignal.abort()), { name: 'AbortError' })
})

t.test('an attempt that takes too long is ETIMEDOUT', async t => {
  const { port } = await listening(t)
  const clock = new ManualClock()
  const system = { ...clock, networkInterfaces: () => interfaces(loopback) }
  const connector = new TcpConnector({ host: '127.0.0.1', port, connectTimeout: 5_000 }, system)
  const tag = await firstTag(connector)
  system.setTimer = (callback, ms) => {
    t.equal(ms, 5_000)
    queueMicrotask(callback) // before the system can have connected
    return clock.setTimer(() => {}, ms)
  }
  await t.rejects(
    new TcpConnector({ host: '127.0.0.1', port, connectTimeout: 5_000 }, system).connect(tag, new AbortController().signal),
    {
      code: 'ETIMEDOUT',
      reason: 'connect-timeout',
      address: '127.0.0.1',
      port,
    },
  )
})

t.test('firstConnectTimeout limits the first attempt to each address but the last', async t => {
  const { port } = await listening(t, { host: '0.0.0.0' })
  const clock = new ManualClock()
  const limits: number[] = []
  const told: unknown[][] = []
  const system = { ...clock, networkInterfaces: () => interfaces(loopback) }
  const observer = {
    connectionAttempt: (...attempt: unknown[]) => told.push(['attempt', ...attempt]),
    connectionAttemptTimeout: (...attempt: unknown[]) => told.push(['timeout', ...attempt]),
  } as object
  const host = ['127.0.0.1', '127.0.0.2']
  const options = { host, port, connectTimeout: 5_000, firstConnectTimeout: 50, linkFilter: 'none', observer } as const
  const connector = new TcpConnector(options, system)
  const { signal } = new AbortController()
  const { value: tags } = await connector.tags(signal).next()
  const [first, last] = tags as readonly TcpLinkTag[]
  system.setTimer = (callback, ms) => {
    limits.push(ms)
    queueMicrotask(callback) // before the system can have connected
    return clock.setTimer(() => {}, ms)
  }
  for (const tag of [first, last, first]) {
    await t.rejects(connector.connect(tag as TcpLinkTag, signal), { code: 'ETIMEDOUT' })
  }
  t.same(limits, [50, 5_000, 5_000])
  t.same(told.slice(0, 2), [
    ['attempt', '127.0.0.1', port, 4],
    ['timeout', '127.0.0.1', port, 4],
  ])
})

t.test('a tag of an interface that is gone, or of another transport, is refused', async t => {
  const connector = tcpConnector({ host: '127.0.0.1', port: 1 })
  const { signal } = new AbortController()
  const fields = { direction: 'outgoing', remoteAddress: '1.2.3.4', remotePort: 1, family: 4 } as const
  const gone = new TcpLinkTag({ ...fields, interface: 'gone0', localAddress: '10.0.0.1' })
  await t.rejects(connector.connect(gone, signal), { code: 'EADDRNOTAVAIL', address: '10.0.0.1' })
  const foreign = { transport: 'other', direction: 'outgoing', key: 'x', toString: () => 'OTHER x' } as LinkTag
  await t.rejects(connector.connect(foreign, signal), TypeError)
})

t.test('local address and port are bound', async t => {
  const { next, port } = await listening(t)
  const localPort = await freePort()
  const { socket } = await connected(t, { port, localAddress: '127.0.0.1', localPort })
  t.equal((await next()).tag.remotePort, localPort)
  t.equal(socket.localPort, localPort)
  if (process.platform === 'linux') {
    const { tag } = await connected(t, { port, localAddress: '127.0.0.9' })
    t.equal((await next()).tag.remoteAddress, '127.0.0.9')
    t.equal(tag.interface, undefined)
  }
})

t.test('sockets of both ends have the high water mark and are set up before they are handed over', async t => {
  const seen: string[] = []
  const socketSetup = (socket: Socket, tag: TcpLinkTag) => seen.push(`${tag.direction} ${socket.remoteFamily}`)
  const { next, port } = await listening(t, { socketSetup, highWaterMark: 100_000 })
  const { socket } = await connected(t, { port, socketSetup, keepAlive: true })
  const { stream } = await next()
  t.same(seen.sort(), ['incoming IPv4', 'outgoing IPv4'])
  t.equal(stream.writableHighWaterMark, 100_000)
  t.equal(socket.writableHighWaterMark, 262_144)
})

t.test('a setup that throws gives up the link, not the process', async t => {
  const errors: Error[] = []
  const socketSetup = () => {
    throw new Error('no such option')
  }
  const { accepted, port } = await listening(t, { socketSetup, onError: error => errors.push(error) })
  const { socket } = await connected(t, { port })
  socket.resume()
  await once(socket, 'close')
  t.match(errors, [{ message: 'no such option' }])
  t.equal(accepted.length, 0)
  const connector = tcpConnector({ host: '127.0.0.1', port, socketSetup })
  await t.rejects(connector.connect(await firstTag(connector), new AbortController().signal), { message: 'no such option' })
})

t.test('a port in use is EADDRINUSE, and the acceptor may listen again', async t => {
  const { acceptor, port } = await listening(t)
  const second = tcpAcceptor({ host: '127.0.0.1', port })
  await t.rejects(
    second.listen(() => {}),
    { code: 'EADDRINUSE', syscall: 'listen', port },
  )
  t.equal(second.address(), null)
  acceptor.close()
  await second.listen(() => {})
  t.match(second.address(), { port })
  second.close()
})

t.test('listening twice is refused', async t => {
  const { acceptor } = await listening(t)
  await t.rejects(
    acceptor.listen(() => {}),
    { code: 'ERR_SERVER_ALREADY_LISTEN' },
  )
})

t.test('close stops listening at once and leaves the links', async t => {
  const { acceptor, next, port } = await listening(t)
  const { connector, socket, tag } = await connected(t, { port })
  const { stream } = await next()
  acceptor.close()
  acceptor.close()
  t.equal(acceptor.address(), null)
  await t.rejects(connector.connect(tag, new AbortController().signal), { code: 'ECONNREFUSED' })
  socket.write('still here')
  t.equal(await received(stream, 10), 'still here')
})

t.test('a signal stops listening; one that has aborted never begins it', async t => {
  const outer = new AbortController()
  const inner = new AbortController()
  const acceptor = tcpAcceptor({ host: '127.0.0.1', signal: outer.signal })
  await acceptor.listen(() => {}, inner.signal)
  inner.abort()
  t.equal(acceptor.address(), null)
  await settled()
  t.equal(getEventListeners(outer.signal, 'abort').length, 0)
  await acceptor.listen(() => {})
  const attempt = acceptor.listen(() => {})
  await t.rejects(attempt, { code: 'ERR_SERVER_ALREADY_LISTEN' })
  outer.abort()
  t.equal(acceptor.address(), null)
  await t.rejects(
    acceptor.listen(() => {}),
    { name: 'AbortError' },
  )
})

t.test('a signal that aborts while the address is looked up ends the attempt', async t => {
  const controller = new AbortController()
  const acceptor = tcpAcceptor({ host: 'localhost' })
  const attempt = acceptor.listen(() => {}, controller.signal)
  controller.abort()
  await t.rejects(attempt, { name: 'AbortError' })
  await settled()
  t.equal(acceptor.address(), null)
  t.equal(getEventListeners(controller.signal, 'abort').length, 0)
})

t.test('an acceptor on a Unix socket', { skip: process.platform === 'win32' && 'pipes have other names' }, async t => {
  const path = join(tmpdir(), `hawser-test-${process.pid}.sock`)
  const { acceptor, next } = await listening(t, { path })
  t.equal(acceptor.address(), path)
  const { connect } = await import('node:net')
  const socket = connect(path)
  t.teardown(() => socket.destroy())
  const { tag } = await next()
  t.equal(`${tag}`, 'TCP <- unix socket')
  t.equal(tag.userData, undefined)
})

t.test('an acceptor on a server that listens already', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { acceptor, next, port } = await listening(t, { handle: server })
  t.same(acceptor.address(), server.address())
  await connected(t, { port })
  t.match((await next()).tag, { remoteAddress: '127.0.0.1' })
})

t.test('an accepted link is taken although the system does not tell its interfaces', async t => {
  const acceptor = new TcpAcceptor({ host: '127.0.0.1' }, () => {
    throw new Error('not permitted')
  })
  const tag = new Promise<LinkTag>(resolve => {
    void acceptor.listen((stream, tag) => {
      stream.destroy()
      resolve(tag)
    })
  })
  t.teardown(() => acceptor.close())
  while (acceptor.address() === null) await settled()
  await connected(t, { port: (acceptor.address() as AddressInfo).port })
  t.match(await tag, { interface: undefined, remoteAddress: '127.0.0.1' })
})

t.test('an accepted link on an address that no interface has tells no interface', async t => {
  const acceptor = new TcpAcceptor({ host: '127.0.0.1' }, () => interfaces({ eth0: ['10.0.0.1/24'] }))
  const tags: LinkTag[] = []
  const accepted = new Promise<void>(resolve => {
    void acceptor
      .listen((stream, tag) => {
        tags.push(tag)
        stream.destroy()
        resolve()
      })
      .then(() => connected(t, { port: (acceptor.address() as AddressInfo).port }))
  })
  t.teardown(() => acceptor.close())
  await accepted
  t.match(tags, [{ interface: undefined, userData: undefined, remoteAddress: '127.0.0.1' }])
})
