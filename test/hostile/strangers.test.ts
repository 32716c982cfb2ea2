// Attacks A6 to A8 of the threat model: many at once, who want nothing but room.

import { once } from 'node:events'
import t, { type Test } from 'tap'
import { connect, type Socket } from '../../lib/index.ts'
import { type ConnectMessage, MessageType, RefusedReason } from '../../lib/protocol/messages.ts'
import { freezeTime } from '../support/freeze-time.ts'
import { memoryBytes } from '../support/memory.ts'
import { randomId } from '../support/raw-link.ts'
import { connectMessage, welcomeMessage } from '../support/raw-peer.ts'
import { settled } from '../transports/manual-clock.ts'
import { type Attacker, packetsOf } from './attacker.ts'
import { Scene } from './scene.ts'

const CROWD = 2_000
const AT_ONCE = 200
/** Of one address (threat model, section 3). */
const HANDSHAKES_OF_ADDRESS = 16
const HANDSHAKE_TIMEOUT_MS = 10_000
const HALF_OPEN_BYTES_MAX = 81_920

/** Connects the crowd; those that are dropped at once are passed over. */
async function crowd(t: Test, scene: Scene): Promise<Attacker[]> {
  const held: Attacker[] = []
  let dropped = 0
  scene.server.on('drop', () => dropped++)
  for (let count = 0; count < CROWD; count += AT_ONCE) {
    const dialed = await Promise.all(Array.from({ length: AT_ONCE }, () => scene.dial()))
    const outcomes = dialed.map(attacker => Promise.race([attacker.closed(), attacker.next(MessageType.Welcome).catch(() => {})]))
    await Promise.all(outcomes)
    held.push(...dialed.filter(({ socket }) => !socket.destroyed))
  }
  t.equal(held.length, HANDSHAKES_OF_ADDRESS)
  t.equal(dropped, CROWD - HANDSHAKES_OF_ADDRESS)
  return held
}

async function checkHonestConnects(t: Test, scene: Scene): Promise<void> {
  const connection = once(scene.server, 'connection') as Promise<[Socket]>
  const client = connect({ port: scene.port, host: '127.0.0.1' })
  const [accepted] = await connection
  client.end('in the midst of it')
  t.equal((await accepted.toArray()).join(''), 'in the midst of it')
  accepted.destroy()
}

/** A Connect of the largest size, as bytes. */
async function largestConnect(attacker: Attacker): Promise<Buffer> {
  const connect = await freshConnect({ userData: new Uint8Array(65_535) })
  return attacker.frame(packetsOf(connect)[0] as Uint8Array)
}

/** Made for no Welcome in particular: whatever id it turns out to name is a fresh one. */
async function freshConnect(parts: Partial<ConnectMessage> = {}): Promise<ConnectMessage> {
  return connectMessage(await welcomeMessage(), randomId(), parts)
}

const behaviours: Record<string, (attacker: Attacker) => Promise<(elapsedMs: number) => void>> = {
  'that send nothing': async () => () => {},
  'that send one byte a second': async attacker => {
    const bytes = await largestConnect(attacker)
    return elapsedMs => {
      if (elapsedMs % 1_000 === 0) attacker.socket.write(bytes.subarray(elapsedMs / 1_000, elapsedMs / 1_000 + 1))
    }
  },
  'that send all but the last byte': async attacker => {
    const bytes = await largestConnect(attacker)
    await attacker.write(bytes.subarray(0, -1))
    return () => {}
  },
}

for (const [what, behave] of Object.entries(behaviours)) {
  t.test(`A6 2,000 sockets ${what}: most go at once, the others at the deadline, and who behaves connects at once`, async t => {
    const scene = await Scene.open(t)
    const errors: unknown[] = []
    scene.server.on('linkerror', error => errors.push(error))
    const clock = freezeTime(t)
    await scene.during(async () => {
      const held = await crowd(t, scene)
      errors.length = 0
      const acts = await Promise.all(held.map(behave))
      await checkHonestConnects(t, scene) // without a moment's delay, for time stands still
      for (let elapsedMs = 500; elapsedMs < HANDSHAKE_TIMEOUT_MS; elapsedMs += 500) {
        for (const act of acts) act(elapsedMs)
        await scene.pass(clock, 500)
      }
      t.equal(held.filter(({ socket }) => socket.destroyed).length, 0)
      await scene.pass(clock, 500)
      await Promise.all(held.map(attacker => attacker.closed()))
      t.equal(errors.length, HANDSHAKES_OF_ADDRESS)
      for (const error of errors) t.match(error, { code: 'ETIMEDOUT', reason: 'handshake-timeout' })
    })
    t.equal(scene.server.connections.length, 1)
  })
}

