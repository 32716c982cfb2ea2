// Attacks A9 to A15 of the threat model: keys, ids, decisions, and what a hello promises.

import { once } from 'node:events'
import t from 'tap'
import { Bond } from '../../lib/bond.ts'
import { Socket as HawserSocket, Link, type LinkRequest, type ServerOptions } from '../../lib/index.ts'
import { LinkAdmission } from '../../lib/link-admission.ts'
import { LinkChannel } from '../../lib/link-channel.ts'
import { type LinkMessage, MessageType, RefusedReason } from '../../lib/protocol/messages.ts'
import { ServerHandshake } from '../../lib/server-handshake.ts'
import { freezeTime } from '../support/freeze-time.ts'
import { idsInHeap, liveObjects } from '../support/heap.ts'
import { memoryBytes } from '../support/memory.ts'
import { randomId } from '../support/raw-link.ts'
import { connectMessage, lowOrderKeys } from '../support/raw-peer.ts'
import { settled } from '../transports/manual-clock.ts'
import { type Attacker, data } from './attacker.ts'
import { Scene } from './scene.ts'

const HALF_OPEN_BYTES_MAX = 81_920

async function refusal(attacker: Attacker): Promise<number> {
  return (await attacker.next(MessageType.Refused)).reason
}

// ---------------------------------------------------------------- A9

for (const key of lowOrderKeys) {
  const name = Buffer.from(key).toString('hex').slice(0, 8)
  t.test(`A9 a public key of low order (${name}...) fails the link with EPROTO`, async t => {
    const scene = await Scene.open(t)
    await scene.during(async () => {
      const told = once(scene.server, 'linkerror')
      const attacker = await scene.dial()
      await attacker.ask(randomId(), { publicKey: key })
      t.match(await told, [{ code: 'EPROTO', reason: 'protocol-error' }])
      await attacker.closed()
      t.notOk(attacker.inbox.some(({ type }) => type === MessageType.Accepted))
    })
    t.equal(scene.server.connections.length, 1)
  })
}

// ---------------------------------------------------------------- A10

for (const existing of [true, false]) {
  t.test(`A10 a recorded Connect that is replayed joins nothing (existing: ${existing})`, async t => {
    const scene = await Scene.open(t)
    await scene.during(async () => {
      const id = randomId()
      const victim = scene.nextVictim()
      const first = await scene.dial()
      await first.join(id)
      const { socket } = await victim
      const second = await scene.dial()
      const recorded = await connectMessage(await second.next(MessageType.Welcome), id, { existing })
      second.send(recorded)
      await second.next(MessageType.Accepted)
      t.equal(socket.links.length, 2)
      const ghost = existing ? undefined : scene.nextVictim()
      const thief = await scene.dial()
      await thief.next(MessageType.Welcome)
      thief.send(recorded)
      if (existing) t.equal(await refusal(thief), RefusedReason.ConnectionClosed)
      else t.not((await ghost)?.socket, socket, 'a connection of its own, of an id that nobody knows')
      t.equal(socket.links.length, 2)
    })
  })
}

t.test('A10 every link is welcomed with a key of its own', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const keys = new Set<string>()
    for (let count = 0; count < 10; count++) {
      const attacker = await scene.dial()
      keys.add(Buffer.from((await attacker.next(MessageType.Welcome)).publicKey).toString('hex'))
    }
    t.equal(keys.size, 10)
  })
})

// ---------------------------------------------------------------- A11, A12

t.test('A11 guessed ids are refused as unknown, and nothing is kept of them', async t => {
  const asked: LinkRequest[] = []
  const scene = await Scene.open(t, { authorize: request => asked.push(request) > 0 })
  asked.length = 0
  const guessed: Uint8Array[] = []
  await scene.during(async () => {
    const guess = async () => {
      const id = randomId()
      guessed.push(id)
      const attacker = await scene.dial()
      await attacker.ask(id, { existing: true })
      t.equal(await refusal(attacker), RefusedReason.ConnectionClosed)
      attacker.socket.destroy()
    }
    const classes = [Link, LinkChannel, ServerHandshake, LinkAdmission, Bond, HawserSocket]
    const before = String(liveObjects(classes))
    for (let count = 0; count < 500; count++) await guess()
    // The server has heard only of some that the last ones are closed.
    for (let round = 0; round < 100 && String(liveObjects(classes)) !== before; round++) await scene.honest.exchange(1_000)
    t.equal(String(liveObjects(classes)), before)
  })
  t.equal(asked.filter(({ startsConnection }) => !startsConnection).length, guessed.length, 'the application is asked as ever')
  asked.length = 0
  const ids = await idsInHeap()
  t.ok(ids.has(scene.server.connections[0]?.id as string), 'an id that is known is found in the heap')
  t.same(
    guessed.filter(id => ids.has(Buffer.from(id).toString('hex'))),
    [],
  )
})

