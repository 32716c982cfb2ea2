// Attacks A26 to A32 of the threat model: acks, pings, blocks, farewells, and peers that stop reading.

import { once } from 'node:events'
import t from 'tap'
import type { Link } from '../../lib/index.ts'
import { type LinkMessage, MessageType, RefusedReason } from '../../lib/protocol/messages.ts'
import { freezeTime } from '../support/freeze-time.ts'
import { memoryBytes, memoryLimit } from '../support/memory.ts'
import { type Attacker, data } from './attacker.ts'
import { type Hostile, Scene } from './scene.ts'

const PROTOCOL_ERROR = { code: 'EPROTO', reason: 'protocol-error' }
const BUFFERS = 2_000_000
const smallBuffers = { config: { recvBuffer: BUFFERS / 2, sendBuffer: BUFFERS / 2 } }
const ack = (sequence: number): LinkMessage => ({ type: MessageType.Ack, sequence })
const bare = (
  type: typeof MessageType.Goodbye | typeof MessageType.Terminate | typeof MessageType.Ping | typeof MessageType.Pong,
) => ({ type }) as const

/** Two links that work; what the server writes goes over the first one. */
async function twoLinks(scene: Scene): Promise<Hostile & { readonly second: Attacker }> {
  const hostile = await scene.connection()
  await hostile.attacker.settled()
  const second = await scene.link(hostile.id)
  await second.settled()
  hostile.victim.socket.links[1]?.block()
  await second.next(MessageType.SetBlock)
  return { ...hostile, second }
}

// ---------------------------------------------------------------- A26

t.test('A26 an ack of what was never sent fails the link; the next number, too', async t => {
  for (const sequence of [0, 1, 2 ** 31 - 1]) {
    const scene = await Scene.open(t)
    await scene.during(async () => {
      const { attacker, victim, second } = await twoLinks(scene)
      attacker.send(ack(sequence))
      await attacker.closed()
      t.same(victim.linkEnds, ['protocol-error'])
      t.match(victim.linkErrors, [PROTOCOL_ERROR])
      await second.settled()
    })
  }
})

t.test('A26 acks of old, of messages of another link, or twice, change nothing', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { attacker, victim, second } = await twoLinks(scene)
    victim.socket.write('over the first link')
    const { sequence } = await attacker.next(MessageType.Data)
    second.polite = false // its pongs would measure something
    second.send(ack(sequence))
    await second.settled()
    t.equal(victim.stats.unacked, 19, 'it counts on its own link only')
    const { roundTrip } = victim.socket.links[1]!.stats!
    attacker.send(ack(sequence), ack(sequence))
    await attacker.settled()
    t.equal(victim.stats.unacked, 0)
    second.send(ack(sequence))
    await Promise.all([attacker.settled(), second.settled()])
    t.equal(victim.socket.links[1]!.stats!.roundTrip, roundTrip, 'nor does it measure anything')
    t.same(victim.linkEnds, [])
  })
})

t.test('A26 an ack before that of an older message fails the link, which loses data', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { attacker, victim, second } = await twoLinks(scene)
    for (const text of ['one', 'two']) {
      victim.socket.write(text)
      await attacker.next(MessageType.Data)
    }
    attacker.send(ack(1))
    await attacker.closed()
    t.same(victim.linkEnds, ['protocol-error'])
    victim.socket.links[0]?.unblock()
    t.equal(Buffer.concat((await second.next(MessageType.Data)).payload).toString(), 'one')
  })
})

// ---------------------------------------------------------------- A27, A28

t.test('A27 acks that nobody reads: reading stops at the limit, and the link goes 40 s after it took the last', async t => {
  // Without pings nothing else can end the link.
  const { config } = smallBuffers
  const scene = await Scene.open(t, { config: { ...config, link: { ping: { mode: 'whenTimedOut' } } } })
  const clock = freezeTime(t)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    await attacker.settled()
    attacker.polite = false
    attacker.socket.pause()
    let wroteMs = 0
    const { stream } = victim.socket.links[0] as Link
    const write = stream.write.bind(stream)
    stream.write = (chunk: Uint8Array) => {
      wroteMs = clock.nowMs()
      return write(chunk)
    }
    let endedMs: number | undefined
    victim.socket.once('linkclose', () => {
      endedMs = clock.nowMs()
    })
    const before = await memoryBytes()
    const copies = Array.from({ length: 2_000 }, () => data(0, 0))
    let chunks = 0
    // Goes on to the end, for the system may always find room for a little more.
    const flood = async () => {
      for (; endedMs === undefined && chunks < 2_000; chunks++) await attacker.write(attacker.frames(...copies))
    }
    void flood()
    for (let idle = 0, seen = -1; idle < 20; seen = chunks) {
      await scene.honest.exchange(1_000)
      idle = chunks === seen ? idle + 1 : 0
    }
    const used = (await memoryBytes()) - before
    t.ok(used < memoryLimit({ buffers: BUFFERS }), `${used} bytes`)
    while (endedMs === undefined && clock.nowMs() < 1_000_000) await scene.pass(clock, 500)
    t.ok(chunks * copies.length > 131_072, `${chunks * copies.length} copies taken`)
    t.ok(chunks < 2_000, 'and then no more')
    t.same(victim.linkEnds, ['send-timeout'])
    const waitedMs = (endedMs ?? 0) - wroteMs
    t.ok(waitedMs >= 40_000 && waitedMs <= 40_001, `${waitedMs} ms; timers are set for whole ones`)
  })
})

