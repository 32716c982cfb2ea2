// Signals of the package `abort-controller`, which are not Node's.

import { once } from 'node:events'
import { addAbortSignal } from 'node:stream'
import { AbortController as ForeignController } from 'abort-controller'
import t from 'tap'
import { connect, createServer } from '../../lib/index.ts'
import { connected, connecting, listening } from '../support/loopback.ts'

const controllers = [
  { name: 'native', make: () => new AbortController() },
  { name: 'abort-controller', make: () => new ForeignController() as unknown as AbortController },
]

for (const { name, make } of controllers) {
  t.test(`${name}: a signal destroys the socket that was connected with it`, async t => {
    const { server, port } = await listening(t)
    const controller = make()
    const socket = connecting(t, { port, signal: controller.signal })
    const [[accepted]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')])
    accepted.resume()
    controller.abort()
    t.match(await once(socket, 'error'), [{ name: 'AbortError', code: 'ABORT_ERR' }])
    await once(accepted, 'close')
  })

  t.test(`${name}: a signal that was aborted before never lets it connect`, async t => {
    const { server, port } = await listening(t)
    server.on('connection', () => t.fail('connected'))
    const controller = make()
    controller.abort()
    const socket = connect({ port, host: '127.0.0.1', signal: controller.signal })
    t.match(await once(socket, 'error'), [{ name: 'AbortError', code: 'ABORT_ERR' }])
  })

  t.test(`${name}: a signal closes the server that listens with it`, async t => {
    const controller = make()
    const server = createServer()
    server.listen({ port: 0, host: '127.0.0.1', signal: controller.signal })
    await once(server, 'listening')
    controller.abort()
    await once(server, 'close')
    t.equal(server.listening, false)
  })

  t.test(`${name}: addAbortSignal of node:stream`, async t => {
    const { client, accepted } = await connected(t)
    accepted.resume()
    const controller = make()
    addAbortSignal(controller.signal, client)
    controller.abort()
    t.match(await once(client, 'error'), [{ name: 'AbortError', code: 'ABORT_ERR' }])
  })
}
