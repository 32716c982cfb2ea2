// Attacks A16 to A25 of the threat model: the reliable messages that a peer sends.

import { once } from 'node:events'
import t, { type Test } from 'tap'
import { crc32 } from '../../lib/protocol/crc32.ts'
import { type LinkMessage, MessageType } from '../../lib/protocol/messages.ts'
import { memoryBytes, memoryLimit } from '../support/memory.ts'
import { type Attacker, data, packetsOf } from './attacker.ts'
import { type Hostile, Scene } from './scene.ts'

const PROTOCOL_ERROR = { code: 'EPROTO', reason: 'protocol-error' }
const SPAN_LIMIT = 131_072
const MOST_TOO_FAR = 1_000
/** Both buffers of a connection whose memory is measured, in the same parts. */
const BUFFERS = 2_000_000
const smallBuffers = { config: { recvBuffer: BUFFERS / 2, sendBuffer: BUFFERS / 2 } }

/** Messages ordered as given, 1,000 in a chunk, and none left unread. */
async function sendAll(attacker: Attacker, count: number, messageOf: (index: number) => LinkMessage): Promise<void> {
  const chunk = 1_000
  await attacker.flood(Math.ceil(count / chunk), round =>
    Array.from({ length: Math.min(chunk, count - round * chunk) }, (_, index) => messageOf(round * chunk + index)),
  )
  if (!attacker.socket.destroyed) await attacker.settled()
}

/** What the connection costs more than before. */
async function checkMemory(t: Test, before: number, attacker: Attacker): Promise<number> {
  attacker.acks.length = 0
  const used = (await memoryBytes()) - before
  t.ok(used < memoryLimit({ buffers: BUFFERS }), `${used} bytes`)
  return used
}

async function checkConnectionFailed(t: Test, { attacker, victim }: Hostile): Promise<void> {
  await Promise.all([victim.closed, attacker.closed()])
  t.match(victim.error, PROTOCOL_ERROR)
  t.equal(victim.closes, 1)
}

// ---------------------------------------------------------------- A16

t.test('A16 numbers far ahead are neither stored nor acknowledged, and too many of them end the connection', async t => {
  const scene = await Scene.open(t, smallBuffers)
  await scene.during(async () => {
    const hostile = await scene.connection()
    const { attacker, victim } = hostile
    attacker.send(data(SPAN_LIMIT - 1, 'the farthest'))
    await attacker.settled()
    t.same(attacker.acks, [SPAN_LIMIT - 1])
    const before = await memoryBytes()
    await sendAll(attacker, MOST_TOO_FAR, index => data(SPAN_LIMIT + index * 1_000_003, 1_000))
    t.equal(attacker.acks.length, 1)
    await checkMemory(t, before, attacker)
    t.equal(victim.stats.receivedUnconsumed, 'the farthest'.length)
    attacker.send(data(SPAN_LIMIT, 1))
    await checkConnectionFailed(t, hostile)
  })
})

// ---------------------------------------------------------------- A17

t.test('A17 numbers behind are acknowledged and dropped, however far behind', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    for (let sequence = 0; sequence < 10; sequence++) attacker.send(data(sequence, String(sequence)))
    const copies = [0, 9, 5, -1, -1_000, -(2 ** 31) + 10].map(sequence => data(sequence, 'a copy'))
    attacker.send(...copies, { type: MessageType.SendFinish, sequence: 10 })
    t.equal((await victim.socket.toArray()).join(''), '0123456789')
    await attacker.until(() => attacker.acks.length === 17)
    t.same(
      attacker.acks.slice(10, 16),
      copies.map(message => 'sequence' in message && message.sequence),
    )
    t.same(victim.linkEnds, [])
  })
})

// ---------------------------------------------------------------- A19 to A21

t.test('A19 empty data without end, with nobody reading: counted, acknowledged, never queued', async t => {
  const scene = await Scene.open(t, smallBuffers)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    await attacker.settled()
    const before = await memoryBytes()
    await sendAll(attacker, 150_000, sequence => data(sequence, 0))
    t.equal(attacker.acks.length, 150_000)
    const used = await checkMemory(t, before, attacker)
    t.ok(used < 1_000_000, 'nothing but small change')
    t.equal(victim.stats.receivedUnconsumedCount, 0)
    attacker.send(data(150_000, 'at last'))
    t.equal(String((await once(victim.socket, 'data'))[0]), 'at last')
  })
})

t.test('A20 data between 64 KiB of padding, with nobody reading, costs its own size', async t => {
  const scene = await Scene.open(t, smallBuffers)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    await attacker.settled()
    const [padding] = packetsOf({ type: MessageType.TestData, bytes: 65_536 }) as [Uint8Array]
    const checksum = crc32(padding)
    const before = await memoryBytes()
    const bytes = 250
    const count = BUFFERS / 2 / bytes
    for (let sequence = 0; sequence < count; sequence++) {
      await attacker.write(Buffer.concat([attacker.frames(data(sequence, bytes)), attacker.frame(padding, { checksum })]))
    }
    await attacker.settled()
    await checkMemory(t, before, attacker)
    t.equal(victim.socket.bytesRead + victim.stats.receivedUnconsumed, BUFFERS / 2)
    attacker.send({ type: MessageType.SendFinish, sequence: count })
    t.equal(Buffer.concat(await victim.socket.toArray()).length, BUFFERS / 2)
  })
})

t.test('A20 100,000 bytes in as many messages, with nobody reading, cost little more than their size', async t => {
  const scene = await Scene.open(t, smallBuffers)
  await scene.during(async () => {
    const { attacker } = await scene.connection()
    await attacker.settled()
    const before = await memoryBytes()
    await sendAll(attacker, 100_000, sequence => data(sequence, 1))
    t.ok((await checkMemory(t, before, attacker)) < 1_000_000)
  })
})

