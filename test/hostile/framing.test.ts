// Attacks A1 to A5 of the threat model: frames and messages.

import t, { type Test } from 'tap'
import { type LinkMessage, MessageType } from '../../lib/protocol/messages.ts'
import { freezeTime } from '../support/freeze-time.ts'
import { memoryBytes, memoryLimit } from '../support/memory.ts'
import { randomId } from '../support/raw-link.ts'
import { connectMessage, welcomeMessage } from '../support/raw-peer.ts'
import { type Attacker, data, packetsOf } from './attacker.ts'
import { type Hostile, Scene } from './scene.ts'

const MIB = 1_048_576
const PROTOCOL_ERROR = { code: 'EPROTO', reason: 'protocol-error' }

/** A hostile connection with a second link, which works and stays. */
async function twoLinks(scene: Scene): Promise<Hostile & { readonly second: Attacker }> {
  const hostile = await scene.connection()
  const second = await scene.link(hostile.id)
  await second.settled()
  return { ...hostile, second }
}

/** The first link is gone with a protocol error, the connection lives, and what the second link brings arrives. */
async function checkLinkFailed(t: Test, { attacker, victim, second }: Hostile & { readonly second: Attacker }): Promise<void> {
  await attacker.closed()
  t.same(victim.linkEnds, ['protocol-error'])
  t.match(victim.linkErrors, [PROTOCOL_ERROR])
  t.equal(victim.error, undefined)
  second.send(data(0, 'over the other link'))
  t.equal(String(await readable(victim)), 'over the other link')
}

async function readable({ socket }: Hostile['victim']): Promise<Buffer> {
  for (;;) {
    const chunk = socket.read() as Buffer | null
    if (chunk) return chunk
    await new Promise(resolve => socket.once('readable', resolve))
  }
}

// ---------------------------------------------------------------- A1

for (const length of [2 ** 32 - 1, 8 * MIB + 1]) {
  t.test(`A1 an announced length of ${length} bytes fails the link at once`, async t => {
    const scene = await Scene.open(t)
    await scene.during(async () => {
      const hostile = await twoLinks(scene)
      hostile.attacker.socket.write(hostile.attacker.frame(Uint8Array.of(MessageType.TestData), { length }))
      await checkLinkFailed(t, hostile)
    })
  })

  t.test(`A1 ${length} bytes announced before the handshake is done fail the link at once`, async t => {
    const scene = await Scene.open(t)
    await scene.during(async () => {
      const attacker = await scene.dial()
      attacker.socket.write(attacker.frame(Uint8Array.of(MessageType.Connect), { length }))
      await attacker.closed()
    })
  })
}

t.test('A1 8 MiB announced and then silence: no allocation, and the link goes at the ping timeout', async t => {
  const recvBuffer = 32 * MIB
  const scene = await Scene.open(t, { config: { recvBuffer } })
  const clock = freezeTime(t)
  await scene.during(async () => {
    const hostile = await scene.connection()
    const { attacker, victim } = hostile
    const silent = await Promise.all(Array.from({ length: 15 }, () => scene.link(hostile.id)))
    for (const link of [attacker, ...silent]) await link.settled()
    const before = await memoryBytes()
    for (const [index, link] of [attacker, ...silent].entries()) {
      const [header] = packetsOf(data(index, 0))
      await link.write(link.frame(header as Uint8Array))
      // Half of them are to be payload, the others something that is not even that.
      const packet = index % 2 ? new Uint8Array(100_000) : Uint8Array.of(0)
      await link.write(link.frame(packet, { length: 8 * MIB }))
    }
    await scene.honest.exchange(1_000)
    const used = (await memoryBytes()) - before
    t.ok(used < 16 * 100_000 + 2 * MIB, `16 links wait with ${used} bytes`)
    for (const link of [attacker, ...silent]) link.polite = false
    await scene.pass(clock, 60_000)
    t.same([...new Set(victim.linkEnds)], ['ping-timeout'])
    t.equal(victim.linkEnds.length, 16)
  })
})

