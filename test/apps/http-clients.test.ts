// axios, got, undici against express; each is in the middle of an answer when a link is cut.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import axios from 'axios'
import express from 'express'
import got from 'got'
import t, { type Test } from 'tap'
import { request, Agent as UndiciAgent } from 'undici'
import { Agent, createServer, type Server } from '../../lib/http.ts'
import { connector } from '../../lib/undici.ts'
import { linked } from '../support/loopback.ts'
import { type TwoPaths, twoPaths } from '../support/two-paths.ts'

const FILE = Buffer.alloc(3_000_000, 'hawser')

interface Application extends TwoPaths {
  readonly server: Server
}

/** An express application: /file cuts one link in the middle of its answer, /echo sends back JSON. */
async function application(t: Test): Promise<Application> {
  const app = express()
  app.use(express.json({ limit: '10mb' }))
  app.post('/echo', (incoming, answer) => {
    answer.json({ got: incoming.body })
  })
  app.get('/file', async (_incoming, answer) => {
    answer.write(FILE.subarray(0, 1_000_000))
    const [socket] = server.bonded.connections
    if (!socket) throw new Error('no connection')
    await linked(socket, 2)
    const lost = once(socket, 'linkclose')
    paths.relays[0].close()
    await lost
    answer.end(FILE.subarray(1_000_000))
  })
  const server = createServer(app)
  t.teardown(() => {
    server.close()
    for (const socket of server.bonded.connections) socket.terminate()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const paths = await twoPaths(t, (server.address() as AddressInfo).port)
  return { server, ...paths }
}

const rope = { name: 'rope', strands: Array.from({ length: 1_000 }, (_, index) => index) }

t.test('axios', async t => {
  const { bond } = await application(t)
  const httpAgent = new Agent({ bond, keepAlive: true })
  t.teardown(() => httpAgent.destroy())
  const client = axios.create({ baseURL: 'http://server.example', httpAgent, proxy: false })
  t.same((await client.post('/echo', rope)).data, { got: rope })
  t.ok(Buffer.from((await client.get('/file', { responseType: 'arraybuffer' })).data).equals(FILE))
  t.match(await client.get('/missing').catch(error => error), { response: { status: 404 } })
})

t.test('got', async t => {
  const { bond } = await application(t)
  const agent = new Agent({ bond, keepAlive: true })
  t.teardown(() => agent.destroy())
  const client = got.extend({ prefixUrl: 'http://server.example', agent: { http: agent } })
  t.same(await client.post('echo', { json: rope }).json(), { got: rope })
  t.ok((await client('file').buffer()).equals(FILE))
  t.match(await client('missing').catch(error => error), { response: { statusCode: 404 } })
})

t.test('undici', async t => {
  const { bond } = await application(t)
  const dispatcher = new UndiciAgent({ connect: connector({ bond }) })
  t.teardown(() => dispatcher.destroy())
  const headers = { 'content-type': 'application/json' }
  const echo = await request('http://server.example/echo', { dispatcher, method: 'POST', headers, body: JSON.stringify(rope) })
  t.same(await echo.body.json(), { got: rope })
  const file = await request('http://server.example/file', { dispatcher })
  t.ok(Buffer.from(await file.body.arrayBuffer()).equals(FILE))
})
