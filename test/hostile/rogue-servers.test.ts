// Attacks A33 to A36 of the threat model, and A9 in the other role: servers that are not what they should be, on one
// path of a client whose other path leads to the right one.

import { once } from 'node:events'
import { type AddressInfo, createServer, connect as netConnect } from 'node:net'
import t, { type Test } from 'tap'
import type { ConnectTransport, HawserError, LinkTag, Socket } from '../../lib/index.ts'
import { MessageType, RefusedReason } from '../../lib/protocol/messages.ts'
import { tcpConnector } from '../../lib/tcp.ts'
import { freezeTime } from '../support/freeze-time.ts'
import { connecting, linked, listening, working } from '../support/loopback.ts'
import { lowOrderKeys, welcomeMessage } from '../support/raw-peer.ts'
import { settled } from '../transports/manual-clock.ts'
import { Attacker } from './attacker.ts'
import { Honest } from './honest.ts'

/** A server that does to each link what the test says. */
async function rogueServer(t: Test, onLink: (rogue: Attacker) => unknown): Promise<{ readonly port: number; accepted: number }> {
  const links = new Set<Attacker>()
  const server = createServer(socket => {
    rogue.accepted++
    const link = new Attacker(socket)
    links.add(link)
    socket.once('close', () => links.delete(link))
    Promise.resolve(onLink(link)).catch(() => {}) // the client closed the link before
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const { socket } of links) socket.destroy()
  })
  const rogue = { port: (server.address() as AddressInfo).port, accepted: 0 }
  return rogue
}

const hostsOf = (...ports: readonly number[]) => [
  tcpConnector({ hosts: ports.map(port => `127.0.0.1:${port}`), linkFilter: 'none' }),
]

interface RightServer {
  readonly port: number
  readonly serverId: Uint8Array
  readonly honest: Honest
}