t.test('A28 a peer that never consumes, or never acks: the writer waits, keeps its buffers, and learns by timeout', async t => {
  for (const acknowledges of [true, false]) {
    const scene = await Scene.open(t, smallBuffers)
    const clock = freezeTime(t)
    await scene.during(async () => {
      const { attacker, victim } = await scene.connection({ recvBuffer: acknowledges ? BUFFERS / 2 : 2 ** 32 - 1 })
      attacker.acknowledges = acknowledges
      await attacker.settled()
      victim.socket.setTimeout(5_000)
      let timeouts = 0
      victim.socket.on('timeout', () => timeouts++)
      const before = await memoryBytes()
      let pieces = 0
      while (victim.socket.write(new Uint8Array(50_000)) || pieces < 10) {
        pieces++
        for (let turn = 0; turn < 3; turn++) await scene.honest.exchange(1_000)
        attacker.inbox.length = 0
      }
      t.ok(pieces * 50_000 <= 2 * BUFFERS, `write says no after ${pieces * 50_000} bytes`)
      const used = (await memoryBytes()) - before
      t.ok(used < memoryLimit({ buffers: BUFFERS }), `${used} bytes`)
      t.equal(timeouts, 0)
      // As with net.Socket the first time counts from when it was seen how much waits.
      await scene.pass(clock, 10_000)
      const pingsBefore = attacker.pings
      t.equal(timeouts, 1, 'once for each time that nothing happens')
      await scene.pass(clock, 8_000)
      if (acknowledges) t.ok(attacker.pings > pingsBefore, 'pings go on, and do not count')
      t.equal(timeouts, 1)
    })
  }
})

t.test('A28 a peer that blocks every link for ever holds what it was sent, and no more', async t => {
  const scene = await Scene.open(t, smallBuffers)
  const clock = freezeTime(t)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    attacker.send({ type: MessageType.SetBlock, blocked: true })
    await attacker.settled()
    victim.socket.setTimeout(5_000)
    const timeout = once(victim.socket, 'timeout')
    let pieces = 0
    while (victim.socket.write(new Uint8Array(50_000))) pieces++
    t.ok(pieces * 50_000 <= 200_000)
    await scene.pass(clock, 10_000)
    await timeout
    await scene.pass(clock, 60_000, 5_000)
    t.same(victim.linkEnds, [], 'a blocked link is not removed for being silent')
    t.notOk(attacker.inbox.some(({ type }) => type === MessageType.Data))
  })
})

// ---------------------------------------------------------------- A29, A30

t.test('A29 a flood of pings, whose answers nobody reads: at most one waits', async t => {
  const scene = await Scene.open(t, smallBuffers)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    await attacker.settled()
    const before = await memoryBytes()
    const chunk = () => attacker.frames(...Array.from({ length: 1_000 }, () => bare(MessageType.Ping)))
    for (let count = 0; count < 100; count++) await attacker.write(chunk())
    const written = attacker.inbox.length
    attacker.send(data(0, 0))
    await attacker.until(() => attacker.acks.length === 1)
    const pongs = attacker.inbox.filter(({ type }) => type === MessageType.Pong).length
    t.ok(pongs >= written && pongs < 10_000, `${pongs} answers to 100,000 pings`)
    attacker.inbox.length = 0
    t.ok((await memoryBytes()) - before < 1_000_000)
    t.same(victim.linkEnds, [])
  })
})

t.test('A29 unasked pongs are passed over, and no answer is quicker than 0.1 ms', async t => {
  const scene = await Scene.open(t)
  freezeTime(t)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    await attacker.flood(10, () => Array.from({ length: 1_000 }, () => bare(MessageType.Pong)))
    attacker.acknowledges = true
    await attacker.settled()
    victim.socket.write('measured in no time')
    await attacker.next(MessageType.Data)
    await attacker.settled()
    const { roundTrip, minRoundTrip } = victim.socket.links[0]!.stats!
    t.ok(minRoundTrip >= 0.1 && roundTrip >= 0.1, `${minRoundTrip} ms`)
    t.same(victim.linkEnds, [])
  })
})

