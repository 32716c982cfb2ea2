// Both parts of the handshake against peers that do as they like.

import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import { type AcceptedLink, ClientHandshake, type ClientHandshakeOptions } from '../lib/client-handshake.ts'
import { defaults } from '../lib/config.ts'
import { createServer, HawserError, Socket } from '../lib/index.ts'
import { type ChannelHandler, LinkChannel } from '../lib/link-channel.ts'
import { manualTag } from '../lib/manual-tag.ts'
import { connectionIdMask, createKeyPair, idToHex, NO_SERVER_ID, sharedSecret, xorId } from '../lib/protocol/handshake.ts'
import { type LinkMessage, MessageType, RefusedReason } from '../lib/protocol/messages.ts'
import { StreamEncoder } from '../lib/protocol/stream-encoder.ts'
import { type IncomingLink, ServerHandshake, type ServerHandshakeOptions } from '../lib/server-handshake.ts'
import { encodeAll, frame } from './protocol/helpers.ts'
import { corePair } from './support/duplex-pairs.ts'
import { connectMessage, lowOrderKeys, RawPeer, welcomeMessage } from './support/raw-peer.ts'
import { stopTime } from './support/stop-time.ts'
import { settled } from './transports/manual-clock.ts'

const CONNECTION_ID = new Uint8Array(16).map((_, index) => index + 1)
const SERVER_ID = new Uint8Array(16).fill(0xa1)
const OTHER_SERVER_ID = new Uint8Array(16).fill(0xb2)
const TIMEOUT_MS = 10_000

/** Every message that says nothing but its type, or numbers. */
const simpleMessages: readonly LinkMessage[] = [
  { type: MessageType.Accepted },
  { type: MessageType.Refused, reason: 1 },
  { type: MessageType.Ping },
  { type: MessageType.Pong },
  { type: MessageType.Data, sequence: 0, payload: [Buffer.from('data')], bytes: 4 },
  { type: MessageType.Ack, sequence: 0 },
  { type: MessageType.Consumed, sequence: 0, bytes: 1 },
  { type: MessageType.SendFinish, sequence: 0 },
  { type: MessageType.ReceiveClose, sequence: 0 },
  { type: MessageType.ReceiveFinish, sequence: 0 },
  { type: MessageType.TestData, bytes: 100 },
  { type: MessageType.SetBlock, blocked: true },
  { type: MessageType.Goodbye },
  { type: MessageType.Terminate },
]

const nameOf = ({ type }: LinkMessage) => Object.entries(MessageType).find(([, number]) => number === type)?.[0]

/** What came of a handshake; each call counts. */
class Outcome<T> {
  readonly results: (T | Error)[] = []
  #wake = () => {}

  readonly note = (result: T | Error): void => {
    this.results.push(result)
    this.#wake()
  }

  /** The first result; all that might bring a second one has then happened. */
  async first(t: Test): Promise<T | Error> {
    if (this.results.length === 0) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    for (let round = 0; round < 20; round++) await settled()
    t.equal(this.results.length, 1, 'one result')
    return this.results[0] as T | Error
  }
}

/** The handshake failed, and nothing is left of it. */
async function checkFailed(t: Test, outcome: { first(t: Test): Promise<unknown> }, stream: Duplex, error: object): Promise<void> {
  const result = await outcome.first(t)
  t.ok(result instanceof Error)
  t.match(result, error)
  t.ok(stream.destroyed)
  t.same(
    stream.eventNames().filter(name => stream.listenerCount(name) > 0),
    ['error'],
  )
}

const PROTOCOL_ERROR = { constructor: HawserError, code: 'EPROTO', reason: 'protocol-error' }
const TIMED_OUT = { constructor: HawserError, code: 'ETIMEDOUT', reason: 'handshake-timeout' }
const LINK_CLOSED = { constructor: HawserError, code: 'ECONNRESET', reason: 'link-closed' }