t.test('A6 a handshake that is all there but for its last byte costs 80 KiB at most', async t => {
  const scene = await Scene.open(t, {}, 100) // so that it is not measured
  await scene.during(async () => {
    const addresses = Array.from({ length: 7 }, (_, index) => `127.0.0.${index + 2}`)
    const dialed = addresses.flatMap(from => Array.from({ length: HANDSHAKES_OF_ADDRESS }, () => scene.dial({ from })))
    const before = await memoryBytes()
    const attackers = await Promise.all(dialed)
    for (const attacker of attackers) {
      await attacker.next(MessageType.Welcome)
      await attacker.write((await largestConnect(attacker)).subarray(0, -1))
    }
    await settled()
    const each = ((await memoryBytes()) - before) / attackers.length
    t.ok(each > 65_000, 'it is there')
    t.ok(each <= HALF_OPEN_BYTES_MAX, `${each} bytes, those of the attacker's end included`)
    for (const { socket } of attackers) t.notOk(socket.destroyed)
  })
})

t.test('A6 128 handshakes at once, of however many addresses', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    let dropped = 0
    scene.server.on('drop', () => dropped++)
    const held: Attacker[] = []
    for (let index = 0; index < 10; index++) {
      const dialed = await Promise.all(Array.from({ length: 14 }, () => scene.dial({ from: `127.0.1.${index + 1}` })))
      await Promise.all(dialed.map(attacker => attacker.next(MessageType.Welcome).catch(() => {})))
      held.push(...dialed.filter(({ socket }) => !socket.destroyed))
    }
    t.equal(held.length, 128)
    t.equal(dropped, 12)
  })
})

t.test('A7 10,000 connections of fresh ids, each dropped at once: the limit holds, and 10 s later all are gone', async t => {
  const scene = await Scene.open(t)
  scene.server.on('connection', socket => socket.on('error', () => {}))
  const clock = freezeTime(t)
  await scene.during(async () => {
    const counts = { accepted: 0, refused: 0, most: 0 }
    const message = await freshConnect()
    const ask = async (from: string) => {
      const attacker = await scene.dial({ from })
      attacker.polite = false // so that no link ever works
      await attacker.next(MessageType.Welcome)
      attacker.send(message)
      await attacker.until(() => attacker.inbox.length > 0)
      const [answer] = attacker.inbox
      if (answer?.type === MessageType.Accepted) counts.accepted++
      else if (answer?.type === MessageType.Refused && answer.reason === RefusedReason.ConnectionRefused) counts.refused++
      attacker.socket.resetAndDestroy()
    }
    for (let begun = 0; begun < 10_000; begun += 80) {
      await clock.advance(400) // 200 handshakes a second may begin
      await Promise.all(Array.from({ length: 80 }, (_, index) => ask(`127.0.2.${(index % 5) + 1}`)))
      counts.most = Math.max(counts.most, scene.server.connections.length)
    }
    t.equal(counts.accepted + counts.refused, 10_000)
    t.ok(counts.refused > 1_000, `${counts.refused} refused`)
    t.equal(counts.most, 1_024)
    await scene.honest.exchange() // by when the last one is noticed to be gone
    await scene.pass(clock, 10_000)
    t.equal(scene.server.connections.length, 1)
  })
})

t.test('A8 1,000 links on one connection: from the 33rd on they are refused', async t => {
  const scene = await Scene.open(t)
  const clock = freezeTime(t)
  await scene.during(async () => {
    const { id, attacker, victim } = await scene.connection()
    let accepted = 1
    let refused = 0
    const ask = async (): Promise<void> => {
      const link = await scene.dial()
      await link.ask(id, { existing: true })
      await link.until(() => link.inbox.length > 0)
      const [answer] = link.inbox
      if (answer?.type === MessageType.Accepted) accepted++
      else if (answer?.type === MessageType.Refused && answer.reason === RefusedReason.LinkRefused) {
        refused++
        link.socket.destroy()
      }
    }
    for (let count = 1; count < 1_000; count += 9) {
      await clock.advance(45)
      await Promise.all(Array.from({ length: 9 }, ask))
    }
    t.same([accepted, refused], [32, 968])
    t.equal(victim.socket.links.length, 32)
    await attacker.settled()
    t.equal(victim.error, undefined)
  })
})
