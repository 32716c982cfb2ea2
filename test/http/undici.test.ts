// undici and fetch over bonded connections.

import { once } from 'node:events'
import * as https from 'node:https'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { Agent, Client, type Dispatcher, fetch, Pool } from 'undici'
import { type connect, createServer } from '../../lib/index.ts'
import { connector } from '../../lib/undici.ts'
import { cert, key } from '../support/certificate.ts'
import { freePort, linked } from '../support/loopback.ts'
import { twoPaths } from '../support/two-paths.ts'
import { serving } from './serving.ts'

function closing<T extends Dispatcher>(t: Test, dispatcher: T): T {
  t.teardown(() => dispatcher.destroy())
  return dispatcher
}

t.test('a Client sends its requests over one bonded connection', async t => {
  const { bond, server } = await serving(t, (request, response) => request.pipe(response))
  const client = closing(t, new Client('http://server.example', { connect: connector({ bond }) }))
  for (let round = 0; round < 3; round++) {
    const { statusCode, body } = await client.request({ path: '/', method: 'POST', body: `round ${round}` })
    t.equal(statusCode, 200)
    t.equal(await body.text(), `round ${round}`)
  }
  t.equal(server.bonded.connections.length, 1)
})

t.test('a Pool makes as many connections as it may', async t => {
  let most = 0
  const { bond, server } = await serving(t, (_request, response) => {
    most = Math.max(most, server.bonded.connections.length)
    response.end('x')
  })
  const pool = closing(t, new Pool('http://server.example', { connections: 3, connect: connector({ bond }) }))
  const answers = await Promise.all(
    Array.from({ length: 12 }, async () => (await pool.request({ path: '/', method: 'GET' })).body.text()),
  )
  t.same(new Set(answers), new Set(['x']))
  t.ok(most > 1 && most <= 3, `${most} connections`)
})

t.test('fetch with a dispatcher goes on over the other link when one is cut in its middle', async t => {
  const body = Buffer.alloc(3_000_000, 'hawser')
  let send = () => {}
  const { bond, server, relays } = await serving(t, (_request, response) => {
    response.write(body.subarray(0, 500_000))
    send = () => response.end(body.subarray(500_000))
  })
  const dispatcher = closing(t, new Agent({ connect: connector({ bond }) }))
  const response = await fetch('http://server.example/file', { dispatcher })
  const [accepted] = server.bonded.connections
  if (!accepted) throw new Error('no connection')
  await linked(accepted, 2)
  const lost = once(accepted, 'linkclose')
  relays[0].close()
  await lost
  send()
  t.ok(Buffer.from(await response.arrayBuffer()).equals(body))
})

t.test('https: origins get TLS inside of the bonded connection', async t => {
  const inner = https.createServer({ key, cert }, (_request, response) => response.end('secret'))
  const server = createServer({ allowHalfOpen: true }, socket => inner.emit('connection', socket))
  t.teardown(() => {
    server.close()
    for (const socket of server.connections) socket.terminate()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { bond } = await twoPaths(t, (server.address() as AddressInfo).port)
  const agent = closing(t, new Agent({ connect: connector({ bond, tls: { ca: cert } }) }))
  t.equal(await (await fetch('https://localhost/', { dispatcher: agent })).text(), 'secret')
  const failed = fetch('https://elsewhere.example/', { dispatcher: agent })
  await t.rejects(failed, { cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } })
})

t.test('a server that nobody reaches, and one that never answers, are errors with their code', async t => {
  const refused = closing(t, new Client(`http://127.0.0.1:${await freePort()}`, { connect: connector() }))
  await t.rejects(refused.request({ path: '/', method: 'GET' }), { code: 'ECONNREFUSED' })
  const { bond, relays } = await serving(t, () => {})
  for (const relay of relays) relay.stall()
  const late = closing(t, new Client('http://server.example', { connect: connector({ bond, timeout: 30 }) }))
  await t.rejects(late.request({ path: '/', method: 'GET' }), { code: 'ETIMEDOUT' })
})

t.test('the connector calls back later, never at once', async t => {
  const { port } = await serving(t, () => {})
  let returned = false
  await new Promise<void>(resolve => {
    connector()({ hostname: '127.0.0.1', protocol: 'http:', port: String(port) }, (_error, socket) => {
      t.equal(returned, true)
      ;(socket as unknown as ReturnType<typeof connect> | null)?.destroy()
      resolve()
    })
    returned = true
  })
})
