// The documented events of net.Socket, the same assertions for both kinds. Titles begin with the name in Node's documentation.

import { once } from 'node:events'
import type { LookupFunction } from 'node:net'
import t from 'tap'
import { bothKinds } from '../support/both-kinds.ts'
import { eventLog, socketEvents } from '../support/event-log.ts'
import { freePort } from '../support/loopback.ts'
import { silentPort } from '../support/silent-port.ts'

const answering = (...addresses: string[]): LookupFunction => {
  const answers = addresses.map(address => ({ address, family: 4 }))
  return (_name, { all }, callback) => {
    if (all) process.nextTick(callback, null, answers)
    else process.nextTick(callback, null, addresses[0] as string, 4)
  }
}

bothKinds(t, "Event: 'close', once and last, without error after both sides ended", async (t, { pair }) => {
  const { client, accepted } = await pair()
  const log = eventLog(client, socketEvents)
  accepted.resume()
  client.resume()
  accepted.end('over')
  await once(client, 'close')
  t.same(log, ['end', 'finish', 'close false'])
})

bothKinds(t, "Event: 'close', with hadError after an error", async (t, { pair }) => {
  const { client } = await pair()
  const log = eventLog(client, socketEvents)
  const closed = new Promise(resolve => client.once('close', resolve))
  client.destroy(Object.assign(new Error('enough'), { code: 'ENOUGH' }))
  t.equal(await closed, true)
  t.same(log, ['error ENOUGH', 'close true'])
})

bothKinds(t, "Event: 'connect', once, when the socket is usable", async (t, { listen, connect, track }) => {
  const { port } = await listen()
  const client = track(connect(port, '127.0.0.1'))
  let calls = 0
  client.on('connect', () => {
    calls++
    t.match(client, { connecting: false, pending: false, readyState: 'open', remotePort: port })
  })
  await once(client, 'ready')
  t.equal(calls, 1)
})

bothKinds(t, "Event: 'ready', directly after connect", async (t, { listen, connect, track }) => {
  const { port } = await listen()
  const client = track(connect(port, '127.0.0.1'))
  const log = eventLog(client, ['connect', 'ready'])
  await once(client, 'ready')
  t.same(log, ['connect', 'ready'])
})

bothKinds(
  t,
  "Event: 'connectionAttempt', before connect, with address, port and family",
  async (t, { listen, connect, track }) => {
    const { port } = await listen()
    const client = track(connect(port, '127.0.0.1'))
    const log = eventLog(client, ['connectionAttempt', 'connectionAttemptFailed', 'connect'])
    t.same(await once(client, 'connectionAttempt'), ['127.0.0.1', port, 4])
    await once(client, 'connect')
    t.same(log, ['connectionAttempt', 'connect'])
  },
)

bothKinds(t, "Event: 'connectionAttempt' to a Unix socket has its path", async (t, { createServer, Socket, track, freePath }) => {
  const path = freePath()
  const server = track(createServer({}, accepted => accepted.end()))
  server.listen(path)
  await once(server, 'listening')
  const client = track(new Socket())
  const attempts: unknown[][] = []
  client.on('connectionAttempt', (...attempt) => attempts.push(attempt))
  client.connect(path)
  await once(client, 'connect')
  t.same(attempts, [[path, undefined, undefined]])
})

bothKinds(t, "Event: 'connectionAttemptFailed', before error, with the error", async (t, { connect, track }) => {
  const port = await freePort()
  const client = track(connect(port, '127.0.0.1'))
  const log = eventLog(client, ['connectionAttempt', 'connectionAttemptFailed', 'error', 'close'])
  const closed = new Promise(resolve => client.once('close', resolve))
  const failed = once(client, 'connectionAttemptFailed')
  const error = await new Promise<Error>(resolve => client.once('error', resolve))
  const [address, failedPort, family, reason] = await failed
  t.same([address, failedPort, family], ['127.0.0.1', port, 4])
  t.equal(reason, error)
  await closed
  t.same(log, ['connectionAttempt', 'connectionAttemptFailed', 'error ECONNREFUSED', 'close true'])
})

bothKinds(t, "Event: 'connectionAttemptFailed' of one address while another connects", async (t, { listen, connect, track }) => {
  const { port } = await listen()
  const client = track(connect({ port, host: 'two.addresses', lookup: answering('127.0.0.2', '127.0.0.1') }))
  const failed = once(client, 'connectionAttemptFailed')
  await once(client, 'connect')
  t.match(await failed, ['127.0.0.2', port, 4, { code: 'ECONNREFUSED', address: '127.0.0.2', port }])
})

bothKinds(t, "Event: 'connectionAttemptTimeout', after autoSelectFamilyAttemptTimeout", async (t, { connect, track }) => {
  const port = await silentPort(t)
  const lookup = answering('127.0.0.2', '127.0.0.1')
  const client = track(
    connect({ port, host: 'two.addresses', lookup, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 10 }),
  )
  client.on('connect', () => t.fail('nobody answers'))
  t.same(await once(client, 'connectionAttemptTimeout'), ['127.0.0.2', port, 4])
  t.equal(client.connecting, true, 'the last address has more time')
})

