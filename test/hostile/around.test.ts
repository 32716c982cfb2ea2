// Attacks A37, A42 and A43 of the threat model, as far as bytes from the network bring them about. What needs no
// network is tested where it lives: see docs/testing.md.

import type { Socket as NetSocket } from 'node:net'
import t from 'tap'
import { createServer, defaults, type HawserError, type LinkTag } from '../../lib/index.ts'
import { printable } from '../../lib/printable.ts'
import { MessageType } from '../../lib/protocol/messages.ts'
import { randomId } from '../support/raw-link.ts'
import { connectMessage } from '../support/raw-peer.ts'
import { settled } from '../transports/manual-clock.ts'
import { data } from './attacker.ts'
import { Scene } from './scene.ts'

const NASTY = '\u001b[2J\u0007"><script>alert(1)</script>\r\nSet-Cookie: x\u202e'
/** What could move a cursor or break a line. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

t.test('A37 user data of 64 KiB with escapes and markup reaches the application as bytes, and no text of ours', async t => {
  const texts: string[] = []
  const scene = await Scene.open(t, { authorize: ({ tag }) => texts.push(String(tag)) > 0 })
  const note = (error: Error, tag: LinkTag) => texts.push(error.message, String(tag))
  scene.server.on('linkerror', note)
  await scene.during(async () => {
    const userData = Buffer.alloc(65_535, NASTY)
    const { attacker, victim } = await scene.connection({ userData })
    const [link] = victim.socket.links
    t.ok(Buffer.from(link!.remoteUserData).equals(userData))
    t.notMatch(printable(link!.remoteUserData), UNPRINTABLE)
    t.ok(printable(link!.remoteUserData).length <= 64)
    texts.push(String(link!.tag))
    attacker.socket.write(attacker.frame(Buffer.from(NASTY)))
    await attacker.closed()
    const second = await scene.dial()
    const connect = await connectMessage(await second.next(MessageType.Welcome), randomId(), { userData, recvBuffer: 0 })
    second.send(connect)
    await second.closed()
  })
  t.ok(texts.length >= 5)
  for (const text of texts) {
    t.notMatch(text, UNPRINTABLE)
    t.notMatch(text, /script|Cookie/)
    t.ok(text.length < 300)
  }
})

t.test('S8 the id of a connection is in no text: whoever knows it can join', async t => {
  const scene = await Scene.open(t)
  const texts: string[] = []
  scene.server.on('linkerror', (error, tag) => texts.push(error.message, String(tag), JSON.stringify(error)))
  await scene.during(async () => {
    const { id, attacker, victim } = await scene.connection()
    const secret = Buffer.from(id).toString('hex')
    texts.push(String(victim.socket.links[0]?.tag))
    attacker.send({ type: MessageType.Consumed, sequence: 0, bytes: 1 })
    await victim.closed
    texts.push(String(victim.error), JSON.stringify(victim.error))
    const late = await scene.dial()
    await late.ask(id)
    await late.next(MessageType.Refused)
    for (const text of texts) t.notOk(text.includes(secret.slice(0, 8)), text)
  })
})

t.test('A42 durations that Node would turn into 1 ms are refused or cut', async t => {
  const tooLong = 2 ** 31
  const refusedWith = { code: 'ERR_OUT_OF_RANGE', reason: 'invalid-argument' }
  for (const key of ['noLinkTimeout', 'terminationTimeout'] as const) {
    t.throws(() => createServer({ config: { [key]: tooLong } }), refusedWith)
  }
  for (const key of ['ackTimeoutMin', 'ackTimeoutMax', 'pingTimeout', 'retestInterval', 'nonWorkingTimeout'] as const) {
    t.throws(() => createServer({ config: { link: { [key]: tooLong } } }), refusedWith)
  }
  t.throws(() => createServer({ limits: { handshakeTimeout: tooLong } }), refusedWith)
  const scene = await Scene.open(t)
  await scene.during(async () => {
    const { victim } = await scene.connection()
    victim.socket.setTimeout(2 ** 40, () => t.fail('after 1 ms'))
    await scene.honest.exchange()
    t.equal(victim.socket.timeout, 2 ** 31 - 1)
  })
})

t.test('A42 configuration from JSON: own keys only, and no __proto__', async t => {
  const unknown = { code: 'ERR_INVALID_ARG_VALUE', reason: 'invalid-argument' }
  for (const json of [
    '{"__proto__": {"recvBuffer": 1}}',
    '{"constructor": 1}',
    '{"link": {"__proto__": {}}}',
    '{"toString": 1}',
  ]) {
    t.throws(() => createServer({ config: JSON.parse(json) }), unknown)
  }
  t.throws(() => createServer({ limits: JSON.parse('{"__proto__": {"maxHandshakes": 1}}') }), unknown)
  t.equal(({} as { recvBuffer?: number }).recvBuffer, undefined)
  t.equal(defaults.recvBuffer, 16_777_216)
})

const breakOffs: Record<string, (socket: NetSocket) => unknown> = {
  'a reset': socket => socket.resetAndDestroy(),
  'an end': socket => socket.end(),
  'an end in the midst of a frame': socket => socket.end(Uint8Array.of(0, 0, 1)),
  'data and a reset': socket => {
    socket.write(new Uint8Array(100_000))
    socket.resetAndDestroy()
  },
}
for (const [what, breakOff] of Object.entries(breakOffs)) {
  t.test(`A43 ${what} at any moment is a link error and nothing worse`, async t => {
    const scene = await Scene.open(t)
    const errors: HawserError[] = []
    scene.server.on('linkerror', error => errors.push(error as HawserError))
    scene.server.on('connection', socket => socket.on('error', () => {}))
    await scene.during(async () => {
      const moments = [
        async () => scene.dial(),
        async () => {
          const attacker = await scene.dial()
          await attacker.next(MessageType.Welcome)
          return attacker
        },
        async () => {
          const attacker = await scene.dial()
          await attacker.ask(randomId())
          return attacker
        },
        async () => (await scene.connection()).attacker,
        async () => {
          const { attacker } = await scene.connection()
          await attacker.settled()
          attacker.send(data(0, 40_000), data(1, 40_000))
          return attacker
        },
      ]
      for (const moment of moments) {
        const { socket } = await moment()
        breakOff(socket)
        if (!socket.closed) await new Promise(resolve => socket.once('close', resolve))
        await settled()
      }
      await scene.honest.exchange()
    })
    t.ok(errors.length <= 5)
    for (const error of errors) t.type(error.code, 'string')
    for (const socket of scene.server.connections) if (socket !== scene.server.connections[0]) socket.terminate()
  })
}