t.test('A30 blocked and unblocked 100,000 times: nothing is kept of it, and a block of ours stays ours', async t => {
  const scene = await Scene.open(t, smallBuffers)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    await attacker.settled()
    const [link] = victim.socket.links
    link?.block()
    await attacker.next(MessageType.SetBlock)
    const before = await memoryBytes()
    const toggle = Array.from(
      { length: 1_000 },
      (_, index): LinkMessage => ({ type: MessageType.SetBlock, blocked: index % 2 === 0 }),
    )
    await attacker.flood(100, () => toggle)
    await attacker.settled()
    t.ok((await memoryBytes()) - before < 1_000_000)
    t.match(link, { blocked: true, remotelyBlocked: false })
    victim.socket.write('not over this link')
    await attacker.settled()
    t.notOk(attacker.inbox.some(({ type }) => type === MessageType.Data))
    link?.unblock()
    await attacker.next(MessageType.Data)
  })
})

// ---------------------------------------------------------------- A31

const afterGoodbye: Record<string, LinkMessage> = {
  'a second Goodbye': bare(MessageType.Goodbye),
  'data behind Goodbye': data(0, 'late'),
}
for (const [what, message] of Object.entries(afterGoodbye)) {
  t.test(`A31 ${what} fails the link`, async t => {
    const scene = await Scene.open(t)
    await scene.during(async () => {
      const { attacker, victim, second } = await twoLinks(scene)
      attacker.send(bare(MessageType.Goodbye), message)
      await attacker.closed()
      t.same(victim.linkEnds, ['protocol-error'])
      t.match(victim.linkErrors, [PROTOCOL_ERROR])
      await second.settled()
    })
  })
}

t.test('A31 acks and pings behind Goodbye still count', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { attacker, victim } = await twoLinks(scene)
    victim.socket.write('under way')
    const { sequence } = await attacker.next(MessageType.Data)
    attacker.send(bare(MessageType.Goodbye), bare(MessageType.Ping), ack(sequence))
    await attacker.next(MessageType.Goodbye)
    attacker.socket.end()
    await attacker.closed()
    t.same(victim.linkEnds, ['remotely-requested'])
    t.equal(victim.stats.unacked, 0)
  })
})

t.test('A31 Goodbyes that cross: the link goes once, in good order', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { attacker, victim, second } = await twoLinks(scene)
    attacker.send(bare(MessageType.Goodbye))
    const gone = victim.socket.links[0]!.disconnect()
    await attacker.next(MessageType.Goodbye)
    attacker.socket.end()
    await gone
    await attacker.closed()
    t.equal(victim.linkEnds.length, 1)
    t.match(victim.linkEnds[0], /requested$/)
    t.equal(attacker.inbox.filter(({ type }) => type === MessageType.Goodbye).length, 0)
    await second.settled()
  })
})

t.test('A31 Goodbye on the last link: the connection waits for another', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { id, attacker, victim } = await scene.connection()
    await attacker.settled()
    attacker.send(bare(MessageType.Goodbye))
    await attacker.next(MessageType.Goodbye)
    attacker.socket.end()
    await attacker.closed()
    t.same(victim.linkEnds, ['remotely-requested'])
    victim.socket.write('when you are back')
    const back = await scene.link(id)
    t.equal(Buffer.concat((await back.next(MessageType.Data)).payload).toString(), 'when you are back')
    t.equal(victim.error, undefined)
  })
})

// ---------------------------------------------------------------- A32

t.test('A32 Terminate on one link ends the connection at once, and all its links within 5 s', async t => {
  const scene = await Scene.open(t)
  const clock = freezeTime(t)
  await scene.during(async () => {
    const { id, attacker, victim, second } = await twoLinks(scene)
    attacker.send(bare(MessageType.Terminate))
    await victim.closed
    t.match(victim.error, { code: 'ECONNRESET', reason: 'terminated' })
    await second.next(MessageType.Terminate)
    await attacker.next(MessageType.Terminate)
    t.notOk(second.socket.destroyed, 'its answer is waited for')
    await scene.pass(clock, 5_000)
    // What is closed in good order waits for the other end; that takes 5 s, too.
    await scene.pass(clock, 5_000)
    await Promise.all([attacker.closed(), second.closed()])
    const late = await scene.dial()
    await late.ask(id)
    t.equal((await late.next(MessageType.Refused)).reason, RefusedReason.ConnectionClosed)
  })
})

t.test('A32 the same with a peer that reads nothing, so that nothing can be written', async t => {
  const scene = await Scene.open(t)
  const clock = freezeTime(t)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection({ recvBuffer: 2 ** 32 - 1 })
    attacker.acknowledges = true
    await attacker.settled()
    victim.socket.write(new Uint8Array(30_000_000))
    await attacker.next(MessageType.Data)
    attacker.socket.pause()
    for (let round = 0; round < 20; round++) await scene.honest.exchange(1_000)
    await attacker.write(attacker.frames(bare(MessageType.Terminate)))
    await victim.closed
    t.match(victim.error, { code: 'ECONNRESET', reason: 'terminated' })
    await scene.pass(clock, 10_000)
    t.equal(scene.server.connections.length, 1)
    attacker.socket.resume()
    await attacker.closed()
  })
})