bothKinds(t, "Event: 'data', a Buffer, or a string once there is an encoding", async (t, { pair }) => {
  const { client, accepted } = await pair()
  accepted.write('grün')
  const [buffer] = await once(client, 'data')
  t.ok(Buffer.isBuffer(buffer))
  t.equal(String(buffer), 'grün')
  client.setEncoding('utf8')
  accepted.write('grün')
  t.same(await once(client, 'data'), ['grün'])
})

bothKinds(t, "Event: 'drain', after a write that returned false", async (t, { pair }) => {
  const { client, accepted } = await pair()
  while (client.write(Buffer.alloc(65_536)));
  t.equal(client.writableNeedDrain, true)
  accepted.resume()
  await once(client, 'drain')
  t.match(client, { writableNeedDrain: false, writableLength: 0 })
})

bothKinds(t, "Event: 'end', when the other side ended and all was read", async (t, { pair }) => {
  const { client, accepted } = await pair()
  const log = eventLog(client, ['data', 'end'])
  accepted.end('last words')
  await once(client, 'end')
  t.same(log, ['data', 'end'])
  t.equal(client.readable, false)
})

bothKinds(t, "Event: 'end' of a socket that is allowed to be half open leaves it writable", async (t, { pair }) => {
  const { client, accepted } = await pair({ client: { allowHalfOpen: true } })
  const heard = new Promise<string>(resolve => accepted.once('data', chunk => resolve(String(chunk))))
  client.resume()
  accepted.end()
  await once(client, 'end')
  t.match(client, { readyState: 'writeOnly', destroyed: false })
  client.end('still here')
  t.equal(await heard, 'still here')
})

bothKinds(t, "Event: 'error', directly before close", async (t, { pair }) => {
  const { client, accepted } = await pair()
  const log = eventLog(client, socketEvents)
  const closed = new Promise(resolve => client.once('close', resolve))
  client.resume()
  accepted.resetAndDestroy()
  await closed
  t.same(log, ['error ECONNRESET', 'close true'])
  t.match(client.errored, { code: 'ECONNRESET', syscall: 'read' })
})

bothKinds(t, "Event: 'lookup', once for each address, before the attempts", async (t, { listen, connect, track }) => {
  const { port } = await listen()
  const client = track(connect({ port, host: 'two.addresses', lookup: answering('127.0.0.2', '127.0.0.1') }))
  const lookups: unknown[][] = []
  const log = eventLog(client, ['lookup', 'connectionAttempt'])
  client.on('lookup', (...outcome) => lookups.push(outcome))
  await once(client, 'connect')
  t.same(lookups, [
    [null, '127.0.0.2', 4, 'two.addresses'],
    [null, '127.0.0.1', 4, 'two.addresses'],
  ])
  t.same(log.slice(0, 3), ['lookup', 'lookup', 'connectionAttempt'])
})

bothKinds(t, "Event: 'lookup', not for an address", async (t, { listen, connect, track }) => {
  const { port } = await listen()
  const client = track(connect(port, '127.0.0.1'))
  client.on('lookup', () => t.fail('an address needs none'))
  await once(client, 'connect')
})

bothKinds(t, "Event: 'lookup' with an error is followed by the event error with it", async (t, { connect, track }) => {
  const unknown = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
  const lookup: LookupFunction = (_name, _options, callback) => process.nextTick(callback, unknown, '', 0)
  const client = track(connect({ port: 1, host: 'some.name', lookup }))
  const log = eventLog(client, ['lookup', 'connectionAttempt', 'error', 'close'])
  const failed = new Promise(resolve => client.once('error', resolve))
  t.same(await once(client, 'lookup'), [unknown, undefined, undefined, 'some.name'])
  t.equal(await failed, unknown)
  await new Promise(resolve => client.once('close', resolve))
  t.same(log, ['lookup', 'error ENOTFOUND', 'close true'])
})

bothKinds(t, "Event: 'lookup' with what is no address is an error", async (t, { connect, track }) => {
  const client = track(connect({ port: 1, host: 'some.name', lookup: answering('nonsense') }))
  const error = await new Promise(resolve => client.once('error', resolve))
  t.match(error, { code: 'ERR_INVALID_IP_ADDRESS' })
})

bothKinds(t, "Event: 'lookup' is the last one of a socket that is destroyed by its listener", async (t, { listen, connect }) => {
  const { port } = await listen()
  const client = connect({ port, host: 'some.name', lookup: answering('127.0.0.1') })
  const log = eventLog(client, ['lookup', 'connectionAttempt', 'connect', 'close'])
  client.on('lookup', () => client.destroy())
  await once(client, 'close')
  t.same(log, ['lookup', 'close false'])
})

bothKinds(t, "Event: 'timeout', for which nothing is closed", async (t, { pair }) => {
  const { client } = await pair()
  client.setTimeout(10)
  await once(client, 'timeout')
  t.match(client, { destroyed: false, readyState: 'open', timeout: 10 })
})
