// A link that has just joined and acknowledges at once may be a rogue: it must not get everything.

import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

/** Payload bytes that the link was the first to carry: what another one carries, too, is not lost with it. */
function bytesOn(single: SingleEngine, link: ReturnType<SingleEngine['addLink']>): number {
  const seen = new Set<number>()
  let bytes = 0
  for (const { link: carrier, message } of single.sentOn(undefined, MessageType.Data)) {
    if (message.type !== MessageType.Data || seen.has(message.sequence)) continue
    seen.add(message.sequence)
    if (carrier === link) bytes += message.bytes
  }
  return bytes
}

t.test('A35 a newcomer carries at most half of the new data in its first second, however quickly it acknowledges', async t => {
  const single = new SingleEngine({ remoteRecvBuffer: 2 ** 32 - 1 })
  const proven = single.addWorkingLink({ roundTripMs: 20 })
  single.advance(2_000)
  const rogue = single.addWorkingLink({ roundTripMs: 0 })
  const joinedMs = single.nowMs
  const feed = () => {
    if (single.engine.queuedBytes < 1_000_000) single.write(1_000_000)
  }
  while (single.nowMs < joinedMs + 900) {
    feed()
    single.acknowledge(rogue)
    single.advance(10)
    single.acknowledge(rogue)
    single.advance(10)
    single.acknowledge(proven)
  }
  const [rogues, others] = [bytesOn(single, rogue), bytesOn(single, proven)]
  t.ok(others > 100_000, 'there is something to carry')
  t.ok(rogues <= others + 65_536 + 262_144, `${rogues} bytes, the other link ${others}`)
  single.advance(200)
  single.acknowledge(rogue)
  const before = bytesOn(single, rogue)
  for (let round = 0; round < 20; round++) {
    feed()
    single.acknowledge(rogue)
    single.advance(1)
  }
  t.ok(bytesOn(single, rogue) - before > 500_000, 'then it gets what it can take')
})

t.test('a newcomer is not held back when no other link works', async t => {
  const single = new SingleEngine({ remoteRecvBuffer: 2 ** 32 - 1 })
  const proven = single.addWorkingLink()
  single.advance(2_000)
  const newcomer = single.addWorkingLink({ roundTripMs: 1 })
  single.do((engine, nowMs) => engine.linkLost(proven, 'io-error', nowMs))
  single.write(2_000_000)
  for (let round = 0; round < 20; round++) {
    single.advance(1)
    single.acknowledge(newcomer)
  }
  t.equal(bytesOn(single, newcomer), 2_000_000)
})

t.test('a quick link that joins a slow one is used to the full after a second', async t => {
  const pair = new SimulatedPair({ seed: 3, links: [{ rateBytesPerMs: 100, delayMs: 20 }] })
  pair.client.write(20_000_000)
  pair.runUntil(2_000)
  pair.addLink({ rateBytesPerMs: 10_000, delayMs: 5 })
  pair.runUntilTrue(() => pair.server.readBytes === 20_000_000, { limitMs: 6_000 })
  t.equal(pair.server.readBytes, 20_000_000, 'about 2 s at its rate, after a second at that of the slow one')
})

t.test('a new link to an end whose links have worked gets its whole share at once', async t => {
  const single = new SingleEngine({ remoteRecvBuffer: 2 ** 32 - 1 })
  const proven = single.addWorkingLink({ roundTripMs: 20 })
  single.advance(2_000)
  const successor = single.addWorkingLink({ roundTripMs: 0, known: true })
  for (let round = 0; round < 20; round++) {
    if (single.engine.queuedBytes < 1_000_000) single.write(1_000_000)
    single.acknowledge(successor)
    single.advance(1)
  }
  t.ok(bytesOn(single, successor) > 4 * (bytesOn(single, proven) + 65_536), 'it is the quicker one and carries nearly everything')
})
