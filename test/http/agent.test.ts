// Node's HTTP client and server over bonded connections.

import { once } from 'node:events'
import * as http from 'node:http'
import * as https from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { Agent, type AgentOptions, HttpsAgent } from '../../lib/http.ts'
import { createServer, Socket } from '../../lib/index.ts'
import { cert, key } from '../support/certificate.ts'
import { linked } from '../support/loopback.ts'
import { twoPaths } from '../support/two-paths.ts'
import { serving } from './serving.ts'

function agentOf(t: Test, options: AgentOptions): Agent {
  const agent = new Agent(options)
  t.teardown(() => agent.destroy())
  return agent
}

interface Answer {
  readonly status: number | undefined
  readonly body: string
  readonly socket: Socket
}

async function answerTo(request: http.ClientRequest): Promise<Answer> {
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const socket = response.socket as unknown as Socket
  return { status: response.statusCode, body: await text(response), socket }
}

t.test('requests go over bonded connections, which keep-alive uses again', async t => {
  const { bond, server } = await serving(t, (request, response) => response.end(`${request.method} ${request.url}`))
  const agent = agentOf(t, { keepAlive: true, bond })
  const connections: unknown[] = []
  server.on('connection', socket => connections.push(socket))
  const first = await answerTo(http.get('http://server.example/one?a=b', { agent }))
  t.match(first, { status: 200, body: 'GET /one?a=b' })
  t.ok(first.socket instanceof Socket)
  await linked(first.socket, 2)
  await new Promise(resolve => setImmediate(resolve)) // it becomes free behind the end of the answer
  const post = http.request('http://server.example/two', { agent, method: 'POST' })
  post.end('body')
  const second = await answerTo(post)
  t.match(second, { status: 200, body: 'POST /two' })
  t.equal(second.socket, first.socket)
  t.equal(connections.length, 1)
})

t.test('without transports the connection goes to host and port of the request', async t => {
  const { port } = await serving(t, (_request, response) => response.end('here'))
  const agent = agentOf(t, {})
  t.match(await answerTo(http.get({ port, host: '127.0.0.1', agent })), { status: 200, body: 'here' })
})

t.test('bond may be a function of where the request goes', async t => {
  const { bond } = await serving(t, (_request, response) => response.end('here'))
  const targets: object[] = []
  const agent = agentOf(t, {
    bond: target => {
      targets.push(target)
      return bond
    },
  })
  t.match(await answerTo(http.get('http://server.example:8080/', { agent })), { status: 200 })
  t.same(targets, [{ host: 'server.example', port: 8_080 }])
})

t.test('maxSockets makes requests wait for their turn', async t => {
  let atOnce = 0
  let most = 0
  const { bond } = await serving(t, (_request, response) => {
    most = Math.max(most, ++atOnce)
    setImmediate(() => {
      atOnce--
      response.end('done')
    })
  })
  const agent = agentOf(t, { keepAlive: true, maxSockets: 2, bond })
  const answers = await Promise.all(Array.from({ length: 10 }, () => answerTo(http.get('http://server.example/', { agent }))))
  t.equal(answers.filter(({ body }) => body === 'done').length, 10)
  t.ok(most <= 2, `${most} at once`)
  t.ok(new Set(answers.map(({ socket }) => socket)).size <= 2)
})

t.test('the timeout of a request or of the agent tells that nothing moves', async t => {
  const { bond } = await serving(t, () => {})
  for (const options of [{ timeout: 20 }, {}]) {
    const agent = agentOf(t, { bond, ...(options.timeout === undefined && { timeout: 20 }) })
    const request = http.get('http://server.example/', { agent, ...options })
    await once(request, 'timeout')
    request.destroy()
    t.match(await once(request, 'error'), [{ code: 'ECONNRESET' }])
  }
})

t.test('an answer goes on over the other link when one is cut in its middle', async t => {
  const body = Buffer.alloc(3_000_000, 'hawser')
  let send = () => {}
  const { bond, relays } = await serving(t, (_request, response) => {
    response.write(body.subarray(0, 1_000_000))
    send = () => response.end(body.subarray(1_000_000))
  })
  const request = http.get('http://server.example/', { agent: agentOf(t, { bond }) })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const socket = response.socket as unknown as Socket
  await linked(socket, 2)
  const received: Buffer[] = []
  let cut = false
  for await (const chunk of response) {
    received.push(chunk)
    if (cut) continue
    cut = true
    relays[0].close()
    await once(socket, 'linkclose')
    send()
  }
  t.ok(Buffer.concat(received).equals(body))
})

t.test('a server that nobody reaches is an error of the request with its code', async t => {
  const { bond, relays } = await serving(t, () => {})
  for (const relay of relays) relay.close()
  const request = http.get('http://server.example/', { agent: agentOf(t, { bond }) })
  t.match(await once(request, 'error'), [{ code: 'ECONNREFUSED' }])
})

t.test('a request that is aborted closes its connection', async t => {
  const { bond, server } = await serving(t, () => {})
  const controller = new AbortController()
  const request = http.get('http://server.example/', { agent: agentOf(t, { bond }), signal: controller.signal })
  const [accepted] = await once(server, 'connection')
  const closed = once(accepted, 'close')
  controller.abort()
  t.match(await once(request, 'error'), [{ code: 'ABORT_ERR' }])
  await closed
})

t.test('HTTPS runs from end to end inside of bonded connections', async t => {
  const inner = https.createServer({ key, cert }, (_request, response) => response.end('secret'))
  const server = createServer({ allowHalfOpen: true }, socket => inner.emit('connection', socket))
  t.teardown(() => {
    server.close()
    for (const socket of server.connections) socket.terminate()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { bond } = await twoPaths(t, (server.address() as AddressInfo).port)
  const agent = new HttpsAgent({ bond, ca: cert, keepAlive: true })
  t.teardown(() => agent.destroy())
  for (let round = 0; round < 2; round++) {
    const answer = await answerTo(https.get('https://localhost/', { agent }))
    t.match(answer, { status: 200, body: 'secret' })
    t.match(answer.socket, { encrypted: true, authorized: true })
  }
  t.equal(server.connections.length, 1)
  const stranger = https.get('https://elsewhere.example/', { agent })
  t.match(await once(stranger, 'error'), [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }])
})
