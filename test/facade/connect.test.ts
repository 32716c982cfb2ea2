// net.connect, net.createConnection and socket.connect in all forms, the same assertions for both kinds.

import { once } from 'node:events'
import {
  getDefaultAutoSelectFamily,
  type LookupFunction,
  type Socket,
  setDefaultAutoSelectFamily,
  type TcpNetConnectOpts,
} from 'node:net'
import t from 'tap'
import { bothKinds, type Side } from '../support/both-kinds.ts'
import { eventLog } from '../support/event-log.ts'
import { freePort } from '../support/loopback.ts'

const answering = (...addresses: string[]): LookupFunction => {
  const answers = addresses.map(address => ({ address, family: 4 }))
  return (_name, { all }, callback) => {
    if (all) process.nextTick(callback, null, answers)
    else process.nextTick(callback, null, addresses[0] as string, 4)
  }
}

async function listeningAtPath({ createServer, track, freePath }: Side): Promise<string> {
  const path = freePath()
  const server = track(createServer({}, accepted => accepted.end('over a path')))
  server.listen(path)
  await once(server, 'listening')
  return path
}

const text = async (socket: Socket): Promise<string> => (await socket.toArray()).join('')

for (const name of ['connect', 'createConnection'] as const) {
  bothKinds(t, `net.${name}(options[, connectListener])`, async (t, side) => {
    const { port } = await side.listen()
    let client: Socket | undefined
    await new Promise<void>(resolve => {
      client = side.track(side[name]({ port, host: '127.0.0.1', timeout: 5_000 }, resolve))
    })
    t.match(client, { remotePort: port, timeout: 5_000 })
    t.equal(client?.listenerCount('connect'), 0)
  })

  bothKinds(t, `net.${name}(path[, connectListener])`, async (t, side) => {
    const path = await listeningAtPath(side)
    let calls = 0
    const client = side.track(side[name](path, () => calls++))
    t.equal(await text(client), 'over a path')
    t.equal(calls, 1)
  })

  bothKinds(t, `net.${name}(port[, host][, connectListener])`, async (t, side) => {
    const { port } = await side.listen()
    const make = side[name] as (...args: unknown[]) => Socket
    for (const args of [[port, '127.0.0.1'], [port], [`${port}`, 'localhost']]) {
      await new Promise<void>(resolve => {
        t.equal(side.track(make(...args, resolve)).connecting, true)
      })
    }
  })
}

bothKinds(t, 'socket.connect(options[, connectListener])', async (t, { listen, Socket, track }) => {
  const { port } = await listen()
  const socket = track(new Socket())
  let calls = 0
  t.equal(
    socket.connect({ port, host: '127.0.0.1' }, () => calls++),
    socket,
  )
  await once(socket, 'ready')
  t.equal(calls, 1)
})

bothKinds(t, 'socket.connect(path[, connectListener])', async (t, side) => {
  const path = await listeningAtPath(side)
  const socket = side.track(new side.Socket())
  t.equal(
    socket.connect(path, () => t.pass('called')),
    socket,
  )
  t.equal(await text(socket), 'over a path')
})

bothKinds(t, 'socket.connect(port[, host][, connectListener])', async (t, { listen, Socket, track }) => {
  const { port } = await listen()
  const socket = track(new Socket())
  await new Promise<void>(resolve => {
    t.equal(socket.connect(port, '127.0.0.1', resolve), socket)
  })
})

bothKinds(t, 'socket.connect() again after close', async (t, { listen, connect, track }) => {
  const { server, port } = await listen()
  server.on('connection', accepted => accepted.end('hello'))
  const socket = track(connect(port, '127.0.0.1'))
  const heard: string[] = []
  for (let turn = 0; turn < 2; turn++) {
    socket.once('data', chunk => heard.push(String(chunk)))
    await once(socket, 'close')
    if (turn === 0) socket.connect(port, '127.0.0.1')
  }
  t.same(heard, ['hello', 'hello'])
})

bothKinds(t, 'net.connect(options): a listener that is none is no listener', async (t, { listen, connect, track }) => {
  const { port } = await listen()
  const client = track(connect({ port, host: '127.0.0.1' }, 'nothing' as unknown as () => void))
  t.equal(client.listenerCount('connect'), 0)
  await once(client, 'connect')
})

bothKinds(t, 'net.connect(options): what makes no sense is thrown', async (t, { connect }) => {
  const wrong: [object, string][] = [
    [{}, 'ERR_MISSING_ARGS'],
    [{ host: '127.0.0.1' }, 'ERR_MISSING_ARGS'],
    [{ port: null }, 'ERR_INVALID_ARG_TYPE'],
    [{ port: true }, 'ERR_INVALID_ARG_TYPE'],
    [{ port: 65_536 }, 'ERR_SOCKET_BAD_PORT'],
    [{ port: 'http' }, 'ERR_SOCKET_BAD_PORT'],
    [{ path: 5 }, 'ERR_INVALID_ARG_TYPE'],
    [{ port: 1, host: 5 }, 'ERR_INVALID_ARG_TYPE'],
    [{ port: 1, host: 'localhost', family: 5 }, 'ERR_INVALID_ARG_VALUE'],
    [{ port: 1, localAddress: 'nonsense' }, 'ERR_INVALID_IP_ADDRESS'],
    [{ port: 1, localPort: 'nonsense' }, 'ERR_INVALID_ARG_TYPE'],
    [{ port: 1, host: 'localhost', lookup: 'dns' }, 'ERR_INVALID_ARG_TYPE'],
    [{ port: 1, autoSelectFamily: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ port: 1, autoSelectFamilyAttemptTimeout: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ port: 1, autoSelectFamilyAttemptTimeout: '1' }, 'ERR_INVALID_ARG_TYPE'],
  ]
  for (const [options, code] of wrong) {
    t.throws(() => connect(options as TcpNetConnectOpts), { code }, `${code} ${JSON.stringify(options)}`)
  }
})

