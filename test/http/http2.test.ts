// HTTP/2 over bonded connections, both sides.

import { once } from 'node:events'
import * as http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import * as tls from 'node:tls'
import t, { type Test } from 'tap'
import { connect, createServer, type Socket } from '../../lib/index.ts'
import { cert, key } from '../support/certificate.ts'
import { linked } from '../support/loopback.ts'
import { type TwoPaths, twoPaths } from '../support/two-paths.ts'

async function serving(
  t: Test,
  inner: { emit(event: 'connection', socket: Socket): boolean },
): Promise<TwoPaths & { server: ReturnType<typeof createServer> }> {
  const server = createServer({ allowHalfOpen: true }, socket => inner.emit('connection', socket))
  t.teardown(() => {
    server.close()
    for (const socket of server.connections) socket.terminate()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, ...(await twoPaths(t, (server.address() as AddressInfo).port)) }
}

/** Its connection is told of the end before the paths are gone. */
function closing(t: Test, session: http2.ClientHttp2Session): http2.ClientHttp2Session {
  t.teardown(async () => {
    if (session.destroyed) return
    const closed = once(session, 'close')
    session.close()
    await closed
  })
  return session
}

t.test('streams share one bonded connection, which outlives a link', async t => {
  const body = Buffer.alloc(2_000_000, 'hawser')
  const inner = http2.createServer()
  inner.on('stream', (stream, headers) => {
    stream.respond({ ':status': 200 })
    stream.end(headers[':path'] === '/small' ? 'small' : body)
  })
  const { bond, relays, server } = await serving(t, inner)
  const session = closing(t, http2.connect('http://server.example', { createConnection: () => connect(bond) }))
  await once(session, 'connect')
  t.equal(await text(session.request({ ':path': '/small' })), 'small')
  const [accepted] = server.connections as [Socket]
  await linked(accepted, 2)
  const files = [buffer(session.request({ ':path': '/1' })), buffer(session.request({ ':path': '/2' }))]
  const lost = once(accepted, 'linkclose')
  relays[0].close()
  await lost
  for (const file of await Promise.all(files)) t.ok(file.equals(body))
})

t.test('HTTP/2 with TLS inside of a bonded connection', async t => {
  const inner = http2.createSecureServer({ key, cert })
  inner.on('stream', stream => {
    stream.respond({ ':status': 200 })
    stream.end('secret')
  })
  const { bond } = await serving(t, inner)
  const createConnection = () => tls.connect({ socket: connect(bond), ca: cert, servername: 'localhost', ALPNProtocols: ['h2'] })
  const session = closing(t, http2.connect('https://localhost', { createConnection }))
  t.equal(await text(session.request({ ':path': '/' })), 'secret')
  t.equal(session.encrypted, true)
  t.equal(session.alpnProtocol, 'h2')
})