for (const [what, size] of [
  ['single bytes', 1],
  ['medium pieces', 200],
] as const) {
  t.test(`A20 ${what} that wait far ahead keep nothing alive of what was read since`, async t => {
    const scene = await Scene.open(t, smallBuffers)
    await scene.during(async () => {
      const { attacker, victim } = await scene.connection()
      victim.socket.resume()
      attacker.acknowledges = true
      await attacker.settled()
      const before = await memoryBytes()
      let sequence = 0
      // Together in one chunk, and in what is copied from it; the data in order does not fill what it takes by itself.
      for (let round = 0; round < 1_200; round++) {
        const inOrder = Array.from({ length: 8 }, () => data(sequence++, 4_000))
        await attacker.write(attacker.frames(data(60_000 + 2 * round, size), ...inOrder))
      }
      await attacker.settled()
      await checkMemory(t, before, attacker)
      t.equal(victim.stats.receivedUnconsumed, 1_200 * size)
    })
  })

  t.test(`A20 the same with what was read having waited, too (${what})`, async t => {
    const scene = await Scene.open(t, smallBuffers)
    await scene.during(async () => {
      const { attacker, victim } = await scene.connection()
      victim.socket.resume()
      attacker.acknowledges = true
      await attacker.settled()
      const before = await memoryBytes()
      let sequence = 0
      for (let round = 0; round < 1_200; round++) {
        const first = sequence
        const waiting = Array.from({ length: 8 }, (_, index) => data(first + 1 + index, 4_000))
        sequence += 9
        await attacker.write(attacker.frames(...waiting, data(60_000 + 2 * round, size), data(first, 0)))
      }
      await attacker.settled()
      await checkMemory(t, before, attacker)
      t.equal(victim.stats.receivedUnconsumed, 1_200 * size)
    })
  })
}

t.test('A21 every second message missing for ever: the window is the bound, and what waits costs 32 bytes each', async t => {
  const scene = await Scene.open(t, smallBuffers)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    await attacker.settled()
    const before = await memoryBytes()
    const count = SPAN_LIMIT / 2
    await sendAll(attacker, count, index => data(2 * index + 1, 1))
    const used = await checkMemory(t, before, attacker)
    t.ok(used < count * 32 + 500_000, `${used / count} bytes each`)
    t.equal(victim.stats.receivedUnconsumedCount, count)
    attacker.send(data(0, 1))
    await once(victim.socket, 'readable')
    t.equal(victim.socket.read().length, 2)
    t.equal(victim.error, undefined)
  })
})

// ---------------------------------------------------------------- A22 to A25

const half = BUFFERS / 4
const finish = (sequence: number): LinkMessage => ({ type: MessageType.SendFinish, sequence })
const consumed = (sequence: number, bytes: number): LinkMessage => ({ type: MessageType.Consumed, sequence, bytes })

const endings: Record<string, readonly LinkMessage[]> = {
  'A22 more than the receive buffer': [...[0, 1, 2].map(sequence => data(sequence, half - 1)), data(3, 4), data(4, half - 1)],
  'A22 data above half of the receive buffer': [data(0, half)],
  'A23 a number again with another length while the first waits': [data(5, 'abc'), data(5, 'abcd')],
  'A23 a number again as something else': [data(5, 'abc'), finish(5)],
  'A24 data behind SendFinish': [finish(0), data(1, 'late')],
  'A24 data behind SendFinish that came before it': [data(7, 'early'), finish(3)],
  'A24 a second SendFinish': [finish(0), finish(1)],
  'A24 a second SendFinish while the first waits': [finish(5), finish(6)],
  'A25 Consumed above what is outstanding': [consumed(0, 1)],
}
for (const [what, messages] of Object.entries(endings)) {
  t.test(`${what} ends the connection with EPROTO`, async t => {
    const scene = await Scene.open(t, smallBuffers)
    await scene.during(async () => {
      const hostile = await scene.connection()
      const second = await scene.link(hostile.id)
      for (const message of messages) hostile.attacker.send(message)
      await checkConnectionFailed(t, hostile)
      await second.closed()
    })
  })
}

t.test('A24 data after both directions have ended changes nothing: the connection is over', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    attacker.acknowledges = true
    attacker.send(data(0, 'all'), finish(1))
    victim.socket.resume().end()
    await attacker.until(() => attacker.inbox.some(({ type }) => type === MessageType.SendFinish))
    attacker.send(data(2, 'and more'))
    await victim.closed
    t.equal(victim.error, undefined)
    t.equal(victim.socket.bytesRead, 3)
  })
})

t.test('A25 Consumed of what is outstanding counts once, and no more', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const hostile = await scene.connection()
    const { attacker, victim } = hostile
    attacker.acknowledges = true
    await attacker.settled()
    victim.socket.write('0123456789')
    await attacker.next(MessageType.Data)
    attacker.send(consumed(0, 4), consumed(0, 4), consumed(1, 6))
    await attacker.settled()
    t.equal(victim.stats.unconsumed, 0)
    t.equal(victim.error, undefined)
    attacker.send(consumed(2, 1))
    await checkConnectionFailed(t, hostile)
  })
})

t.test('A25 Consumed of nothing without end: nothing happens', async t => {
  const scene = await Scene.open(t, smallBuffers)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    await attacker.settled()
    const before = await memoryBytes()
    await sendAll(attacker, 100_000, sequence => consumed(sequence, 0))
    t.equal(attacker.acks.length, 100_000)
    t.ok((await checkMemory(t, before, attacker)) < 1_000_000)
    t.same(victim.linkEnds, [])
  })
})
