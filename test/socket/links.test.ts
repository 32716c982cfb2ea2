// The links of a connection, as the application sees and steers them.

import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { Link, Socket } from '../../lib/index.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { type Connected, connected, connecting, listening } from '../support/loopback.ts'

/** Adds a link over memory to a connection. */
async function join({ client, server }: Connected): Promise<{ near: Link; far: Link }> {
  const pair = corePair()
  const [near, far] = await Promise.all([client.addLink(pair.client), server.addLink(pair.server)])
  return { near, far }
}

async function working(...links: Link[]): Promise<void> {
  for (const link of links) if (!link.working) await once(link, 'working')
}

/** Two links, both working at both ends. */
async function twoLinks(t: Test): Promise<Connected & { first: Link; second: Link; near: Link; far: Link }> {
  const ends = await connected(t)
  const { near, far } = await join(ends)
  const [first] = ends.client.links as [Link]
  await working(...ends.client.links, ...ends.accepted.links)
  return { ...ends, first, second: near, near, far }
}

async function echo(client: Socket, accepted: Socket, text: string): Promise<string> {
  client.write(text)
  const [heard] = await once(accepted, 'data')
  return String(heard)
}

t.test('every link is announced at both ends, at the server with its socket, after the connection itself', async t => {
  const order: string[] = []
  const ends = await connected(t, {}, {})
  ends.server.on('connection', () => order.push('connection'))
  ends.server.on('link', (link, socket) => {
    order.push('link of server')
    t.equal(link.direction, 'incoming')
    t.equal(socket, ends.accepted)
  })
  ends.accepted.on('link', () => order.push('link of accepted'))
  ends.client.on('link', link => t.equal(link.direction, 'outgoing'))
  const { near, far } = await join(ends)
  t.same(order, ['link of accepted', 'link of server'])
  t.same(ends.client.links.slice(1), [near])
  t.same(ends.accepted.links.slice(1), [far])
})

t.test('the first link is announced, too: a listener that connection attaches hears it', async t => {
  const { server, port } = await listening(t)
  const order: string[] = []
  server.on('connection', accepted => {
    order.push('connection')
    accepted.on('link', () => order.push('link of accepted'))
  })
  server.on('link', () => order.push('link of server'))
  const client = connecting(t, { port })
  client.on('connect', () => order.push('connect'))
  client.on('link', () => order.push('link of client'))
  await once(client, 'link')
  t.same(order, ['connection', 'link of accepted', 'link of server', 'connect', 'link of client'])
})

t.test('a link that joined works soon, and tells so', async t => {
  const ends = await connected(t)
  const { near } = await join(ends)
  if (!near.working) {
    t.equal(near.notWorkingReason, 'new')
    await once(near, 'working')
  }
  t.equal(near.working, true)
  t.equal(near.notWorkingReason, null)
  t.equal(near.disconnectReason, null)
})

t.test('disconnect removes a link in good order at both ends; the data goes on', async t => {
  const { client, accepted, first, near, far } = await twoLinks(t)
  const farClosed = once(far, 'close')
  const told = once(client, 'linkclose')
  client.on('linkerror', () => t.fail('no error'))
  const gone = near.disconnect()
  t.equal(near.notWorkingReason, 'disconnecting')
  await gone
  t.same(await farClosed, ['remotely-requested'])
  t.same(await told, [near, 'locally-requested'])
  t.equal(near.disconnectReason, 'locally-requested')
  t.equal(far.disconnectReason, 'remotely-requested')
  t.same(client.links, [first])
  t.ok(near.stats.bytesSent > 0, 'the last statistics stay')
  await near.disconnect()
  t.equal(await echo(client, accepted, 'over the other'), 'over the other')
})

t.test('a link that is lost is told with its error; the connection goes on', async t => {
  const { client, accepted, far, near } = await twoLinks(t)
  const told = once(client, 'linkerror')
  const closed = once(client, 'linkclose')
  near.stream.destroy(new Error('cable cut'))
  const [error, tag] = await told
  t.equal(error.message, 'cable cut')
  t.equal(tag, near.tag)
  t.same(await closed, [near, 'io-error'])
  if (far.disconnectReason === null) await once(far, 'close')
  t.equal(await echo(client, accepted, 'still here'), 'still here')
})

t.test('a link whose bytes make no sense is told with code and reason; the connection goes on', async t => {
  const { client, accepted, far } = await twoLinks(t)
  const told = once(client, 'linkerror')
  far.stream.write(Buffer.alloc(64, 0xff))
  t.match(await told, [{ code: 'EPROTO', reason: 'protocol-error' }])
  t.equal(await echo(client, accepted, 'still here'), 'still here')
})

t.test('the server hears of a lost link with its socket', async t => {
  const { server, accepted, far } = await twoLinks(t)
  const told = once(server, 'linkerror')
  far.stream.destroy(new Error('cable cut'))
  const [error, tag, socket] = await told
  t.equal(error.message, 'cable cut')
  t.equal(tag, far.tag)
  t.equal(socket, accepted)
})

t.test('a blocked link carries no data until it is unblocked, in neither direction; both ends know', async t => {
  const { client, accepted, first, near, far } = await twoLinks(t)
  const farBlocked = once(far, 'blocked')
  near.block()
  t.equal(near.blocked, true)
  await farBlocked
  t.equal(far.remotelyBlocked, true)
  t.equal(far.blocked, false)
  const sentBefore = [near.stats.bytesSent, first.stats.bytesSent]
  t.equal(await echo(client, accepted, 'x'.repeat(1_000)), 'x'.repeat(1_000))
  t.ok(near.stats.bytesSent - sentBefore[0]! < 1_000, 'not over the blocked link')
  t.ok(first.stats.bytesSent - sentBefore[1]! > 1_000, 'but over the other')
  const farUnblocked = once(far, 'blocked')
  near.unblock()
  await farUnblocked
  t.equal(far.remotelyBlocked, false)
})

