// What the reference really does, and what therefore must never end a link or a connection: section 5 of the threat
// model, a test for each by its name there.

import { once } from 'node:events'
import t from 'tap'
import { type LinkMessage, MessageType } from '../../lib/protocol/messages.ts'
import { type Attacker, data, packetsOf } from './attacker.ts'
import { Scene } from './scene.ts'

const ack = (sequence: number): LinkMessage => ({ type: MessageType.Ack, sequence })
const finish = (sequence: number): LinkMessage => ({ type: MessageType.SendFinish, sequence })
const consumed = (sequence: number, bytes: number): LinkMessage => ({ type: MessageType.Consumed, sequence, bytes })

async function payload(peer: Attacker): Promise<string> {
  return Buffer.concat((await peer.next(MessageType.Data)).payload).toString()
}

t.test('acks for copies', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { id, attacker, victim } = await scene.connection()
    await attacker.settled()
    victim.socket.write('sent twice')
    t.equal(await payload(attacker), 'sent twice')
    // The first link goes while the ack of a copy over the second is under way.
    const second = await scene.link(id)
    await second.settled()
    attacker.send({ type: MessageType.Goodbye })
    t.equal(await payload(second), 'sent twice')
    second.send(ack(0), ack(0), ack(0))
    await second.settled()
    second.send(ack(0))
    await second.settled()
    t.same(victim.linkEnds, ['remotely-requested'])
    t.equal(victim.stats.unacked, 0)
  })
})

t.test('late copies of any age', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    const heard: Buffer[] = []
    victim.socket.on('data', chunk => heard.push(chunk))
    for (let round = 0; round < 10; round++) {
      attacker.send(...Array.from({ length: 1_000 }, (_, index) => data(1_000 * round + index, 'x')))
      await attacker.settled()
    }
    attacker.send(data(0, 'x'), data(5_000, 'x'), data(9_999, 'x'), finish(10_000))
    await once(victim.socket, 'end')
    t.equal(Buffer.concat(heard).length, 10_000)
    await attacker.until(() => attacker.acks.length === 10_004)
    t.same(victim.linkEnds, [])
  })
})

for (const [what, most] of [
  ['control messages a little past 65,536', 65_600],
  ['more than 65,536 outstanding (0.9.7)', 131_071],
] as const) {
  t.test(what, async t => {
    const scene = await Scene.open(t)
    await scene.during(async () => {
      const { attacker, victim } = await scene.connection()
      await attacker.flood(Math.ceil(most / 1_000), round => {
        const first = 1 + round * 1_000
        return Array.from({ length: Math.min(1_000, most - round * 1_000) }, (_, index) =>
          most > 100_000 ? data(first + index, 'x') : consumed(first + index, 0),
        )
      })
      await attacker.settled()
      t.equal(attacker.acks.length, most)
      attacker.send(data(0, 'the first comes last'))
      t.match(String((await once(victim.socket, 'data'))[0]), /^the first comes last/)
      t.same(victim.linkEnds, [])
    })
  })
}

t.test('Goodbye answered only by closing', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { id, attacker, victim } = await scene.connection()
    const second = await scene.link(id)
    await Promise.all([attacker.settled(), second.settled()])
    const gone = victim.socket.links[0]!.disconnect()
    await attacker.next(MessageType.Goodbye)
    attacker.socket.end()
    await gone
    t.same(victim.linkEnds, ['locally-requested'])
    t.same(victim.linkErrors, [])
    second.send(data(0, 'goes on'))
    t.equal(String((await once(victim.socket, 'data'))[0]), 'goes on')
  })
})

t.test('trailing bytes', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    for (const message of [consumed(0, 0), { type: MessageType.Ping } as const]) {
      const [packet] = packetsOf(message) as [Uint8Array]
      attacker.socket.write(attacker.frame(Buffer.concat([packet, Buffer.from('from a newer version')])))
    }
    await attacker.next(MessageType.Pong)
    t.same(attacker.acks, [0])
    t.same(victim.linkEnds, [])
  })
})

for (const close of ['resetAndDestroy', 'end'] as const) {
  t.test(`resets instead of a clean end when both directions are finished (a normal close): ${close}`, async t => {
    const scene = await Scene.open(t)
    await scene.during(async () => {
      const { attacker, victim } = await scene.connection()
      await attacker.settled()
      attacker.send(data(0, 'all of it'), finish(1))
      victim.socket.end('and the answer')
      t.equal((await victim.socket.toArray()).join(''), 'all of it')
      t.equal(await payload(attacker), 'and the answer')
      const { sequence } = await attacker.next(MessageType.SendFinish)
      // The last acks are never sent; what counts is that everything was consumed.
      attacker.send(ack(0), consumed(2, 14))
      await attacker.until(() => attacker.acks.includes(2))
      attacker.socket[close]()
      await victim.closed
      t.equal(victim.error, undefined, `SendFinish ${sequence} was never acknowledged`)
      t.same(victim.linkErrors, [])
      t.same(victim.linkEnds, ['connection-closed'].slice(0, victim.linkEnds.length))
    })
  })
}

t.test('megabytes of TestData', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    await attacker.flood(20, () => Array.from({ length: 16 }, () => ({ type: MessageType.TestData, bytes: 65_535 })))
    await attacker.settled()
    attacker.send(data(0, 'and then'))
    t.equal(String((await once(victim.socket, 'data'))[0]), 'and then')
    t.same(victim.linkEnds, [])
  })
})
