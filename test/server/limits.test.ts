// What strangers and greedy peers may cost. Beside each an honest client must get what it wants.

import { once } from 'node:events'
import type { Socket as NetSocket } from 'node:net'
import t, { type Test } from 'tap'
import { HandshakeRate } from '../../lib/handshake-rate.ts'
import type { Server, Socket } from '../../lib/index.ts'
import { MessageType } from '../../lib/protocol/messages.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { connecting, linked, listening, working } from '../support/loopback.ts'
import { handshakeOver, randomId, rawLink, silent } from '../support/raw-link.ts'
import { stopTime } from '../support/stop-time.ts'
import { settled } from '../transports/manual-clock.ts'

async function silentSockets(t: Test, port: number, count: number): Promise<NetSocket[]> {
  const sockets = await Promise.all(Array.from({ length: count }, () => silent(port)))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  return sockets
}

const closeOf = (socket: NetSocket) => (socket.closed ? Promise.resolve() : once(socket.resume(), 'close'))

/** The server works for one who behaves. */
async function checkHonestClient(t: Test, server: Server): Promise<void> {
  const pair = corePair()
  const incoming = server.addLink(pair.server)
  const client = connecting(t, { links: [pair.client] })
  await once(client, 'connect')
  await incoming
  client.destroy()
}

t.test('who says nothing is closed after the handshake timeout', async t => {
  const { server, port } = await listening(t, { limits: { handshakeTimeout: 1_000 } })
  const clock = stopTime(t)
  const told = once(server, 'linkerror')
  const [socket] = (await silentSockets(t, port, 1)) as [NetSocket]
  await once(socket, 'data')
  await clock.advance(999)
  t.notOk(socket.destroyed)
  await clock.advance(1)
  await closeOf(socket)
  t.match(await told, [{ code: 'ETIMEDOUT', reason: 'handshake-timeout' }])
  await checkHonestClient(t, server)
})

t.test('one address has 16 handshakes at most, further ones are dropped at once; others are not concerned', async t => {
  const { server, port } = await listening(t)
  const drops: unknown[] = []
  server.on('drop', info => drops.push(info))
  const sockets = await silentSockets(t, port, 20)
  const closed: NetSocket[] = []
  for (const socket of sockets) socket.resume().on('close', () => closed.push(socket))
  while (closed.length < 4) await new Promise(resolve => setImmediate(resolve))
  t.equal(drops.length, 4)
  t.match(drops[0], { remoteAddress: '127.0.0.1', tag: /^TCP lo/ })
  await checkHonestClient(t, server)
  t.equal(closed.length, 4, 'the first 16 keep their chance')
})

t.test('when one of them is over there is room for another', async t => {
  const { server, port } = await listening(t)
  const sockets = await silentSockets(t, port, 16)
  const over = once(server, 'linkerror')
  sockets[0]?.destroy()
  await over
  await once(connecting(t, { port }), 'connect')
})

t.test('there are maxHandshakes of all addresses together', async t => {
  const { server } = await listening(t, { limits: { maxHandshakes: 3 } })
  const pairs = Array.from({ length: 5 }, () => corePair())
  const results = pairs.map(pair => server.addLink(pair.server))
  for (const result of results.slice(3)) await t.rejects(result, { code: 'ECONNREFUSED', reason: 'connection-refused' })
  for (const pair of pairs.slice(0, 3)) pair.client.destroy()
  for (const result of results.slice(0, 3)) await t.rejects(result)
  await checkHonestClient(t, server)
})

t.test('a crowd of silent sockets: all are gone in the end, and an honest client connects meanwhile', async t => {
  const { server, port } = await listening(t, { limits: { handshakeTimeout: 2_000 } })
  const clock = stopTime(t)
  const sockets = await silentSockets(t, port, 200)
  await checkHonestClient(t, server)
  for (const socket of sockets) socket.resume()
  while (sockets.filter(socket => socket.closed).length < 200 - 16) await settled()
  await clock.advance(2_000)
  await Promise.all(sockets.map(closeOf))
  await once(connecting(t, { port }), 'connect')
})

t.test('above limits.maxConnections a connection is refused, with event drop; links of others still join', async t => {
  const { server, port } = await listening(t, { limits: { maxConnections: 1 } })
  const dropped = once(server, 'drop')
  const first = connecting(t, { port })
  await linked(first)
  await t.rejects(once(connecting(t, { port }), 'connect'), { code: 'ECONNREFUSED', reason: 'connection-refused' })
  t.match(await dropped, [{ remoteAddress: '127.0.0.1' }])
  const pair = corePair()
  await Promise.all([server.addLink(pair.server), first.addLink(pair.client)])
  const gone = once(server.connections[0]!, 'close')
  first.destroy()
  server.connections[0]?.resume()
  await gone
  while ((server.connections.length as number) > 0) await new Promise(resolve => setImmediate(resolve))
  await until(async () => (await connects(t, port)) === true)
})