t.test('with its only link blocked a connection waits, and goes on when it is unblocked', async t => {
  const { client, accepted } = await connected(t)
  const [link] = client.links as [Link]
  const [far] = accepted.links as [Link]
  await working(link, far)
  link.block()
  await once(far, 'blocked')
  let heard = ''
  accepted.on('data', chunk => {
    heard += chunk
  })
  client.write('waits')
  const ponged = link.stats.bytesReceived
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  t.equal(heard, '')
  t.ok(link.stats.bytesReceived >= ponged)
  link.unblock()
  await once(accepted, 'data')
  t.equal(heard, 'waits')
})

t.test('the configuration of a link can be looked at and laid over while it runs; what makes no sense is refused', async t => {
  const ends = await connected(t, { config: { link: { pingTimeout: 5_000 } } })
  const [link] = ends.client.links as [Link]
  t.equal(link.config.pingTimeout, 5_000)
  link.config = { maxPing: 500, ping: { interval: 100 } }
  t.match(link.config, { maxPing: 500, pingTimeout: 5_000, ping: { interval: 100, mode: 'whenIdle' } })
  t.throws(
    () => {
      link.config = { maxPing: -1 }
    },
    { code: 'ERR_OUT_OF_RANGE' },
  )
  t.equal(link.config.maxPing, 500)
})

t.test('a link may be added with a configuration of its own', async t => {
  const ends = await connected(t)
  const pair = corePair()
  const serverLink = ends.server.addLink(pair.server, { config: { pingTimeout: 7_000 } })
  const link = await ends.client.addLink(pair.client, { config: { testDataLimit: 0 }, tag: 'special' })
  t.equal(link.config.testDataLimit, 0)
  t.equal((await serverLink).config.pingTimeout, 7_000)
  t.equal(String(link.tag), 'special')
})

t.test('statistics of a link and of the connection', async t => {
  const { client, accepted, first, near } = await twoLinks(t)
  accepted.resume()
  await new Promise<void>(resolve => client.write(Buffer.alloc(300_000), () => resolve()))
  const [one, two] = [first.stats, near.stats]
  t.ok(one.bytesSent + two.bytesSent > 300_000)
  for (const stats of [one, two]) {
    t.ok(stats.roundTrip >= 0)
    t.ok(stats.window > 0)
    t.equal(stats.hangs, 0)
    t.equal(stats.intervals.length, 4)
  }
  const all = client.stats
  t.ok(all.established! > 0)
  t.equal(all.notWorkingSince, null)
})

t.test('every link has an id of its own', async t => {
  const { client, accepted } = await twoLinks(t)
  const ids = [...client.links, ...accepted.links].map(link => link.id)
  t.equal(new Set(ids).size, 4)
})

t.test('a link is a closed book after the connection', async t => {
  const { client, accepted, near } = await twoLinks(t)
  const closed = once(near, 'close')
  accepted.on('error', () => {})
  client.terminate()
  t.same(await closed, ['terminated'])
  t.equal(near.working, false)
  t.equal(near.notWorkingReason, 'disconnecting')
  near.block()
  near.config = { maxPing: 1 }
  await near.disconnect()
  t.equal(near.listenerCount('close'), 0)
})

t.test('a late link joins while data flows, and carries part of it', async t => {
  const ends = await connected(t)
  const { client, accepted } = ends
  const bytes = 4_000_000
  let heard = 0
  accepted.on('data', chunk => {
    heard += chunk.length
  })
  client.end(Buffer.alloc(bytes))
  const { near } = await join(ends)
  await once(accepted, 'end')
  t.equal(heard, bytes)
  t.ok(near.stats.bytesSent > 8_192, 'more than its test')
})

t.test('addLink on a socket of a server is refused: the client makes the links', async t => {
  const { accepted } = await connected(t)
  const pair = corePair()
  await t.rejects(accepted.addLink(pair.client), { code: 'ERR_INVALID_ARG_VALUE', message: /client/ })
  t.equal(pair.client.destroyed, false)
})

t.test('a link that cannot be added is told and rejected; the connection goes on', async t => {
  const { client } = await connected(t)
  const pair = corePair()
  pair.server.resume()
  const told = once(client, 'linkerror')
  const added = client.addLink(pair.client, { tag: 'nobody there' })
  pair.server.destroy()
  await t.rejects(added, { code: 'ECONNRESET', reason: 'link-closed' })
  t.equal(String((await told)[1]), 'nobody there')
  t.equal(client.readyState, 'open')
})

t.test('a link that joins a socket without reference does not keep the process alive', async t => {
  const ends = await connected(t)
  const references: string[] = []
  ends.accepted.unref()
  const pair = corePair()
  Object.assign(pair.server, { ref: () => references.push('ref'), unref: () => references.push('unref') })
  await Promise.all([ends.client.addLink(pair.client), ends.server.addLink(pair.server)])
  t.same(references, ['unref'])
  ends.accepted.ref()
  t.same(references, ['unref', 'ref'])
  ends.accepted.unref()
  t.same(references, ['unref', 'ref', 'unref'])
})

t.test('a Duplex that is added to a socket which was destroyed just before is not left open', async t => {
  const { client } = await connected(t)
  client.destroy()
  const pair = corePair()
  await t.rejects(client.addLink(pair.client), { code: 'ERR_SOCKET_CLOSED' })
  t.ok(pair.client.destroyed)
})