/** The right server, which echoes; with a connection of its own to it that behaves and must not notice. */
async function rightServer(t: Test): Promise<RightServer> {
  const { server, port } = await listening(t)
  server.on('connection', socket => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  const honest = await Honest.connect(port)
  t.teardown(() => honest.close())
  return { port, honest, serverId: Buffer.from(server.id, 'hex') }
}

/** A client that is connected to the right server and then finds the rogue one, too. */
async function misled(
  t: Test,
  port: number,
): Promise<{ readonly client: Socket; readonly errors: HawserError[]; readonly addPath: (port: number) => void }> {
  const client = connecting(t, { port, reconnectDelay: 10_000 })
  const errors: HawserError[] = []
  client.on('error', error => t.fail(error.message))
  client.on('linkerror', error => errors.push(error as HawserError))
  await working(client)
  const addPath = (rogue: number) => {
    client.addLink(netConnect(rogue, '127.0.0.1')).catch(() => {})
  }
  return { client, errors, addPath }
}

/** Bytes go through the client there and back. */
async function checkEcho(t: Test, client: Socket): Promise<void> {
  const text = 'x'.repeat(200_000)
  let heard = 0
  const whole = new Promise<void>(resolve => {
    const take = (chunk: Buffer) => {
      heard += chunk.length
      if (heard < text.length) return
      client.off('data', take)
      resolve()
    }
    client.on('data', take)
  })
  client.write(text)
  await whole
  t.equal(heard, text.length)
}

async function nextError(client: Socket): Promise<HawserError> {
  const [error] = (await once(client, 'linkerror')) as [HawserError]
  return error
}

for (const key of lowOrderKeys) {
  t.test(
    `A9 a Welcome whose key is of low order (${Buffer.from(key).toString('hex').slice(0, 8)}...) fails the link with EPROTO`,
    async t => {
      const { port, honest, serverId } = await rightServer(t)
      const rogue = await rogueServer(t, async link => link.send(await welcomeMessage({ serverId, publicKey: key })))
      const { client, addPath } = await misled(t, port)
      const told = nextError(client)
      await honest.during(
        (async () => {
          addPath(rogue.port)
          t.match(await told, { code: 'EPROTO', reason: 'protocol-error' })
          await checkEcho(t, client)
        })(),
      )
      t.same(honest.noticed, [])
    },
  )
}

t.test('A33 another server on one path: that link fails, nothing of the connection reaches it', async t => {
  const { port, honest } = await rightServer(t)
  const heard: number[] = []
  const rogue = await rogueServer(t, async link => {
    link.socket.on('close', () => heard.push(...link.inbox.map(({ type }) => type)))
    link.send(await welcomeMessage())
  })
  const { client, addPath } = await misled(t, port)
  await honest.during(
    (async () => {
      const told = nextError(client)
      addPath(rogue.port)
      t.match(await told, { code: 'ECONNRESET', reason: 'server-id-mismatch' })
      await checkEcho(t, client)
    })(),
  )
  t.same(heard, [], 'not even Connect')
  t.equal(client.links.length, 1)
  t.same(honest.noticed, [])
})

t.test('A33 a rogue server that only says Welcome pins nothing: the one that accepts first counts', async t => {
  const { port, honest } = await rightServer(t)
  const rogue = await rogueServer(t, async link => link.send(await welcomeMessage()))
  const client = connecting(t, { transports: hostsOf(rogue.port, port) })
  client.on('error', error => t.fail(error.message))
  await honest.during(
    (async () => {
      await working(client)
      await checkEcho(t, client)
    })(),
  )
  t.same(honest.noticed, [])
})

for (const [name, reason] of Object.entries(RefusedReason)) {
  t.test(`A34 Refused ${name} from one path while another works: the link only`, async t => {
    const { port, honest, serverId } = await rightServer(t)
    const rogue = await rogueServer(t, async link => {
      // Whoever can read a path knows the id of the server.
      link.send(await welcomeMessage({ serverId }))
      await link.next(MessageType.Connect)
      link.send({ type: MessageType.Refused, reason })
    })
    const { client, addPath } = await misled(t, port)
    await honest.during(
      (async () => {
        const told = nextError(client)
        addPath(rogue.port)
        t.match(await told, { code: /^ECONN/ })
        await checkEcho(t, client)
      })(),
    )
    t.equal(client.links.length, 1)
    t.same(honest.noticed, [])
  })
}

/** A rogue that knows the server's id, accepts every link and answers its test. */
async function impostor(
  t: Test,
  serverId: Uint8Array,
  onJoined: (link: Attacker) => void,
): Promise<{ readonly port: number; accepted: number }> {
  return rogueServer(t, async link => {
    link.send(await welcomeMessage({ serverId }))
    await link.next(MessageType.Connect)
    link.send({ type: MessageType.Accepted })
    onJoined(link)
  })
}

t.test('A35 a rogue that accepts and swallows: what it took goes over the other path within the ack timeout', async t => {
  const { port, honest, serverId } = await rightServer(t)
  const swallower = await impostor(t, serverId, () => {})
  const { client, addPath } = await misled(t, port)
  addPath(swallower.port)
  await working(client, 2)
  const clock = freezeTime(t)
  let over = false
  const echoed = checkEcho(t, client).then(() => {
    over = true
  })
  let passedMs = 0
  for (; !over && passedMs < 5_000; passedMs += 20) {
    await clock.advance(20)
    await honest.exchange(1_000)
  }
  await echoed
  t.ok(passedMs <= 1_500, `${passedMs} ms`)
  t.equal(client.readyState, 'open')
  t.same(honest.noticed, [])
})

t.test('A35 a rogue that acknowledges at once gets no more than half of the data while it is new', async t => {
  const { port, honest, serverId } = await rightServer(t)
  let stolen = 0
  const thief = await impostor(t, serverId, link => {
    link.acknowledges = true
    link.socket.on('data', () => {
      for (const message of link.inbox.splice(0)) if (message.type === MessageType.Data) stolen += message.bytes
    })
  })
  const clock = freezeTime(t)
  const { client, addPath } = await misled(t, port)
  for (let passedMs = 0; passedMs < 2_000; passedMs += 500) {
    await clock.advance(500)
    await honest.exchange(1_000)
  }
  addPath(thief.port)
  await working(client, 2)
  const total = 4_000_000
  client.write(new Uint8Array(total))
  while (client.stats?.unacked || client.writableLength > 0) await honest.exchange(1_000)
  t.ok(stolen > 0, 'it is used')
  t.ok(stolen <= total / 2 + 65_536 + 262_144, `${stolen} of ${total} bytes`)
  t.same(honest.noticed, [])
  client.terminate()
})

const resets: Record<string, (t: Test, serverId: Uint8Array) => Promise<{ readonly port: number; accepted: number }>> = {
  'as soon as it is connected': t => rogueServer(t, link => link.socket.resetAndDestroy()),
  'once it has joined': (t, serverId) => impostor(t, serverId, link => link.socket.resetAndDestroy()),
}
for (const [when, start] of Object.entries(resets)) {
  t.test(`A36 a path reset for ever ${when}: it is tried every 10 s, and nothing grows`, async t => {
    const { port, honest, serverId } = await rightServer(t)
    const rogue = await start(t, serverId)
    const clock = freezeTime(t)
    t.intercept(Math, 'random', { value: clock.random }) // delays have their mean
    const [transport] = hostsOf(port, rogue.port) as unknown as [ConnectTransport]
    const dialedMs: number[] = []
    let resets = 0
    const dial = async (tag: LinkTag, signal: AbortSignal) => {
      if (!String(tag).includes(`:${rogue.port}`)) return transport.connect(tag, signal)
      dialedMs.push(clock.nowMs())
      const over = () => resets++
      const stream = await transport.connect(tag, signal).catch(error => {
        over()
        throw error
      })
      if (stream.closed) over()
      else stream.once('close', over)
      return stream
    }
    const client = connecting(t, { transports: [{ name: 'tcp', tags: signal => transport.tags(signal), connect: dial }] })
    client.on('error', error => t.fail(error.message))
    await linked(client)
    const listeners = () => client.eventNames().reduce((sum, name) => sum + client.listenerCount(name), 0)
    const before = listeners()
    let mostTimers = 0
    // Dialing takes the system some time, in which none must pass here.
    const dialed = async () => {
      do await honest.exchange(1_000)
      while (resets < Math.max(1, dialedMs.length) && honest.noticed.length === 0)
      await settled()
    }
    await dialed()
    for (let passedMs = 0; passedMs < 300_000; passedMs += 1_000) {
      await clock.advance(1_000)
      await dialed()
      mostTimers = Math.max(mostTimers, clock.timers)
    }
    t.same(
      dialedMs.slice(1).map((ms, index) => Math.round(ms - (dialedMs[index] as number))),
      new Array(30).fill(10_000),
    )
    t.equal(rogue.accepted, dialedMs.length)
    t.ok(mostTimers < 40, `${mostTimers} timers`)
    t.equal(listeners(), before)
    await checkEcho(t, client)
    t.same(honest.noticed, [])
  })
}
