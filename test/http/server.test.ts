// Node's HTTP server over bonded connections: what it does besides answering requests.

import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import WebSocket, { WebSocketServer } from 'ws'
import { Agent, createServer } from '../../lib/http.ts'
import { connect, type Socket } from '../../lib/index.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { linked } from '../support/loopback.ts'
import { serving } from './serving.ts'

t.test('it is an http.Server that tells where it listens', async t => {
  const server = createServer()
  t.ok(server instanceof http.Server)
  t.equal(server.listening, false)
  t.equal(server.address(), null)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.equal(server.listening, true)
  t.match(server.address(), { address: '127.0.0.1', family: 'IPv4' })
  const closed = once(server, 'close')
  server.close()
  t.equal(server.listening, false)
  await closed
})

t.test('close of a server that does not run is ERR_SERVER_NOT_RUNNING for the callback', async t => {
  const error = await new Promise(resolve => createServer().close(resolve))
  t.match(error, { code: 'ERR_SERVER_NOT_RUNNING' })
})

t.test('close waits for requests under way and closes idle connections', async t => {
  let answer = () => {}
  const { bond, server } = await serving(t, (request, response) => {
    if (request.url === '/quick') response.end('quick')
    else answer = () => response.end('slow')
  })
  server.keepAliveTimeout = 1 // an answered request leaves its connection open for so long, as in Node
  const agent = new Agent({ keepAlive: true, bond })
  t.teardown(() => agent.destroy())
  const get = async (path: string): Promise<string> => {
    const [response] = (await once(http.get(`http://server.example${path}`, { agent }), 'response')) as [http.IncomingMessage]
    return text(response)
  }
  const slow = get('/slow')
  await once(server, 'request')
  t.equal(await get('/quick'), 'quick')
  let closed = false
  const done = new Promise(resolve => {
    server.close(error => {
      closed = true
      resolve(error)
    })
  })
  t.equal(closed, false)
  answer()
  t.equal(await slow, 'slow')
  t.equal(await done, undefined)
})

t.test('links by hand are served, and the server looks after requests that never become complete', async t => {
  const server = createServer({ connectionsCheckingInterval: 10, headersTimeout: 20, requestTimeout: 20 })
  t.teardown(() => server.close())
  const pair = corePair()
  const client = connect({ links: [pair.client] })
  await Promise.all([server.bonded.addLink(pair.server), once(client, 'connect')])
  client.write('GET / HTTP/1.1\r\nHost: ')
  t.match(await text(client), /^HTTP\/1.1 408 Request Timeout/)
})

t.test('maxConnections drops what is too much', async t => {
  const { port, server } = await serving(t, (_request, response) => response.end())
  server.maxConnections = 0
  t.equal(server.bonded.maxConnections, 0)
  const dropped = once(server, 'drop')
  const client = connect({ port, host: '127.0.0.1' })
  client.resume()
  await once(client, 'close')
  await dropped
})

t.test('an upgrade hands over the socket, and bytes behind the head', async t => {
  const { bond, server } = await serving(t, () => {})
  server.on('upgrade', (_request, socket: Socket, head: Buffer) => {
    t.equal(head.toString(), 'early')
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  const socket = connect(bond)
  t.teardown(() => socket.destroy())
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly')
  t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1.1 101 /)
  socket.write('hello')
  t.equal(String((await once(socket, 'data'))[0]), 'hello')
})

t.test('a WebSocket over a bonded connection lives on when one link is cut', async t => {
  const { bond, server, relays } = await serving(t, () => {})
  const sockets = new WebSocketServer({ server: server as http.Server, perMessageDeflate: false })
  sockets.on('connection', socket => socket.on('message', message => socket.send(message)))
  const agent = new Agent({ bond })
  t.teardown(() => agent.destroy())
  const client = new WebSocket('ws://server.example/', { agent, perMessageDeflate: false })
  t.teardown(() => client.terminate())
  await once(client, 'open')
  const [bonded] = server.bonded.connections as [Socket]
  await linked(bonded, 2)
  const echo = async (bytes: number) => {
    client.send(Buffer.alloc(bytes, 'x'))
    const [message] = (await once(client, 'message')) as [Buffer]
    return message.byteLength
  }
  t.equal(await echo(100), 100)
  relays[0].close()
  await once(bonded, 'linkclose')
  t.equal(await echo(1_000_000), 1_000_000)
  const closed = once(client, 'close')
  client.close(1000)
  t.equal((await closed)[0], 1_000)
})

t.test('it closes by asyncDispose', async t => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.ok((server.address() as AddressInfo).port > 0)
  await server[Symbol.asyncDispose]()
  t.equal(server.listening, false)
  await createServer()[Symbol.asyncDispose]()
})