/** Ways in which a link can be gone from the middle of a handshake, and what that is called. */
const losses: readonly [what: string, lose: (peer: RawPeer, ours: Duplex) => void, error: object][] = [
  ['is ended', peer => peer.stream.end(), LINK_CLOSED],
  // A write that comes before the close is noticed fails instead.
  ['is destroyed by the other side', peer => peer.stream.destroy(), { code: /^(ECONNRESET|EPIPE)$/ }],
  ['is destroyed here', (_peer, ours) => ours.destroy(), LINK_CLOSED],
  ['fails', (_peer, ours) => ours.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' })), { message: 'reset' }],
]

const IGNORE: ChannelHandler = { message() {}, batchEnd() {}, drained() {}, closed() {} }

// ---------------------------------------------------------------- client

interface Client {
  readonly peer: RawPeer
  readonly stream: Duplex
  readonly handshake: ClientHandshake
  readonly outcome: Outcome<AcceptedLink>
}

function startClient(t: Test, options: Partial<ClientHandshakeOptions> = {}, onAccepted = (_: AcceptedLink) => {}): Client {
  const pair = corePair()
  const outcome = new Outcome<AcceptedLink>()
  const channel = new LinkChannel(pair.client, IGNORE)
  const handshake = new ClientHandshake(
    channel,
    {
      tag: manualTag('outgoing', 'test'),
      linkConfig: defaults.link,
      connectionId: CONNECTION_ID,
      userData: new Uint8Array(0),
      recvBuffer: 123_456,
      timeoutMs: TIMEOUT_MS,
      isExisting: () => false,
      checkServer: () => {},
      admit: () => true,
      ...options,
    },
    accepted => {
      onAccepted(accepted)
      outcome.note(accepted)
    },
    outcome.note,
  )
  channel.handler = handshake
  t.teardown(() => pair.client.destroy())
  return { peer: new RawPeer(pair.server), stream: pair.client, handshake, outcome }
}

t.test('client: Connect answers Welcome, and Accepted makes a link', async t => {
  const clock = stopTime(t)
  let existing = false
  const { peer, stream, outcome } = startClient(t, {
    userData: Buffer.from('client'),
    isExisting: () => existing,
    admit: () => {
      existing = true // meanwhile another link was accepted
      return true
    },
  })
  const keys = await createKeyPair()
  const { publicKey } = keys
  peer.send(await welcomeMessage({ publicKey, userData: Buffer.from('server'), recvBuffer: 77 }))
  const connect = await peer.next(MessageType.Connect)
  const mask = connectionIdMask(await sharedSecret(keys, connect.publicKey))
  t.same(xorId(connect.encryptedConnectionId, mask), CONNECTION_ID)
  t.same(connect.serverId, NO_SERVER_ID)
  t.match(connect, { existing: true, recvBuffer: 123_456, extensions: 0x8000_0000 })
  t.equal(Buffer.from(connect.userData).toString(), 'client')
  peer.send({ type: MessageType.Accepted })
  const accepted = (await outcome.first(t)) as AcceptedLink
  t.match(accepted, { remoteRecvBuffer: 77, serverId: 'a1'.repeat(16), link: { direction: 'outgoing', stream, working: false } })
  t.ok(accepted.roundTripMs >= 0)
  t.equal(Buffer.from(accepted.link.remoteUserData).toString(), 'server')
  t.notOk(stream.destroyed)
  t.equal(clock.timers, 0)
})

t.test('client: every link has a key of its own', async t => {
  const one = startClient(t)
  const two = startClient(t)
  const welcome = await welcomeMessage()
  one.peer.send(welcome)
  two.peer.send(welcome)
  const [first, second] = [await one.peer.next(MessageType.Connect), await two.peer.next(MessageType.Connect)]
  t.notSame(first.publicKey, second.publicKey)
  t.notSame(first.encryptedConnectionId, second.encryptedConnectionId)
})

t.test('client: what follows Accepted in the same chunk reaches the next handler', async t => {
  const messages: LinkMessage[] = []
  const { peer, outcome } = startClient(t, {}, ({ channel }) => {
    channel.handler = { ...IGNORE, message: message => messages.push(message) }
  })
  await peer.welcome()
  await peer.next(MessageType.Connect)
  peer.send({ type: MessageType.Accepted }, { type: MessageType.Ping }, { type: MessageType.Ack, sequence: 9 })
  await outcome.first(t)
  t.match(messages, [{ type: MessageType.Ping }, { type: MessageType.Ack, sequence: 9 }])
})

for (const message of simpleMessages) {
  t.test(`client: ${nameOf(message)} instead of Welcome is a protocol error`, async t => {
    const { peer, stream, outcome } = startClient(t)
    peer.send(message)
    await checkFailed(t, outcome, stream, PROTOCOL_ERROR)
  })

  const isAnswer = message.type === MessageType.Accepted || message.type === MessageType.Refused
  if (isAnswer) continue
  t.test(`client: ${nameOf(message)} instead of Accepted or Refused is a protocol error`, async t => {
    const { peer, stream, outcome } = startClient(t)
    await peer.welcome()
    await peer.next(MessageType.Connect)
    peer.send(message)
    await checkFailed(t, outcome, stream, PROTOCOL_ERROR)
  })
}

t.test('client: Accepted before Connect was sent, and a second Welcome, are protocol errors', async t => {
  for (const message of [{ type: MessageType.Accepted } as const, await welcomeMessage()]) {
    const { peer, stream, outcome } = startClient(t)
    peer.send(await welcomeMessage(), message)
    await checkFailed(t, outcome, stream, PROTOCOL_ERROR)
    t.same(peer.inbox, [], 'no Connect')
  }
})

t.test('client: two answers to Connect: the first one counts, the second is for the next handler', async t => {
  const messages: LinkMessage[] = []
  const { peer, outcome } = startClient(t, {}, ({ channel }) => {
    channel.handler = { ...IGNORE, message: message => messages.push(message) }
  })
  await peer.welcome()
  await peer.next(MessageType.Connect)
  peer.send({ type: MessageType.Accepted }, { type: MessageType.Refused, reason: 1 })
  t.notOk((await outcome.first(t)) instanceof Error)
  t.match(messages, [{ type: MessageType.Refused }])
})

/** A packet with bytes replaced from `at` on, in its frame. */
async function damaged(message: LinkMessage, at: number, bytes: readonly number[]): Promise<Uint8Array> {
  const packet = Buffer.concat(encodeAll(new StreamEncoder(), [message])).subarray(10)
  packet.set(bytes, at < 0 ? packet.length + at : at)
  return frame(packet)
}

/** Damage that Welcome and Connect share. */
const damages: readonly [what: string, at: number, bytes: readonly number[], message: RegExp][] = [
  ['wrong magic', 1, [0x48], /wrong magic/],
  ['another version', 6, [3], /version 3/],
  ['a version of the future', 6, [5], /version 5/],
  ['a receive buffer of zero', -4, [0, 0, 0, 0], /receive buffer is zero/],
  ['user data that is cut off', -6, [0xff, 0xff], /cut off/],
]

for (const [what, at, bytes, message] of [
  ...damages,
  ['a server id of zero', 43, Array<number>(16).fill(0), /server id is zero/] as const,
]) {
  t.test(`client: Welcome with ${what} is a protocol error that says so`, async t => {
    const { peer, stream, outcome } = startClient(t)
    peer.stream.write(await damaged(await welcomeMessage(), at, bytes))
    await checkFailed(t, outcome, stream, { ...PROTOCOL_ERROR, message })
  })
}

for (const [number, publicKey] of lowOrderKeys.entries()) {
  t.test(`a public key of low order (${number}) is a protocol error on either side`, async t => {
    const client = startClient(t)
    await client.peer.welcome({ publicKey })
    await checkFailed(t, client.outcome, client.stream, PROTOCOL_ERROR)
    t.same(client.peer.inbox, [], 'no Connect')
    const server = startServer(t)
    await server.peer.connect(await server.peer.next(MessageType.Welcome), CONNECTION_ID, { publicKey })
    await checkFailed(t, server.outcome, server.stream, PROTOCOL_ERROR)
  })
}

for (const [reason, error] of [
  [RefusedReason.ConnectionClosed, { code: 'ECONNRESET', reason: 'aborted-by-server' }],
  [RefusedReason.NotListening, { code: 'ECONNREFUSED', reason: 'not-listening' }],
  [RefusedReason.ConnectionRefused, { code: 'ECONNREFUSED', reason: 'connection-refused' }],
  [RefusedReason.LinkRefused, { code: 'ECONNREFUSED', reason: 'link-refused' }],
  [200, { code: 'ECONNREFUSED', reason: 'connection-refused' }],
] as const) {
  t.test(`client: Refused ${reason} is ${error.code}, ${error.reason}`, async t => {
    const { peer, stream, outcome } = startClient(t)
    await peer.welcome()
    await peer.next(MessageType.Connect)
    peer.send({ type: MessageType.Refused, reason })
    await checkFailed(t, outcome, stream, { constructor: HawserError, ...error })
  })
}

t.test('client: no Welcome in time is ETIMEDOUT', async t => {
  const clock = stopTime(t)
  const { stream, outcome } = startClient(t)
  await clock.advance(TIMEOUT_MS - 1)
  t.same(outcome.results, [])
  await clock.advance(1)
  await checkFailed(t, outcome, stream, TIMED_OUT)
})

t.test('client: no answer to Connect in time is ETIMEDOUT, counted from the beginning', async t => {
  const clock = stopTime(t)
  const { peer, stream, outcome } = startClient(t)
  await clock.advance(TIMEOUT_MS / 2)
  await peer.welcome()
  await peer.next(MessageType.Connect)
  await clock.advance(TIMEOUT_MS / 2)
  await checkFailed(t, outcome, stream, TIMED_OUT)
  t.equal(clock.timers, 0)
})

for (const [what, admit, error] of [
  ['says no', () => false, { code: 'ECONNREFUSED', reason: 'link-refused' }],
  ['says no later', async () => false, { code: 'ECONNREFUSED', reason: 'link-refused' }],
  [
    'throws',
    () => {
      throw new RangeError('mistake')
    },
    { message: 'mistake' },
  ],
  ['rejects', () => Promise.reject(new RangeError('mistake')), { message: 'mistake' }],
] as [string, () => boolean | Promise<boolean>, object][]) {
  t.test(`client: a filter that ${what} fails the link before the server knows of it`, async t => {
    const { peer, stream, outcome } = startClient(t, { admit })
    await peer.welcome()
    await checkFailed(t, outcome, stream, error)
    t.same(peer.inbox, [])
  })
}

t.test('client: a filter that never answers is ETIMEDOUT; an answer after that does nothing', async t => {
  const clock = stopTime(t)
  let asked = false
  let answer = (_: boolean) => {}
  const { peer, stream, outcome } = startClient(t, {
    admit: () => {
      asked = true
      return new Promise(resolve => {
        answer = resolve
      })
    },
  })
  await peer.welcome()
  while (!asked) await settled()
  await clock.advance(TIMEOUT_MS)
  await checkFailed(t, outcome, stream, TIMED_OUT)
  answer(true)
  await outcome.first(t)
  t.same(peer.inbox, [], 'no Connect')
})

t.test('client: the wrong server gets no Connect, neither at Welcome nor when it turns out to be wrong meanwhile', async t => {
  for (const wrongFrom of [1, 2]) {
    let asked = 0
    const { peer, stream, outcome } = startClient(t, {
      checkServer: serverId => {
        t.equal(serverId, 'a1'.repeat(16))
        if (++asked >= wrongFrom) throw new HawserError('ECONNRESET', 'server-id-mismatch', 'wrong')
      },
    })
    await peer.welcome()
    await checkFailed(t, outcome, stream, { code: 'ECONNRESET', reason: 'server-id-mismatch' })
    t.equal(asked, wrongFrom)
    t.same(peer.inbox, [])
  }
})

for (const [what, lose, error] of losses) {
  t.test(`client: a link that ${what} before Welcome fails the handshake`, async t => {
    const { peer, stream, outcome } = startClient(t)
    lose(peer, stream)
    await checkFailed(t, outcome, stream, error)
  })

  t.test(`client: a link that ${what} while the filter is asked fails the handshake`, async t => {
    const { peer, stream, outcome }: Client = startClient(t, {
      admit: () => {
        lose(peer, stream)
        return true
      },
    })
    await peer.welcome()
    await checkFailed(t, outcome, stream, error)
  })

  t.test(`client: a link that ${what} after Connect fails the handshake`, async t => {
    const { peer, stream, outcome } = startClient(t)
    await peer.welcome()
    await peer.next(MessageType.Connect)
    lose(peer, stream)
    await checkFailed(t, outcome, stream, error)
  })
}

t.test('client: abandoned before Connect it fails at once, and the server never knows', async t => {
  const clock = stopTime(t)
  const early = startClient(t)
  early.handshake.abandon()
  early.handshake.abandon()
  await checkFailed(t, early.outcome, early.stream, { code: 'ECONNABORTED', reason: 'link-closed' })
  const late: Client = startClient(t, {
    admit: () => {
      late.handshake.abandon()
      return true
    },
  })
  await late.peer.welcome()
  await checkFailed(t, late.outcome, late.stream, { code: 'ECONNABORTED', reason: 'link-closed' })
  t.same(late.peer.inbox, [])
  t.equal(clock.timers, 0)
})

t.test('client: abandoned after Connect it goes on, for the server may have accepted the link', async t => {
  const { peer, handshake, outcome } = startClient(t)
  await peer.welcome()
  await peer.next(MessageType.Connect)
  handshake.abandon()
  peer.send({ type: MessageType.Accepted })
  t.notOk((await outcome.first(t)) instanceof Error)
})

// ---------------------------------------------------------------- server

interface ServerSide {
  readonly peer: RawPeer
  readonly stream: Duplex
  readonly handshake: ServerHandshake
  readonly outcome: Outcome<IncomingLink>
}

function startServer(t: Test, options: Partial<ServerHandshakeOptions> = {}): ServerSide {
  const pair = corePair()
  const outcome = new Outcome<IncomingLink>()
  const channel = new LinkChannel(pair.server, IGNORE)
  const handshake = new ServerHandshake(
    channel,
    {
      tag: manualTag('incoming', 'test'),
      linkConfig: defaults.link,
      serverId: SERVER_ID,
      userData: new Uint8Array(0),
      recvBuffer: 654_321,
      timeoutMs: TIMEOUT_MS,
      ...options,
    },
    outcome.note,
    outcome.note,
  )
  channel.handler = handshake
  handshake.start()
  t.teardown(() => pair.server.destroy())
  return { peer: new RawPeer(pair.client), stream: pair.server, handshake, outcome }
}

/** As far as Connect. */
async function startDecision(t: Test): Promise<ServerSide & { readonly incoming: IncomingLink }> {
  const server = startServer(t)
  await server.peer.connect(await server.peer.next(MessageType.Welcome), CONNECTION_ID)
  return { ...server, incoming: (await server.outcome.first(t)) as IncomingLink }
}

t.test('server: Welcome, then Connect tells all about the link', async t => {
  const { peer, stream, outcome } = startServer(t, { userData: Buffer.from('server') })
  const welcome = await peer.next(MessageType.Welcome)
  t.match(welcome, { serverId: SERVER_ID, recvBuffer: 654_321, extensions: 0x8000_0000 })
  t.equal(Buffer.from(welcome.userData).toString(), 'server')
  await peer.connect(welcome, CONNECTION_ID, { userData: Buffer.from('client'), recvBuffer: 88, existing: true })
  const incoming = (await outcome.first(t)) as IncomingLink
  t.match(incoming, { connectionId: idToHex(CONNECTION_ID), existing: true, remoteRecvBuffer: 88, pending: true })
  t.match(incoming.link, { direction: 'incoming', stream, working: false })
  t.equal(Buffer.from(incoming.link.remoteUserData).toString(), 'client')
  t.ok(incoming.roundTripMs >= 0)
})

t.test('server: the key of every Welcome is fresh', async t => {
  const keys = await Promise.all(
    [1, 2, 3].map(async () => idToHex((await startServer(t).peer.next(MessageType.Welcome)).publicKey)),
  )
  t.equal(new Set(keys).size, 3)
})

t.test('server: accept says Accepted, once decided nothing is pending, and no timer is left', async t => {
  const clock = stopTime(t)
  const { peer, stream, outcome } = startServer(t)
  const welcome = await peer.next(MessageType.Welcome)
  t.equal(clock.timers, 1)
  await peer.connect(welcome, CONNECTION_ID)
  const incoming = (await outcome.first(t)) as IncomingLink
  incoming.accept()
  await peer.next(MessageType.Accepted)
  t.notOk(incoming.pending)
  t.notOk(stream.destroyed)
  t.equal(clock.timers, 0)
})

for (const [name, reason] of Object.entries(RefusedReason)) {
  t.test(`server: refuse says Refused ${name}, then closes in good order`, async t => {
    const { peer, stream, incoming } = await startDecision(t)
    incoming.refuse(reason)
    t.notOk(incoming.pending)
    t.match(await peer.next(MessageType.Refused), { reason })
    peer.stream.end()
    await peer.closed()
    t.ok(stream.destroyed)
  })
}

for (const message of simpleMessages) {
  t.test(`server: ${nameOf(message)} instead of Connect is a protocol error`, async t => {
    const { peer, stream, outcome } = startServer(t)
    await peer.next(MessageType.Welcome)
    peer.send(message)
    await checkFailed(t, outcome, stream, PROTOCOL_ERROR)
  })

  t.test(`server: ${nameOf(message)} before the decision fails the link`, async t => {
    const { peer, stream, incoming, outcome } = await startDecision(t)
    peer.send(message)
    await peer.closed()
    t.notOk(incoming.pending)
    t.match(outcome.results, [incoming, PROTOCOL_ERROR])
    t.ok(stream.destroyed)
  })
}

t.test('server: a client that speaks first, or connects twice, breaks the protocol', async t => {
  const connect = await connectMessage(await welcomeMessage(), CONNECTION_ID)
  const early = startServer(t)
  early.peer.send(connect)
  await checkFailed(t, early.outcome, early.stream, PROTOCOL_ERROR)
  const twice = await startDecision(t)
  twice.peer.send(connect)
  await twice.peer.closed()
  t.match(twice.outcome.results, [twice.incoming, PROTOCOL_ERROR])
})

for (const [what, at, bytes, message] of damages) {
  t.test(`server: Connect with ${what} is a protocol error that says so`, async t => {
    const { peer, stream, outcome } = startServer(t)
    await peer.next(MessageType.Welcome)
    const connect = await connectMessage(await welcomeMessage(), CONNECTION_ID)
    peer.stream.write(await damaged(connect, at, bytes))
    await checkFailed(t, outcome, stream, { ...PROTOCOL_ERROR, message })
  })
}

t.test('server: no Connect in time is ETIMEDOUT', async t => {
  const clock = stopTime(t)
  const { peer, stream, outcome } = startServer(t)
  await peer.next(MessageType.Welcome)
  await clock.advance(TIMEOUT_MS - 1)
  t.same(outcome.results, [])
  await clock.advance(1)
  await checkFailed(t, outcome, stream, TIMED_OUT)
})

t.test('server: the timeout ends with Connect, for who decides has a time of his own', async t => {
  const clock = stopTime(t)
  const { incoming, outcome, stream } = await startDecision(t)
  t.equal(clock.timers, 0)
  await clock.advance(10 * TIMEOUT_MS)
  t.match(outcome.results, [incoming])
  t.ok(incoming.pending)
  t.notOk(stream.destroyed)
})

for (const [what, lose, error] of losses) {
  t.test(`server: a link that ${what} before Welcome fails the handshake`, async t => {
    const { peer, stream, outcome } = startServer(t)
    lose(peer, stream)
    await checkFailed(t, outcome, stream, error)
  })

  t.test(`server: a link that ${what} before Connect fails the handshake`, async t => {
    const { peer, stream, outcome } = startServer(t)
    await peer.next(MessageType.Welcome)
    lose(peer, stream)
    await checkFailed(t, outcome, stream, error)
  })

  t.test(`server: a link that ${what} before the decision is no longer pending`, async t => {
    const { peer, stream, incoming, outcome } = await startDecision(t)
    lose(peer, stream)
    while (incoming.pending) await settled()
    t.match(outcome.results, [incoming, error])
    t.ok(stream.destroyed)
  })
}

t.test('server: fail ends the handshake once, with the reason given', async t => {
  const clock = stopTime(t)
  const { handshake, stream, outcome } = startServer(t)
  const reason = new Error('closing')
  handshake.fail(reason)
  handshake.fail(new Error('again'))
  await checkFailed(t, outcome, stream, reason)
  t.equal(clock.timers, 0)
})

// ---------------------------------------------------------------- whole connections

/** A client whose links lead to raw servers. */
function startSocket(t: Test, options: ConstructorParameters<typeof Socket>[0] = {}) {
  const client = new Socket(options)
  t.teardown(() => client.terminate())
  client.on('error', () => {})
  const addLink = () => {
    const pair = corePair()
    t.teardown(() => pair.server.destroy())
    const link = client.addLink(pair.client)
    link.catch(() => {})
    return { link, peer: new RawPeer(pair.server) }
  }
  /** A link that a server accepts. */
  const addAccepted = async (serverId: Uint8Array) => {
    const { link, peer } = addLink()
    await peer.welcome({ serverId })
    const connect = await peer.next(MessageType.Connect)
    peer.send({ type: MessageType.Accepted })
    return { link: await link, peer, connect }
  }
  return { client, addLink, addAccepted }
}

const MISMATCH = { code: 'ECONNRESET', reason: 'server-id-mismatch' }

t.test('data behind Accepted in the same chunk reaches the application', async t => {
  const { client, addLink } = startSocket(t)
  const { peer } = addLink()
  await peer.welcome()
  await peer.next(MessageType.Connect)
  const payload = [Buffer.from('early bird')]
  peer.send({ type: MessageType.Accepted }, { type: MessageType.Data, sequence: 0, payload, bytes: 10 })
  t.equal(String((await once(client, 'data'))[0]), 'early bird')
  await peer.next(MessageType.Ack)
})

t.test('the server that accepts the first link is the one for all others: another gets no Connect', async t => {
  const { client, addLink, addAccepted } = startSocket(t)
  const first = await addAccepted(SERVER_ID)
  t.equal(first.connect.existing, false)
  const wrong = addLink()
  await wrong.peer.welcome({ serverId: OTHER_SERVER_ID })
  await t.rejects(wrong.link, MISMATCH)
  await wrong.peer.closed()
  t.same(wrong.peer.inbox, [])
  const second = await addAccepted(SERVER_ID)
  t.equal(second.connect.existing, true)
  t.same(client.links, [first.link, second.link])
  t.notOk(client.destroyed)
})

t.test('a server that only said Welcome is not the one: the first that accepts is', async t => {
  const { client, addLink, addAccepted } = startSocket(t)
  const slow = addLink()
  await slow.peer.welcome({ serverId: OTHER_SERVER_ID })
  await slow.peer.next(MessageType.Connect)
  const { link } = await addAccepted(SERVER_ID)
  slow.peer.send({ type: MessageType.Accepted })
  await t.rejects(slow.link, MISMATCH)
  slow.peer.stream.end()
  await slow.peer.closed()
  t.same(client.links, [link])
  t.notOk(client.destroyed)
})

t.test('a server that turns out to be another one while the filter is asked gets no Connect', async t => {
  let answer = (_: boolean) => {}
  let asked = 0
  const { client, addLink } = startSocket(t, {
    linkFilter: () => {
      if (asked++ === 0) return true
      return new Promise<boolean>(resolve => {
        answer = resolve
      })
    },
  })
  const right = addLink()
  await right.peer.welcome({ serverId: SERVER_ID })
  await right.peer.next(MessageType.Connect)
  const wrong = addLink()
  await wrong.peer.welcome({ serverId: OTHER_SERVER_ID })
  while (asked < 2) await settled()
  right.peer.send({ type: MessageType.Accepted })
  await right.link
  answer(true)
  await t.rejects(wrong.link, MISMATCH)
  t.same(wrong.peer.inbox, [])
  t.equal(client.links.length, 1)
})

t.test('a link that was given up while its filter was asked is not among the existing ones later', async t => {
  let answer = (_: boolean) => {}
  const existing: number[] = []
  const { addLink } = startSocket(t, {
    linkFilter: (_link, others) => {
      existing.push(others.length)
      if (existing.length > 1) return true
      return new Promise<boolean>(resolve => {
        answer = resolve
      })
    },
  })
  const lost = addLink()
  await lost.peer.welcome()
  while (existing.length < 1) await settled()
  const next = addLink()
  await next.peer.welcome()
  lost.peer.stream.destroy()
  await t.rejects(lost.link)
  answer(true)
  await next.peer.next(MessageType.Connect)
  t.same(existing, [0, 0])
})

for (const [what, refuse, reason] of [
  ['meets another server', (peer: RawPeer) => peer.welcome({ serverId: OTHER_SERVER_ID }), 'server-id-mismatch'],
  [
    'is unknown to the server',
    async (peer: RawPeer) => {
      await peer.welcome({ serverId: SERVER_ID })
      await peer.next(MessageType.Connect)
      peer.send({ type: MessageType.Refused, reason: RefusedReason.ConnectionClosed })
    },
    'aborted-by-server',
  ],
] as const) {
  t.test(`a connection whose new link ${what} lives on as long as another one may work`, async t => {
    const { client, addLink, addAccepted } = startSocket(t)
    const { peer: firstPeer } = await addAccepted(SERVER_ID)
    const one = addLink()
    await refuse(one.peer)
    await t.rejects(one.link, { code: 'ECONNRESET', reason })
    t.notOk(client.destroyed)
    firstPeer.stream.destroy()
    await once(client, 'linkclose')
    const ended = once(client, 'error')
    const two = addLink()
    await refuse(two.peer)
    await t.rejects(two.link, { code: 'ECONNRESET', reason })
    t.match(await ended, [{ code: 'ECONNRESET', reason }], 'without one it ends')
  })
}

t.test('a stream that fails before anybody could listen is told, not thrown', async t => {
  const { client, addLink } = startSocket(t)
  const first = addLink()
  const pair = corePair()
  const link = client.addLink(pair.client.destroy(new Error('broken')))
  await t.rejects(link, { message: 'broken' })
  const server = createServer()
  await t.rejects(server.addLink(pair.server.destroy(new Error('broken, too'))), { message: 'broken, too' })
  await first.peer.welcome()
  await first.peer.next(MessageType.Connect)
})

t.test('data of a client that had to wait for Accepted reaches the application', async t => {
  const server = createServer()
  const pair = corePair()
  const peer = new RawPeer(pair.client)
  server.addLink(pair.server).catch(() => {})
  const accepted = once(server, 'connection') as Promise<[Socket]>
  await peer.connect(await peer.next(MessageType.Welcome), CONNECTION_ID)
  await peer.next(MessageType.Accepted)
  const [connection] = await accepted
  t.teardown(() => connection.terminate())
  t.equal(connection.id, idToHex(CONNECTION_ID))
  peer.send({ type: MessageType.Data, sequence: 0, payload: [Buffer.from('hello')], bytes: 5 })
  t.equal(String((await once(connection, 'data'))[0]), 'hello')
})

for (const existing of [false, true]) {
  t.test(`a recorded Connect does not join the connection it was made for (existing ${existing})`, async t => {
    const server = createServer()
    const pair = corePair()
    const recorded: Buffer[] = []
    const honest = new RawPeer(pair.client)
    const { write } = pair.client
    pair.client.write = (...args: unknown[]) => {
      recorded.push(args[0] as Buffer)
      return Reflect.apply(write, pair.client, args)
    }
    server.on('connection', connection => t.teardown(() => connection.terminate()))
    // With existing true it is the second link of the connection that is recorded.
    if (existing) {
      const first = corePair()
      const peer = new RawPeer(first.client)
      server.addLink(first.server).catch(() => {})
      await peer.connect(await peer.next(MessageType.Welcome), CONNECTION_ID)
      await peer.next(MessageType.Accepted)
    }
    server.addLink(pair.server).catch(() => {})
    await honest.connect(await honest.next(MessageType.Welcome), CONNECTION_ID, { existing })
    await honest.next(MessageType.Accepted)
    const [connection] = server.connections as [Socket]
    const links = connection.links.length

    const replay = corePair()
    const attacker = new RawPeer(replay.client)
    const result = server.addLink(replay.server)
    result.catch(() => {})
    await attacker.next(MessageType.Welcome)
    replay.client.write(recorded[0])
    if (existing) {
      t.match(await attacker.next(MessageType.Refused), { reason: RefusedReason.ConnectionClosed })
      await t.rejects(result, { code: 'ECONNREFUSED' })
    } else {
      await result
      t.equal(server.connections.length, 2, 'it is a stranger like any other')
      t.not(server.connections[1]?.id, connection.id)
    }
    t.equal(connection.links.length, links)
  })
}