// ---------------------------------------------------------------- A2

const damages: Record<string, (attacker: Attacker) => Buffer> = {
  'a sequence number that is not due': attacker => attacker.frame(packetsOf(data(0, 5))[0]!, { sequence: 77 }),
  'a wrong checksum': attacker => attacker.frame(packetsOf(data(0, 5))[0]!, { checksum: 1 }),
  'a damaged payload': attacker => {
    const whole = attacker.frames(data(0, 'right bytes'))
    whole[whole.length - 1]! ^= 0x40
    return whole
  },
  'a length that is too small': attacker =>
    Buffer.concat([attacker.frame(packetsOf(data(0, 5))[0]!, { length: 4 }), Buffer.alloc(20)]),
}

for (const [what, forge] of Object.entries(damages)) {
  t.test(`A2 ${what} fails the link; what it carried arrives over another`, async t => {
    const scene = await Scene.open(t)
    await scene.during(async () => {
      const hostile = await twoLinks(scene)
      hostile.attacker.socket.write(forge(hostile.attacker))
      await checkLinkFailed(t, hostile)
    })
  })
}

t.test('A2 a length that is too large swallows what follows, until the checksum tells', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const hostile = await twoLinks(scene)
    const { attacker } = hostile
    await attacker.write(attacker.frame(Uint8Array.of(MessageType.Ping), { length: 5_000 }))
    for (let count = 0; count < 500; count++) attacker.send({ type: MessageType.Ping })
    await checkLinkFailed(t, hostile)
  })
})

t.test('A2 damage is no hostility: however many links it fails, the connection lives', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { id, victim } = await scene.connection()
    for (let count = 0; count < 5; count++) {
      const link = await scene.link(id)
      const end = victim.linkEnd()
      link.socket.write(link.frame(Uint8Array.of(MessageType.Ping), { checksum: count }))
      await Promise.all([link.closed(), end])
    }
    t.equal(victim.linkErrors.length, 5)
    t.equal(victim.error, undefined)
    t.notOk(victim.socket.destroyed)
  })
})

t.test('limit: three links failed by messages with a valid checksum within 60 s end the connection', async t => {
  const scene = await Scene.open(t)
  const clock = freezeTime(t)
  await scene.during(async () => {
    const { id, victim } = await scene.connection()
    const violate = async () => {
      const link = await scene.link(id)
      link.socket.write(link.frame(Uint8Array.of(99)))
      await link.closed()
    }
    await violate()
    await scene.pass(clock, 30_000)
    await violate()
    await scene.pass(clock, 30_000)
    await violate()
    t.equal(victim.error, undefined, 'the first was 60 s ago')
    await violate()
    await victim.closed
    t.match(victim.error, PROTOCOL_ERROR)
    t.match(victim.linkErrors, [PROTOCOL_ERROR, PROTOCOL_ERROR, PROTOCOL_ERROR, PROTOCOL_ERROR])
    t.equal(victim.closes, 1)
  })
})

// ---------------------------------------------------------------- A3

const hello = Uint8Array.from([...Buffer.from('LIAG\0'), 4, ...Buffer.alloc(4 + 32), ...Buffer.alloc(16, 1)])
const wrongAfter: Record<string, Uint8Array> = {
  'an empty packet': new Uint8Array(0),
  'an unknown type': Uint8Array.of(17),
  'type 0': Uint8Array.of(0),
  'a cut off Data header': Uint8Array.of(MessageType.Data, 0, 0, 0),
  'a cut off Ack': Uint8Array.of(MessageType.Ack),
  'a cut off Consumed': Uint8Array.of(MessageType.Consumed, 0, 0, 0, 0, 0, 0, 0),
  'a cut off SendFinish': Uint8Array.of(MessageType.SendFinish, 0),
  'a cut off SetBlock': Uint8Array.of(MessageType.SetBlock),
}
for (const [what, packet] of Object.entries(wrongAfter)) {
  t.test(`A3 ${what} fails the link`, async t => {
    const scene = await Scene.open(t)
    await scene.during(async () => {
      const hostile = await twoLinks(scene)
      hostile.attacker.socket.write(hostile.attacker.frame(packet))
      await checkLinkFailed(t, hostile)
    })
  })
}

