import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { constants } from 'node:os'
import t from 'tap'
import {
  boundDescriptor,
  boundSocket,
  type CLibrary,
  canBindToInterface,
  darwin,
  linux,
} from '../../lib/platform/bind-interface.ts'

const FD = 77

/** A C library that writes down what is asked of it; `fails` names the call that fails, and with which error. */
function fakeLibrary(fails: { call?: string; errno?: number } = {}) {
  const calls: (string | number | Uint8Array)[][] = []
  const answer = (call: string, good: number, bad: number, ...args: (string | number | Uint8Array)[]) => {
    calls.push([call, ...args])
    return fails.call === call ? bad : good
  }
  const library: CLibrary = {
    socket: (...args) => answer('socket', FD, -1, ...args),
    setsockopt: (...args) => answer('setsockopt', 0, -1, ...args),
    ioctl: (...args) => answer('ioctl', 0, -1, ...args),
    if_nametoindex: name => answer('if_nametoindex', 4, 0, name),
    close: fd => answer('close', 0, -1, fd),
    errno: () => fails.errno ?? 0,
  }
  return { library, calls }
}

t.test('on Linux the socket is bound by the name of the device', async t => {
  for (const [family, domain] of [
    [4, 2],
    [6, 10],
  ] as const) {
    const { library, calls } = fakeLibrary()
    t.equal(boundDescriptor(linux, library, 'eth0:1', family), FD)
    t.same(calls, [
      ['socket', domain, 0o2_004_001, 0],
      ['setsockopt', FD, 1, 25, Buffer.from('eth0'), 4],
    ])
  }
})

t.test('on macOS the socket is bound by the number of the interface', async t => {
  const value = new Uint8Array(Uint32Array.of(4).buffer)
  for (const [family, domain, level, option] of [
    [4, 2, 0, 25],
    [6, 30, 41, 125],
  ] as const) {
    const { library, calls } = fakeLibrary()
    t.equal(boundDescriptor(darwin, library, 'en0', family), FD)
    t.same(calls, [
      ['socket', domain, 1, 0],
      ['ioctl', FD, 0x20006601],
      ['if_nametoindex', 'en0'],
      ['setsockopt', FD, level, option, value, 4],
    ])
  }
})

t.test('where the system does not allow it nothing is bound and nothing stays open', async t => {
  for (const code of ['EPERM', 'ENOPROTOOPT'] as const) {
    const { library, calls } = fakeLibrary({ call: 'setsockopt', errno: constants.errno[code] })
    t.equal(boundDescriptor(linux, library, 'eth0', 4), undefined)
    t.same(calls.at(-1), ['close', FD])
  }
})

t.test('other failures are system errors and leave nothing open', async t => {
  const gone = fakeLibrary({ call: 'setsockopt', errno: constants.errno.ENODEV })
  t.throws(() => boundDescriptor(linux, gone.library, 'eth0', 4), { code: 'ENODEV', syscall: 'setsockopt' })
  t.same(gone.calls.at(-1), ['close', FD])
  const unknown = fakeLibrary({ call: 'if_nametoindex', errno: constants.errno.ENXIO })
  t.throws(() => boundDescriptor(darwin, unknown.library, 'en9', 6), { code: 'ENXIO' })
  t.same(unknown.calls.at(-1), ['close', FD])
  const full = fakeLibrary({ call: 'socket', errno: constants.errno.EMFILE })
  t.throws(() => boundDescriptor(linux, full.library, 'eth0', 4), { code: 'EMFILE', errno: -constants.errno.EMFILE })
  t.equal(full.calls.length, 1)
})

const here = process.platform === 'linux' && (await canBindToInterface())

t.test('a real socket bound to the loopback interface', { skip: !here && 'no way to bind to interfaces here' }, async t => {
  const server = createServer(socket => socket.on('error', () => {}).end('hello')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo

  t.test('connects, reads and knows its addresses', async t => {
    const socket = await boundSocket('lo', 4)
    socket?.connect(port, '127.0.0.1')
    await once(socket!, 'connect')
    t.match(socket, { remoteAddress: '127.0.0.1', remotePort: port, localAddress: '127.0.0.1', connecting: false })
    t.equal((await socket?.toArray())?.join(''), 'hello')
  })

  t.test('fails like any other socket', async t => {
    const socket = await boundSocket('lo', 4)
    socket?.connect(1, '127.0.0.1')
    await t.rejects(once(socket!, 'connect'), { code: 'ECONNREFUSED', address: '127.0.0.1', port: 1 })
    await t.rejects(boundSocket('no-such-if0', 4), { code: 'ENODEV' })
  })

  t.test('leaves no file descriptor open, whatever becomes of it', async t => {
    const before = readdirSync('/proc/self/fd').length
    for (let count = 0; count < 100; count++) {
      await boundSocket('no-such-if0', 4).catch(() => {})
      const unused = await boundSocket('lo', 6)
      const failing = await boundSocket('lo', 4)
      const good = await boundSocket('lo', 4)
      failing?.on('error', () => {}).connect(1, '127.0.0.1')
      good?.connect(port, '127.0.0.1').resume()
      const closed = [unused, failing, good].map(socket => new Promise(resolve => socket?.on('close', resolve)))
      unused?.destroy()
      await Promise.all(closed)
    }
    const left = readdirSync('/proc/self/fd').length - before
    t.ok(left < 20, `${left} more than before 300 sockets`)
  })
})
