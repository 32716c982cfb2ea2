import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { RateLimitedRelay, type RateLimitedRelayOptions } from '../../lib/cli/rate-limited-relay.ts'

interface Setup {
  relay: RateLimitedRelay
  /** Connects through the relay. */
  open(): Promise<Socket>
  /** The next connection that arrives at the target. */
  arrival(): Promise<Socket>
}

async function setup(t: Test, options: Partial<RateLimitedRelayOptions> = {}): Promise<Setup> {
  const server: Server = createServer({ allowHalfOpen: true })
  const sockets: Socket[] = []
  server.on('connection', socket => {
    sockets.push(socket)
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const target = { port: (server.address() as AddressInfo).port }
  const relay = await RateLimitedRelay.listen({ target, rate: 50_000_000, ...options })
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await relay.close()
    await new Promise(resolve => server.close(resolve))
  })
  return {
    relay,
    async open() {
      const socket = connect({ port: relay.port, host: relay.host, allowHalfOpen: true })
      sockets.push(socket)
      socket.on('error', () => {})
      await once(socket, 'connect')
      return socket
    },
    async arrival() {
      const [socket] = await once(server, 'connection')
      return socket as Socket
    },
  }
}

/** Everything until 'end'; unlike `stream/consumers` it leaves the other direction open. */
async function buffer(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk))
  await once(socket, 'end')
  return Buffer.concat(chunks)
}

/** Resolves on 'close', whether it comes by an end or a reset. */
const gone = (socket: Socket): Promise<void> =>
  new Promise(resolve => {
    socket.on('close', () => resolve())
    socket.on('end', () => socket.destroy())
    socket.resume()
  })

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Lets everything that is under way on the loopback arrive, and more: the relay acts within few milliseconds. */
const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 100))

t.test('bytes and endings pass intact both ways, and are counted', async t => {
  const { relay, open, arrival } = await setup(t, { delay: 2 })
  const [client, target] = await Promise.all([open(), arrival()])
  const there = randomBytes(1_000_000)
  const back = randomBytes(500_000)
  client.end(there)
  t.equal(sha256(await buffer(target)), sha256(there))
  t.ok(target.writable, 'one direction ends alone')
  target.end(back)
  t.equal(sha256(await buffer(client)), sha256(back))
  t.equal(relay.bytesToTarget, there.length)
  t.equal(relay.bytesToClient, back.length)
})

t.test('listens where it is told', async t => {
  const { relay, open, arrival } = await setup(t, { host: '127.0.0.2' })
  t.equal(relay.host, '127.0.0.2')
  const [client] = await Promise.all([open(), arrival()])
  t.equal(client.remoteAddress, '127.0.0.2')
})

t.test('connections share the link and do not mix', async t => {
  const { relay, open, arrival } = await setup(t)
  const pairs: [Socket, Socket][] = []
  for (let index = 0; index < 3; index++) pairs.push(await Promise.all([open(), arrival()]))
  const sent = pairs.map(() => randomBytes(200_000))
  const received = pairs.map(([, target]) => buffer(target))
  for (const [index, [client]] of pairs.entries()) client.end(sent[index] as Buffer)
  for (const [index, bytes] of (await Promise.all(received)).entries()) t.ok(bytes.equals(sent[index] as Buffer))
  t.equal(relay.bytesToTarget, 600_000)
})

t.test('a writer faster than the link is held back', async t => {
  const { relay, open, arrival } = await setup(t, { rate: 100_000 })
  const [client] = await Promise.all([open(), arrival()])
  const piece = Buffer.alloc(65_536)
  // No kernel takes all of this, so the writer must meet a drain that does not come.
  let accepted = 0
  while (accepted < 64 * 1024 * 1024 && client.write(piece)) {
    accepted += piece.length
    await new Promise(setImmediate)
  }
  await settled()
  t.ok(client.writableNeedDrain)
  t.ok(relay.bytesToTarget < accepted)
})

t.test('a slow reader holds the writer back, but not the other connections', async t => {
  const { open, arrival } = await setup(t)
  const [client, target] = await Promise.all([open(), arrival()])
  target.pause()
  const piece = Buffer.alloc(65_536)
  do {
    while (client.write(piece));
    await Promise.race([once(client, 'drain'), settled()])
  } while (!client.writableNeedDrain)

  const [other, otherTarget] = await Promise.all([open(), arrival()])
  other.end('passes')
  t.equal((await buffer(otherTarget)).toString(), 'passes')
})

t.test('cut passes nothing and breaks nothing; mended passes all of it', async t => {
  const { relay, open, arrival } = await setup(t, { delay: 1 })
  const [client, target] = await Promise.all([open(), arrival()])
  const ended: string[] = []
  client.on('close', () => ended.push('client'))
  target.on('close', () => ended.push('target'))
  relay.cut()
  t.ok(relay.isCut)
  const there = randomBytes(100_000)
  const received = buffer(target)
  client.end(there)
  target.write('back')
  await settled()
  t.equal(relay.bytesToTarget + relay.bytesToClient, 0)
  t.strictSame(ended, [])

  relay.mend()
  t.notOk(relay.isCut)
  t.ok((await received).equals(there))
  target.end()
  t.equal((await buffer(client)).toString(), 'back')
})

t.test('connections made during a cut reach the target once it is mended', async t => {
  const { relay, open, arrival } = await setup(t)
  relay.cut()
  let arrived = false
  const later = arrival().then(target => {
    arrived = true
    return target
  })
  const client = await open()
  client.end('hello')
  await settled()
  t.notOk(arrived)

  relay.mend()
  t.equal((await buffer(await later)).toString(), 'hello')
})

t.test('reset resets both ends, and the next connection works', async t => {
  const { relay, open, arrival } = await setup(t)
  const [client, target] = await Promise.all([open(), arrival()])
  client.resume()
  target.resume()
  const errors = Promise.all([once(client, 'error'), once(target, 'error')])
  relay.reset()
  for (const [error] of await errors) t.equal(error.code, 'ECONNRESET')

  const [next, nextTarget] = await Promise.all([open(), arrival()])
  next.end('again')
  t.equal((await buffer(nextTarget)).toString(), 'again')
})

t.test('a reset of one end resets the other', async t => {
  const { open, arrival } = await setup(t)
  const [client, target] = await Promise.all([open(), arrival()])
  client.resume()
  const error = once(client, 'error')
  target.resetAndDestroy()
  t.equal((await error)[0].code, 'ECONNRESET')
})

t.test('a target that refuses resets the client', async t => {
  const unused = createServer().listen(0, '127.0.0.1')
  await once(unused, 'listening')
  const { port } = unused.address() as AddressInfo
  await new Promise(resolve => unused.close(resolve))
  const { relay } = await setup(t, { target: { port } })
  const client = connect({ port: relay.port, host: relay.host })
  client.resume()
  t.equal((await once(client, 'error'))[0].code, 'ECONNRESET')
})

t.test('close drops every connection, leaves no timer, and may be called twice', async t => {
  const timers = (): number => process.getActiveResourcesInfo().filter(resource => resource === 'Timeout').length
  const timersBefore = timers()
  const { relay, open, arrival } = await setup(t, { rate: 10_000 })
  const [client, target] = await Promise.all([open(), arrival()])
  client.write(Buffer.alloc(100_000)) // keeps the link busy for seconds
  await settled()
  t.ok(timers() > timersBefore)
  relay.cut()
  const held = await open()
  const ends = Promise.all([client, target, held].map(socket => gone(socket)))
  await relay.close()
  await relay.close()
  await ends
  t.equal(timers(), timersBefore)
})