t.test('A12 a late Connect for a connection that just closed makes no ghost of it', async t => {
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { id, attacker, victim } = await scene.connection()
    attacker.send({ type: MessageType.Terminate })
    await victim.closed
    scene.server.on('connection', () => t.fail('a ghost'))
    for (const existing of [false, true]) {
      const late = await scene.dial()
      await late.ask(id, { existing })
      t.equal(await refusal(late), RefusedReason.ConnectionClosed)
    }
  })
})

// ---------------------------------------------------------------- A13

const noes: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('mistake')
  },
  rejects: () => Promise.reject(new Error('mistake')),
  'says something else': () => 1,
}
for (const kind of ['authorize', 'linkFilter'] as const) {
  for (const [what, answer] of Object.entries(noes)) {
    t.test(`A13 ${kind} that ${what} refuses the link`, async t => {
      let says: () => unknown = () => true
      const scene = await Scene.open(t, { [kind]: () => says() } as ServerOptions)
      says = answer
      await scene.during(async () => {
        const told = once(scene.server, 'linkerror')
        const attacker = await scene.dial()
        await attacker.ask(randomId())
        t.equal(await refusal(attacker), RefusedReason.LinkRefused)
        t.match(await told, [{ code: 'ECONNREFUSED', reason: 'link-refused' }])
      })
      t.equal(scene.server.connections.length, 1)
    })
  }

  t.test(`A13 ${kind} that never settles refuses the link after 10 s, and costs 80 KiB at most until then`, async t => {
    let says: () => unknown = () => true
    let asked = 0
    const scene = await Scene.open(t, { [kind]: () => says() } as ServerOptions, 100) // so that it is not measured
    says = () => {
      asked++
      return new Promise(() => {})
    }
    const clock = freezeTime(t)
    await scene.during(async () => {
      const attackers: Attacker[] = []
      for (let count = 0; count < 112; count++) attackers.push(await scene.dial({ from: `127.0.0.${2 + (count % 7)}` }))
      const ask = async (attacker: Attacker) => {
        const waiting = asked + 1
        await attacker.ask(randomId(), { userData: new Uint8Array(65_535) })
        while (asked < waiting) await settled()
      }
      const [first, ...others] = attackers as [Attacker, ...Attacker[]]
      await ask(first) // loads what is used for the first time
      const before = await memoryBytes()
      for (const attacker of others) await ask(attacker)
      const each = ((await memoryBytes()) - before) / others.length
      t.ok(each <= HALF_OPEN_BYTES_MAX, `${each} bytes`)
      await scene.pass(clock, 9_500)
      for (const attacker of attackers) t.same(attacker.inbox, [])
      await scene.pass(clock, 500)
      for (const attacker of attackers) t.equal(await refusal(attacker), RefusedReason.LinkRefused)
      for (const attacker of attackers) attacker.socket.destroy()
    })
    t.equal(scene.server.connections.length, 1)
  })

  t.test(`A13 ${kind} that answers when nobody is there any more changes nothing`, async t => {
    let decide = (_yes: boolean) => {}
    let says: () => unknown = () => true
    let asked = false
    const scene = await Scene.open(t, { [kind]: () => says() } as ServerOptions)
    says = () => {
      asked = true
      return new Promise<boolean>(resolve => {
        decide = resolve
      })
    }
    await scene.during(async () => {
      scene.server.on('connection', () => t.fail('nobody is there'))
      const told = once(scene.server, 'linkerror')
      const attacker = await scene.dial()
      await attacker.ask(randomId())
      while (!asked) await settled()
      attacker.socket.resetAndDestroy()
      t.match(await told, [{ code: /^ECONN/ }])
      decide(true)
      await scene.honest.exchange(1_000)
    })
    t.equal(scene.server.connections.length, 1)
  })
}

