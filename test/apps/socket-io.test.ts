import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import t from 'tap'
import { Agent, createServer } from '../../lib/http.ts'
import { linked } from '../support/loopback.ts'
import { twoPaths } from '../support/two-paths.ts'

for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
  t.test(`socket.io by ${transports.join(' then ')}`, async t => {
    const http = createServer()
    const server = new Server(http)
    server.on('connection', socket => socket.on('echo', (data: Buffer, answer: (data: Buffer) => void) => answer(data)))
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    const { bond, relays } = await twoPaths(t, (http.address() as AddressInfo).port)
    const agent = new Agent({ bond, keepAlive: true })
    const client = io('http://server.example', { transports, agent: agent as never })
    await new Promise<void>(resolve => client.once('connect', resolve))
    const data = Buffer.alloc(200_000, 'hawser')
    t.ok(data.equals(await client.emitWithAck('echo', data)))
    const connections = http.bonded.connections
    await Promise.all(connections.map(socket => linked(socket, 2)))
    const lost = connections.map(socket => once(socket, 'linkclose'))
    relays[0].close()
    await Promise.all(lost)
    t.ok(data.equals(await client.emitWithAck('echo', data)))
    t.equal(client.connected, true)
    client.close()
    agent.destroy()
    await server.close()
  })
}
