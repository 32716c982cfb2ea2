// TLS from end to end inside of bonded connections.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import * as tls from 'node:tls'
import t from 'tap'
import { connect, createServer, type Socket } from '../lib/index.ts'
import { cert, key } from './support/certificate.ts'
import { linked } from './support/loopback.ts'
import { twoPaths } from './support/two-paths.ts'

t.test('tls.connect over a bonded socket, a TLS server behind a bonded server, and a link that is cut', async t => {
  const inner = tls.createServer({ key, cert, allowHalfOpen: true }, socket => socket.pipe(socket))
  const server = createServer({ allowHalfOpen: true }, socket => inner.emit('connection', socket))
  t.teardown(() => {
    server.close()
    for (const socket of server.connections) socket.terminate()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { bond, relays } = await twoPaths(t, (server.address() as AddressInfo).port)
  const secure = tls.connect({ socket: connect(bond), ca: cert, servername: 'localhost' })
  await once(secure, 'secureConnect')
  t.equal(secure.authorized, true)
  const [accepted] = server.connections as [Socket]
  await linked(accepted, 2)
  const sent = Buffer.alloc(2_000_000, 'secret')
  const received = buffer(secure)
  secure.write(sent.subarray(0, 1_000_000))
  const lost = once(accepted, 'linkclose')
  relays[0].close()
  await lost
  secure.end(sent.subarray(1_000_000))
  t.ok((await received).equals(sent))
})