/** Connect as bytes with something done to it. */
async function badConnect(change: (packet: Buffer) => Uint8Array): Promise<Uint8Array> {
  const welcome = await welcomeMessage()
  const [packet] = packetsOf(await connectMessage(welcome, randomId(), { userData: Buffer.from('user data') }))
  return change(Buffer.from(packet as Uint8Array))
}

const wrongConnects: Record<string, (packet: Buffer) => Uint8Array> = {
  'wrong magic': packet => packet.fill(0x58, 1, 2),
  'another version': packet => packet.fill(3, 6, 7),
  'user data longer than the packet': packet => packet.fill(0xff, 76, 78),
  'a receive buffer of zero': packet => packet.fill(0, packet.length - 4),
  'half of its bytes': packet => packet.subarray(0, packet.length / 2),
  'nothing but its type': packet => packet.subarray(0, 1),
}
for (const [what, change] of Object.entries(wrongConnects)) {
  t.test(`A3 Connect with ${what} fails the link with EPROTO`, async t => {
    const scene = await Scene.open(t)
    const errors: unknown[] = []
    scene.server.on('linkerror', error => errors.push(error))
    await scene.during(async () => {
      const attacker = await scene.dial()
      await attacker.next(MessageType.Welcome)
      attacker.socket.write(attacker.frame(await badConnect(change)))
      await attacker.closed()
    })
    t.match(errors, [PROTOCOL_ERROR])
    t.equal(scene.server.connections.length, 1)
  })
}

t.test('A3 every message cut at every byte, and a byte at a time, is understood', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection({ userData: Buffer.alloc(65_535, 'u') })
    t.equal(victim.socket.links[0]?.remoteUserData.length, 65_535)
    const messages: LinkMessage[] = [
      { type: MessageType.Ping },
      { type: MessageType.Pong },
      { type: MessageType.TestData, bytes: 20 },
      { type: MessageType.SetBlock, blocked: true },
      { type: MessageType.SetBlock, blocked: false },
    ]
    let sequence = 0
    const all = () => attacker.frames(...messages, data(sequence++, 'abcdefghij'), consumedNothing(sequence++))
    const packets = [...messages, data(0, 'abcdefghij'), consumedNothing(0)].flatMap(packetsOf)
    const length = packets.reduce((sum, packet) => sum + 10 + packet.length, 0)
    for (let at = 0; at < length; at++) {
      const bytes = all()
      await attacker.write(bytes.subarray(0, at))
      await new Promise(resolve => setImmediate(resolve))
      await attacker.write(bytes.subarray(at))
    }
    for (const byte of all()) await attacker.write(Uint8Array.of(byte))
    await attacker.write(Buffer.concat(Array.from({ length: 100 }, all)))
    let heard = ''
    while (heard.length < 10 * (length + 101)) heard += await readable(victim)
    t.equal(heard, 'abcdefghij'.repeat(length + 101))
    await attacker.until(() => attacker.acks.length === sequence)
    t.same(victim.linkEnds, [])
  })
})

function consumedNothing(sequence: number): LinkMessage {
  return { type: MessageType.Consumed, sequence, bytes: 0 }
}

t.test('A3 trailing bytes behind every message are passed over', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    const messages: LinkMessage[] = [
      { type: MessageType.Ping },
      { type: MessageType.Pong },
      { type: MessageType.SetBlock, blocked: false },
      consumedNothing(0),
      { type: MessageType.SendFinish, sequence: 2 },
    ]
    for (const message of messages) {
      const [packet] = packetsOf(message)
      await attacker.write(attacker.frame(Buffer.concat([packet as Uint8Array, Buffer.alloc(1_000, 7)])))
    }
    const [header, payload] = packetsOf(data(1, 'last words')) as [Uint8Array, Uint8Array]
    await attacker.write(Buffer.concat([attacker.frame(Buffer.concat([header, Buffer.alloc(50)])), attacker.frame(payload)]))
    t.equal((await victim.socket.toArray()).join(''), 'last words')
  })
})

