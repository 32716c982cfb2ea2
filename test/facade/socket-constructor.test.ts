// new net.Socket([options]), the same assertions for both kinds.

import { once } from 'node:events'
import { BlockList, type SocketConstructorOpts } from 'node:net'
import t from 'tap'
import { Socket } from '../../lib/index.ts'
import { bothKinds, nodeSince } from '../support/both-kinds.ts'
import { eventLog } from '../support/event-log.ts'

/** With options that the types of the oldest Node do not have. */
const options = (options: object) => options as SocketConstructorOpts

bothKinds(t, 'new net.Socket([options]): nothing is connected yet', async (t, { Socket }) => {
  const socket = new Socket()
  t.match(socket, { connecting: false, pending: true, destroyed: false, readyState: 'open', allowHalfOpen: false })
  t.match(socket, { bytesRead: 0, bytesWritten: 0, timeout: undefined, server: null })
})

bothKinds(t, 'new net.Socket([options]): allowHalfOpen', async (t, { pair }) => {
  const { client, accepted } = await pair({ client: { allowHalfOpen: true } })
  t.equal(client.allowHalfOpen, true)
  accepted.resume()
  accepted.end()
  client.resume()
  await once(client, 'end')
  t.equal(client.writable, true)
  client.end()
  await once(accepted, 'close')
})

bothKinds(t, 'new net.Socket([options]): keepAlive, keepAliveInitialDelay, noDelay', async (t, { pair, Socket }) => {
  const { client } = await pair({ client: options({ keepAlive: true, keepAliveInitialDelay: 5_000, noDelay: true }) })
  t.equal(client.readyState, 'open')
  t.doesNotThrow(() => new Socket(options({ keepAliveInitialDelay: -1 })))
  t.throws(() => new Socket(options({ keepAliveInitialDelay: '5' })), { code: 'ERR_INVALID_ARG_TYPE' })
})

bothKinds(t, 'new net.Socket([options]): onread gets the bytes, not the stream', async (t, { pair }) => {
  const buffer = Buffer.alloc(4)
  const chunks: string[] = []
  const onread = {
    buffer,
    callback(bytes: number, into: Uint8Array) {
      t.equal(into, buffer)
      chunks.push(buffer.toString('latin1', 0, bytes))
      return true
    },
  }
  const { client, accepted } = await pair({ client: options({ onread }) })
  client.on('data', () => t.fail('nothing comes through the stream'))
  const log = eventLog(client, ['end', 'close'])
  accepted.end('0123456789')
  await once(client, 'close')
  t.equal(chunks.join(''), '0123456789')
  t.ok(chunks.every(chunk => chunk.length <= 4))
  t.same(log, ['end', 'close false'])
  t.equal(client.bytesRead, 10)
})

bothKinds(t, 'new net.Socket([options]): onread with a function that gives a buffer for each chunk', async (t, { pair }) => {
  const given: Uint8Array[] = []
  const onread = {
    buffer: () => {
      const buffer = new Uint8Array(3)
      given.push(buffer)
      return buffer
    },
    callback(bytes: number, into: Uint8Array) {
      t.ok(given.includes(into))
      heard += Buffer.from(into.subarray(0, bytes)).toString('latin1')
      return true
    },
  }
  let heard = ''
  const { client, accepted } = await pair({ client: options({ onread }) })
  accepted.end('abcdefgh')
  await once(client, 'end')
  t.equal(heard, 'abcdefgh')
  t.ok(new Set(given).size >= 3)
})

bothKinds(t, 'new net.Socket([options]): onread stops at false and goes on with resume', async (t, { pair }) => {
  let heard = ''
  let stopped = false
  const turns: (() => void)[] = []
  const onread = {
    buffer: Buffer.alloc(2),
    callback(bytes: number, buffer: Uint8Array) {
      t.equal(stopped, false, 'nothing comes while it is stopped')
      heard += Buffer.from(buffer.subarray(0, bytes)).toString('latin1')
      stopped = true
      turns.shift()?.()
      return false
    },
  }
  const first = new Promise<void>(resolve => turns.push(resolve))
  const { client, accepted } = await pair({ client: options({ onread }) })
  client.on('end', () => t.equal(heard, '123456', 'the end comes after all of it'))
  accepted.end('123456')
  await first
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  t.equal(heard, '12')
  while (heard.length < 6) {
    const next = new Promise<void>(resolve => turns.push(resolve))
    stopped = false
    client.resume()
    await next
  }
  client.resume()
  await once(client, 'close')
})

