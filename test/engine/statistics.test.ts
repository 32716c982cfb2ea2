import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

const link = { rateBytesPerMs: 1_000, delayMs: 10 }

/** What the engine says of itself against what was seen on the wire. */
function checkSums(test: Pick<typeof t, 'equal'>, pair: SimulatedPair): void {
  for (const end of pair.sides) {
    const stats = end.engine.stats(pair.nowMs)
    const newBytes = pair.links.reduce((sum, _, index) => sum + pair.auditor.traffic(end.side, index).newBytes, 0)
    test.equal(stats.unacked, pair.auditor.unackedBytes(end.side), 'unacked')
    test.equal(stats.unconsumed, pair.auditor.unconsumedBytes(end.side), 'unconsumed')
    test.equal(newBytes + end.engine.queuedBytes, end.writtenBytes, 'written = sent + queued')
    const sequences = pair.auditor.unacked(end.side)
    if (sequences === 0) test.equal(stats.unconsumedCount, 0, 'nothing outstanding')
  }
}

t.test('at any time sent = acknowledged + in flight + queued, on both sides', async t => {
  const pair = new SimulatedPair({ seed: 1, links: [link, { ...link, delayMs: 40 }, link] })
  for (const end of pair.sides) end.write(4_000_000)
  for (let step = 0; step < 40; step++) {
    pair.runFor(37)
    if (step === 10) pair.reset(0)
    if (step === 20) pair.pause(1, 500)
    if (step === 30) pair.client.disconnectLink(2)
    checkSums(t, pair)
  }
  pair.runUntilIdle({ limitMs: 20_000 })
  checkSums(t, pair)
  for (const end of pair.sides) {
    const { unacked, resendQueue, unconsumable } = end.engine.stats(pair.nowMs)
    t.same({ unacked, resendQueue, unconsumable }, { unacked: 0, resendQueue: 0, unconsumable: 0 })
  }
})

t.test('what the peer has taken does not wait there, though the ack of an older message is missing', async t => {
  const peer = new SingleEngine()
  const [first, second] = [peer.addWorkingLink(), peer.addWorkingLink()]
  peer.do((engine, nowMs) => engine.setBlocked(second, true, nowMs))
  peer.write(100)
  peer.do((engine, nowMs) => {
    engine.setBlocked(first, true, nowMs)
    engine.setBlocked(second, false, nowMs)
  })
  peer.write(50)
  peer.acknowledge(second)
  t.match(peer.engine.stats(peer.nowMs), { unacked: 100, unconsumed: 150, unconsumable: 50 })
  peer.receive(second, { type: MessageType.Consumed, sequence: 0, bytes: 150 })
  t.match(peer.engine.stats(peer.nowMs), { unacked: 100, unconsumed: 0, unconsumable: 0 })
})

t.test('what one end of a link sent is what the other end received', async t => {
  const pair = new SimulatedPair({ seed: 2, links: [link, { ...link, framing: 'packet' }] })
  for (const end of pair.sides) end.write(2_000_000)
  pair.runUntilIdle({ limitMs: 20_000 })
  pair.runFor(100)
  for (const index of [0, 1]) {
    const client = pair.client.link(index)?.stats(pair.nowMs)
    const server = pair.server.link(index)?.stats(pair.nowMs)
    t.equal(client?.bytesSent, server?.bytesReceived)
    t.equal(server?.bytesSent, client?.bytesReceived)
    t.equal(client?.inFlight, 0)
  }
  t.equal(pair.links[0]?.up.arrivedBytes, pair.client.link(0)?.stats(pair.nowMs).bytesSent, 'framing included')
})

t.test('round trip and delivery rate are those of the link', async t => {
  const pair = new SimulatedPair({ seed: 3, links: [{ rateBytesPerMs: 2_000, delayMs: 25 }] })
  pair.client.write(10_000_000)
  pair.runUntil(3_000)
  const stats = pair.client.link(0)?.stats(pair.nowMs)
  t.ok(Math.abs((stats?.minRoundTrip as number) - 50) < 10, `round trip ${stats?.minRoundTrip}`)
  t.ok(Math.abs((stats?.deliveryRate as number) / 2_000_000 - 1) < 0.1, `rate ${stats?.deliveryRate}`)
})

t.test('interval statistics tell the speed of the last whole interval', async t => {
  const pair = new SimulatedPair({ seed: 4, links: [link], config: { statsIntervals: [1_000] } })
  pair.client.write(10_000_000)
  pair.runUntil(5_000)
  const [interval] = pair.client.link(0)?.stats(pair.nowMs).intervals ?? []
  t.equal(interval?.interval, 1_000)
  t.ok(Math.abs((interval?.sent as number) / 1_000_000 - 1) < 0.1, `${interval?.sent} bytes in a second`)
  t.equal(interval?.busy, true)
  pair.runUntilIdle({ limitMs: 20_000 })
  pair.runFor(3_000)
  t.match(pair.client.link(0)?.stats(pair.nowMs).intervals, [{ sent: 0, received: 0, busy: false }])
})

t.test('established and notWorkingSince tell when a link worked', async t => {
  const pair = new SimulatedPair({ seed: 5, links: [link] })
  t.match(pair.client.engine.stats(pair.nowMs), { established: null, notWorkingSince: 0 })
  pair.runUntil(1_000)
  const workingMs = pair.client.changes(0)[0]?.timeMs as number
  t.match(pair.client.engine.stats(pair.nowMs), { established: workingMs, notWorkingSince: null })
  pair.reset(0)
  pair.runFor(10)
  t.match(pair.client.engine.stats(pair.nowMs), { established: workingMs, notWorkingSince: 1_000 })
})