bothKinds(
  t,
  'net.connect(options): host left out, undefined or empty is localhost',
  async (t, { createServer, connect, track }) => {
    const server = track(createServer({}, accepted => accepted.resume()))
    server.listen(0)
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    for (const host of [undefined, '']) {
      const client = track(connect({ port, host } as TcpNetConnectOpts))
      await once(client, 'connect')
      t.match(client.remoteAddress, /^(127\.0\.0\.1|::1)$/)
    }
  },
)

bothKinds(t, 'net.connect(options): localAddress and localPort', async (t, { listen, connect, track }) => {
  const { server, port } = await listen()
  const localPort = await freePort()
  const client = track(connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1', localPort }))
  const [accepted] = await once(server, 'connection')
  t.match(accepted, { remoteAddress: '127.0.0.1', remotePort: localPort })
  if (client.connecting) await once(client, 'connect')
  t.match(client, { localAddress: '127.0.0.1', localPort })
})

bothKinds(t, 'net.connect(options): family, hints and lookup', async (t, { listen, connect, track }) => {
  const { port } = await listen()
  const asked: object[] = []
  const lookup: LookupFunction = (name, { family, hints, all }, callback) => {
    asked.push({ name, family, hints })
    if (all) process.nextTick(callback, null, [{ address: '127.0.0.1', family: 4 }])
    else process.nextTick(callback, null, '127.0.0.1', 4)
  }
  const client = track(connect({ port, host: 'some.name', family: 4, hints: 32, lookup }))
  await once(client, 'connect')
  t.same(asked[0], { name: 'some.name', family: 4, hints: 32 })
})

bothKinds(t, 'net.connect(options): autoSelectFamily tries every address', async (t, { listen, connect, track }) => {
  const { port } = await listen()
  const lookup = answering('127.0.0.3', '127.0.0.2', '127.0.0.1')
  const client = track(connect({ port, host: 'some.name', lookup, autoSelectFamily: true }))
  await once(client, 'connect')
  t.equal(client.remoteAddress, '127.0.0.1')
})

bothKinds(t, 'net.connect(options): without autoSelectFamily the first address only', async (t, { listen, connect, track }) => {
  const { port } = await listen()
  const lookup = answering('127.0.0.2', '127.0.0.1')
  const client = track(connect({ port, host: 'some.name', lookup, autoSelectFamily: false }))
  client.on('connect', () => t.fail('nobody listens at the first address'))
  const error = await new Promise<Error>(resolve => client.once('error', resolve))
  t.match(error, { code: 'ECONNREFUSED', address: '127.0.0.2', port, syscall: 'connect' })
  t.notOk(error instanceof AggregateError)
})

bothKinds(t, 'net.connect(options): autoSelectFamily left out is as net.setDefaultAutoSelectFamily says', async (t, side) => {
  const before = getDefaultAutoSelectFamily()
  t.teardown(() => setDefaultAutoSelectFamily(before))
  setDefaultAutoSelectFamily(false)
  const { port } = await side.listen()
  const client = side.track(side.connect({ port, host: 'some.name', lookup: answering('127.0.0.2', '127.0.0.1') }))
  client.on('connect', () => t.fail('nobody listens at the first address'))
  t.match(await new Promise(resolve => client.once('error', resolve)), { code: 'ECONNREFUSED', address: '127.0.0.2' })
})

bothKinds(t, 'net.connect(options): when all addresses fail, one AggregateError', async (t, { connect, track }) => {
  const port = await freePort()
  const lookup = answering('127.0.0.2', '127.0.0.1')
  const client = track(connect({ port, host: 'some.name', lookup, autoSelectFamily: true }))
  const log = eventLog(client, ['connectionAttemptFailed', 'error', 'close'])
  const closed = new Promise(resolve => client.once('close', resolve))
  const error = await new Promise<Error>(resolve => client.once('error', resolve))
  t.ok(error instanceof AggregateError)
  t.match(error, {
    code: 'ECONNREFUSED',
    errors: [
      { code: 'ECONNREFUSED', address: '127.0.0.2', port, syscall: 'connect' },
      { code: 'ECONNREFUSED', address: '127.0.0.1', port, syscall: 'connect' },
    ],
  })
  t.equal(await closed, true)
  t.same(log, ['connectionAttemptFailed', 'connectionAttemptFailed', 'error ECONNREFUSED', 'close true'])
})

bothKinds(t, 'net.connect(path) where nothing is', async (t, { connect, track, freePath }) => {
  const path = freePath()
  const client = track(connect(path))
  const error = await new Promise<Error>(resolve => client.once('error', resolve))
  t.match(error, { code: 'ENOENT', syscall: 'connect', address: path, message: `connect ENOENT ${path}` })
})

bothKinds(t, 'socket.destroy() while connecting: neither connect nor error', async (t, { listen, connect }) => {
  const { port } = await listen()
  const client = connect(port, '127.0.0.1')
  const log = eventLog(client, ['connectionAttempt', 'connect', 'error', 'close'])
  client.destroy()
  await once(client, 'close')
  t.same(log, ['close false'])
})

bothKinds(t, 'writes before connect tell their callbacks when the socket is destroyed', async (t, { listen, connect }) => {
  const { port } = await listen()
  const client = connect(port, '127.0.0.1')
  const first = new Promise(resolve => client.write('x', resolve))
  const second = new Promise(resolve => client.write('y', resolve))
  client.destroy()
  t.match(await first, { code: 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION' })
  t.match(await second, { code: 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION' })
})