// ---------------------------------------------------------------- A4

const serverId = new Uint8Array(16).fill(1)
const parts = { extensions: 0, publicKey: new Uint8Array(32), serverId, userData: new Uint8Array(0), recvBuffer: 1_000 }
const handshakeMessages: Record<string, LinkMessage> = {
  Welcome: { type: MessageType.Welcome, ...parts },
  Connect: { type: MessageType.Connect, ...parts, encryptedConnectionId: new Uint8Array(16), existing: true },
  Accepted: { type: MessageType.Accepted },
  Refused: { type: MessageType.Refused, reason: 1 },
}
for (const [name, message] of Object.entries(handshakeMessages)) {
  t.test(`A4 ${name} after the handshake fails the link`, async t => {
    const scene = await Scene.open(t)
    await scene.during(async () => {
      const hostile = await twoLinks(scene)
      hostile.attacker.send(message)
      await checkLinkFailed(t, hostile)
    })
  })
}

const early: readonly LinkMessage[] = [
  { type: MessageType.Ping },
  { type: MessageType.Pong },
  data(0, 'early'),
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
t.test('A4 any other message before the handshake is done fails the link', async t => {
  const scene = await Scene.open(t)
  const errors: unknown[] = []
  scene.server.on('linkerror', error => errors.push(error))
  await scene.during(async () => {
    for (const message of early) {
      const attacker = await scene.dial()
      await attacker.next(MessageType.Welcome)
      attacker.send(message)
      await attacker.closed()
    }
  })
  t.equal(errors.length, early.length)
  for (const error of errors) t.match(error, PROTOCOL_ERROR)
})

t.test('A4 what follows a Data header is payload, whatever it looks like', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    const messages = [...early, ...Object.values(handshakeMessages)]
    const payloads = messages.map(message => packetsOf(message)[0] as Uint8Array)
    for (const [sequence, payload] of payloads.entries()) attacker.send(data(sequence, payload))
    const whole = Buffer.concat(payloads)
    const heard: Buffer[] = []
    while (Buffer.concat(heard).length < whole.length) heard.push(await readable(victim))
    t.ok(Buffer.concat(heard).equals(whole))
    t.same(victim.linkEnds, [])
  })
})

// ---------------------------------------------------------------- A5

t.test('A5 a flood of test data in packets of 8 MiB is summed up and never stored', async t => {
  const buffers = 200_000
  const scene = await Scene.open(t, { config: { recvBuffer: buffers / 2, sendBuffer: buffers / 2 } })
  await scene.during(async () => {
    const { attacker, victim } = await scene.connection()
    const packet = new Uint8Array(8 * MIB).fill(MessageType.TestData)
    const before = await memoryBytes()
    const sendOne = async (): Promise<number> => {
      const bytes = attacker.frame(packet)
      await attacker.write(bytes.subarray(0, 6 * MIB))
      const used = (await memoryBytes()) - before
      await attacker.write(bytes.subarray(6 * MIB))
      return used
    }
    for (let count = 0; count < 7; count++) await attacker.write(attacker.frame(packet))
    const most = await sendOne()
    await attacker.settled()
    t.ok(most < memoryLimit({ buffers }) + packet.length, `${most} bytes, the attacker's own packet included`)
    t.ok((await memoryBytes()) - before < 2 * MIB, 'nothing is left of it')
    t.same(victim.linkEnds, [])
  })
})

t.test('A5 the hello of the handshake is not longer than it can be', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const attacker = await scene.dial()
    await attacker.next(MessageType.Welcome)
    const whole = Buffer.concat([Uint8Array.of(MessageType.Connect), hello, Buffer.alloc(65_618 - 1 - hello.length)])
    attacker.socket.write(attacker.frame(whole))
    await attacker.closed()
  })
})