bothKinds(t, 'new net.Socket([options]): onread and pause', async (t, { pair }) => {
  let heard = ''
  const onread = {
    buffer: Buffer.alloc(100),
    callback(bytes: number, buffer: Uint8Array) {
      heard += Buffer.from(buffer.subarray(0, bytes)).toString('latin1')
      return true
    },
  }
  const { client, accepted } = await pair({ client: options({ onread }) })
  client.pause()
  accepted.end('later')
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  t.equal(heard, '')
  client.resume()
  await once(client, 'end')
  t.equal(heard, 'later')
})

bothKinds(t, 'new net.Socket([options]): signal destroys with AbortError', async (t, { listen, Socket, track }) => {
  const { port } = await listen()
  const controller = new AbortController()
  const client = track(new Socket({ signal: controller.signal }))
  client.connect(port, '127.0.0.1')
  await once(client, 'connect')
  const log = eventLog(client, ['error', 'close'])
  const closed = new Promise(resolve => client.once('close', resolve))
  const failed = new Promise(resolve => client.once('error', resolve))
  controller.abort()
  t.match(await failed, { name: 'AbortError', code: 'ABORT_ERR' })
  await closed
  t.same(log, ['error ABORT_ERR', 'close true'])
})

bothKinds(
  t,
  'new net.Socket([options]): typeOfService',
  async (t, { Socket }) => {
    t.equal((new Socket(options({ typeOfService: 16 })) as unknown as Socket).getTypeOfService(), 16)
    t.throws(() => new Socket(options({ typeOfService: 256 })), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => new Socket(options({ typeOfService: '1' })), { code: 'ERR_INVALID_ARG_TYPE' })
  },
  { inNode: nodeSince('24.15', '25.6') },
)

bothKinds(
  t,
  'new net.Socket([options]): blockList',
  async (t, { listen, Socket, track }) => {
    const { port } = await listen()
    const blockList = new BlockList()
    blockList.addAddress('127.0.0.1')
    const client = track(new Socket(options({ blockList })))
    client.on('connect', () => t.fail('blocked'))
    client.connect(port, '127.0.0.1')
    t.match(await new Promise(resolve => client.once('error', resolve)), { code: 'ERR_IP_BLOCKED' })
    t.throws(() => new Socket(options({ blockList: {} })), { code: 'ERR_INVALID_ARG_TYPE' })
  },
  { inNode: nodeSince('22.13', '23.4') },
)

bothKinds(t, 'new net.Socket([options]): objects are no bytes', async (t, { Socket }) => {
  for (const name of ['objectMode', 'readableObjectMode', 'writableObjectMode']) {
    t.throws(() => new Socket(options({ [name]: true })), { code: 'ERR_INVALID_ARG_VALUE' }, name)
  }
})

t.test('readable and writable without fd are ignored, as the documentation of net.Socket says', async t => {
  t.match(new Socket(options({ readable: false, writable: false })), { readable: true, writable: true })
})

t.test('fd and handle are refused, for a bonded connection is no single socket of the system', async t => {
  const refused = { code: 'ERR_INVALID_ARG_VALUE', message: /links: \[new net\.Socket/ }
  t.throws(() => new Socket(options({ fd: 1 })), refused)
  t.throws(() => new Socket(1 as unknown as object), refused)
  t.throws(() => new Socket(options({ handle: {} })), refused)
})

t.test('an onread that cannot work is refused', async t => {
  const callback = () => true
  const buffer = Buffer.alloc(1)
  for (const onread of [{ buffer }, { callback }, { buffer: 'x', callback }, { buffer, callback: 5 }]) {
    t.throws(() => new Socket(options({ onread })), { code: 'ERR_INVALID_ARG_TYPE', message: /onread/ })
  }
})

bothKinds(t, 'new net.Socket([options]): resume and pause in the callback of onread', async (t, { pair }) => {
  let heard = ''
  const onread = {
    buffer: Buffer.alloc(1),
    callback(bytes: number, buffer: Uint8Array) {
      heard += Buffer.from(buffer.subarray(0, bytes)).toString('latin1')
      ends.client?.pause()
      ends.client?.resume()
      return true
    },
  }
  const ends: { client?: Socket } = {}
  const { client, accepted } = await pair({ client: options({ onread }) })
  ends.client = client as unknown as Socket
  accepted.end('abc')
  await once(client, 'end')
  t.equal(heard, 'abc')
})

t.test('a buffer of onread that is none destroys the socket, for there is no place for what was received', async t => {
  const { connected } = await import('../support/loopback.ts')
  const onread = { buffer: () => null as unknown as Uint8Array, callback: () => t.fail('no buffer') as never }
  const { client, accepted } = await connected(t, { onread })
  accepted.write('x')
  const error = await new Promise(resolve => client.once('error', resolve))
  t.match(error, { code: 'ERR_INVALID_ARG_TYPE', message: /onread\.buffer/ })
})