// ---------------------------------------------------------------- A14, A15

/** What a peer has of the data that comes over its links. */
class Hoard {
  readonly #links: readonly Attacker[]
  readonly #seen = new Set<number>()

  constructor(links: readonly Attacker[]) {
    this.#links = links
  }

  /** Payload bytes that are new: all that the other side sends of what it was told until now. */
  async grown(): Promise<number> {
    let bytes = 0
    // Each round acks what came, and what that lets out may come on a link that was already asked.
    for (let quiet = 0; quiet < 2; quiet++) {
      for (const link of this.#links) {
        link.send({ type: MessageType.Ping })
        await link.until(() => link.inbox.some(({ type }) => type === MessageType.Pong))
        for (const message of link.inbox.splice(0)) {
          if (message.type !== MessageType.Data || this.#seen.has(message.sequence)) continue
          this.#seen.add(message.sequence)
          bytes += message.bytes
          quiet = 0
        }
      }
    }
    return bytes
  }
}

const FIRST_BUFFER = 8_000
/** Less credit than this is saved up. */
const TRICKLE = FIRST_BUFFER / 16

for (const later of [1, 4_000_000_000]) {
  t.test(`A14 a second link that announces a receive buffer of ${later} changes nothing: the first one counts`, async t => {
    const scene = await Scene.open(t, { config: { recvBuffer: FIRST_BUFFER } }, 4_000)
    await scene.during(async () => {
      const { id, attacker, victim } = await scene.connection({ recvBuffer: FIRST_BUFFER })
      const links = [attacker, await scene.link(id, { recvBuffer: later })]
      for (const link of links) {
        link.acknowledges = true
        await link.settled()
      }
      victim.socket.write(new Uint8Array(200_000))
      const hoard = new Hoard(links)
      const sent = await hoard.grown()
      const left = FIRST_BUFFER - sent
      t.ok(left >= 0 && left < TRICKLE, `${sent} bytes`)
      attacker.send(consumed(0, TRICKLE - left - 1))
      t.equal(await hoard.grown(), 0, 'a byte too little')
      attacker.send(consumed(1, 1))
      t.equal(await hoard.grown(), TRICKLE)
      // Nor does the victim hold more or less than it said itself: all of this is behind a gap.
      attacker.send(data(3, FIRST_BUFFER / 2 - 1), data(4, FIRST_BUFFER / 2 - 1), data(5, 2))
      await attacker.settled()
      t.same(attacker.acks, [0, 1, 3, 4, 5])
      t.equal(victim.error, undefined)
      attacker.send(data(6, 1))
      await victim.closed
      t.match(victim.error, { code: 'EPROTO' })
    })
  })
}

for (const recvBuffer of [1, 2, 3]) {
  t.test(`A15 to a receive buffer of ${recvBuffer} bytes data goes one by one, but goes`, async t => {
    const scene = await Scene.open(t)
    await scene.during(async () => {
      const { attacker, victim } = await scene.connection({ recvBuffer })
      await attacker.settled()
      victim.socket.end('0123456789')
      let heard = ''
      let sequence = 0
      while (heard.length < 10) {
        const message = await attacker.next(MessageType.Data)
        t.equal(message.bytes, 1)
        heard += Buffer.concat(message.payload)
        attacker.send({ type: MessageType.Ack, sequence: message.sequence }, consumed(sequence++, 1))
      }
      t.equal(heard, '0123456789')
      await attacker.next(MessageType.SendFinish)
    })
  })

  t.test(`A15 with a receive buffer of ${recvBuffer} bytes data of one byte is taken, and empty data for ever`, async t => {
    const scene = await Scene.open(t, { config: { recvBuffer } }, 4)
    await scene.during(async () => {
      const { attacker, victim } = await scene.connection()
      await attacker.flood(10, round => Array.from({ length: 100 }, (_, index) => data(round * 100 + index, 0)))
      const [heard] = (await Promise.all([once(victim.socket, 'data'), attacker.write(attacker.frames(data(1_000, 'x')))]))[0]
      t.equal(String(heard), 'x')
      await attacker.until(() => attacker.acks.length === 1_001)
    })
  })
}

function consumed(sequence: number, bytes: number): LinkMessage {
  return { type: MessageType.Consumed, sequence, bytes }
}