t.test('a connection has maxLinksPerConnection links, those that are being decided about included', async t => {
  const { server } = await listening(t, {
    limits: { maxLinksPerConnection: 2 },
    linkFilter: () => new Promise(resolve => setImmediate(resolve, true)),
  })
  const id = randomId()
  const pairs = Array.from({ length: 5 }, () => corePair())
  const incoming = Promise.allSettled(pairs.map(pair => server.addLink(pair.server)))
  const outgoing = await Promise.allSettled(pairs.map(pair => handshakeOver(pair.client, { id })))
  t.same(outgoing.map(({ status }) => status).sort(), ['fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected'])
  const refused = outgoing.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  for (const reason of refused) t.match(reason, { code: 'ECONNREFUSED', reason: 'link-refused' })
  await incoming
  t.equal(server.connections.length, 1)
  t.equal(server.connections[0]?.links.length, 2)
  for (const pair of pairs) pair.client.destroy()
  server.connections[0]?.terminate()
})

t.test('32 links by default', async t => {
  const { server } = await listening(t)
  const id = randomId()
  const pairs = Array.from({ length: 40 }, () => corePair())
  let accepted = 0
  let refused = 0
  for (const pair of pairs) {
    server.addLink(pair.server).catch(() => {})
    await handshakeOver(pair.client, { id }).then(
      () => accepted++,
      () => refused++,
    )
  }
  t.same([accepted, refused], [32, 8])
  server.connections[0]?.terminate()
  for (const pair of pairs) pair.client.destroy()
})

t.test('a flood of connections that go away at once: the limit holds, and an honest client is not disturbed', async t => {
  const { server, port } = await listening(t, { limits: { maxConnections: 30 } })
  server.on('connection', socket => socket.on('error', () => {}))
  const honest = connecting(t, { port })
  await working(honest)
  let refused = 0
  for (let round = 0; round < 50; round++) {
    const pair = corePair()
    server.addLink(pair.server).catch(() => {})
    await handshakeOver(pair.client).catch(() => refused++)
    pair.client.destroy()
  }
  t.ok(server.connections.length <= 30)
  t.equal(refused, 50 - 29)
  const [accepted] = server.connections as [Socket]
  honest.write('still here')
  const [heard] = await once(accepted, 'data')
  t.equal(String(heard), 'still here')
  for (const socket of server.connections) if (socket !== accepted) socket.terminate()
})

t.test('a connection whose links are gone before one ever worked is dropped after 10 s', async t => {
  const { server } = await listening(t)
  const connection = once(server, 'connection') as Promise<[Socket]>
  const pair = corePair()
  server.addLink(pair.server).catch(() => {})
  await handshakeOver(pair.client)
  const [accepted] = await connection
  const failed = new Promise<Error>(resolve => accepted.once('error', resolve))
  const lost = once(accepted, 'linkclose')
  const clock = stopTime(t)
  pair.client.destroy()
  await lost
  await clock.advance(9_999)
  t.equal(accepted.destroyed, false)
  await clock.advance(1)
  t.match(await failed, { code: 'ECONNABORTED', reason: 'all-links-failed' })
  t.equal(server.connections.length, 0)
})

t.test('a connection over which something came was used, though its link never passed a test here', async t => {
  const { server } = await listening(t)
  const connection = once(server, 'connection') as Promise<[Socket]>
  const pair = corePair()
  server.addLink(pair.server).catch(() => {})
  const channel = await handshakeOver(pair.client)
  const [accepted] = await connection
  accepted.on('error', () => {})
  const heard = once(accepted, 'data')
  channel.send({ type: MessageType.Data, sequence: 0, payload: [Buffer.from('x')], bytes: 1 })
  channel.flush()
  await heard
  const lost = once(accepted, 'linkclose')
  const clock = stopTime(t)
  pair.client.destroy()
  await lost
  await clock.advance(10_000)
  await new Promise(resolve => setImmediate(resolve))
  t.equal(accepted.destroyed, false, 'the client may come back until `noLinkTimeout`')
  accepted.terminate()
})

t.test('handshakes begin at a limited rate after a burst, in their order; one that is withdrawn does not begin', async t => {
  let nowMs = 0
  const rate = new HandshakeRate(() => nowMs)
  const begun: number[] = []
  const withdraw: (() => void)[] = []
  await new Promise<void>(resolve => {
    for (let index = 0; index < 410; index++) {
      withdraw[index] = rate.add(() => {
        begun.push(index)
        if (index === 409) resolve()
      })
    }
    t.equal(begun.length, 400)
    withdraw[405]?.()
    withdraw[3]?.()
    nowMs += 45 // for 9 more
  })
  t.equal(begun.length, 409)
  t.notOk(begun.includes(405))
  t.same(
    begun,
    [...begun].sort((a, b) => a - b),
  )
})

t.test('the last waiting handshake that is withdrawn leaves no timer', async t => {
  const rate = new HandshakeRate(() => 0)
  for (let index = 0; index < 400; index++) rate.add(() => {})
  const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
  const before = timers()
  const withdraw = rate.add(() => t.fail('withdrawn'))
  t.equal(timers(), before + 1)
  withdraw()
  t.equal(timers(), before)
})

t.test('a link that says it joins a connection that nobody knows is refused, and nothing of it stays', async t => {
  const { server, port } = await listening(t)
  server.on('connection', () => t.fail('there is no such connection'))
  await t.rejects(rawLink(port, { existing: true }), { code: 'ECONNRESET', reason: 'aborted-by-server' })
  t.equal(server.connections.length, 0)
  const closed = once(server, 'close')
  server.close()
  await closed
})

async function connects(t: Test, port: number): Promise<boolean> {
  const client = connecting(t, { port })
  return new Promise(resolve => {
    client.once('connect', () => resolve(true))
    client.once('error', () => resolve(false))
  })
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
}
