import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

t.test('a link whose acks are overdue stops working at max(ackTimeoutMin, factor x round trip) sharp', async t => {
  for (const [roundTripMs, limitMs] of [
    [10, 1_000],
    [400, 2_000],
  ] as const) {
    const single = new SingleEngine()
    const link = single.addWorkingLink({ roundTripMs })
    single.write(1_000)
    const sentMs = single.nowMs
    single.advance(limitMs - 1)
    t.equal(single.eventsOf('linkNotWorking').length, 0, `round trip ${roundTripMs}`)
    single.advance(1)
    t.match(single.eventsOf('linkNotWorking'), [{ link, reason: 'ack-timeout', timeMs: sentMs + limitMs }])
  }
})

t.test('the wait is never longer than ackTimeoutMax', async t => {
  const single = new SingleEngine({ config: { link: { ackTimeoutMax: 3_000 } } })
  const link = single.addWorkingLink({ roundTripMs: 1_400 })
  single.write(1_000)
  const sentMs = single.nowMs
  single.advance(10_000)
  t.match(single.eventsOf('linkNotWorking')[0], { link, reason: 'ack-timeout', timeMs: sentMs + 3_000 })
})

t.test('a link that timed out works again when its last overdue ack is there, not before', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.write(1_000)
  single.write(1_000)
  single.write(1_000)
  t.same(single.sequencesOn(link), [0, 1, 2])
  single.advance(2_000)
  single.forget()
  for (const sequence of [0, 1]) single.receive(link, { type: MessageType.Ack, sequence })
  t.same(single.eventsOf('linkWorking'), [])
  single.receive(link, { type: MessageType.Ack, sequence: 2 })
  t.match(single.eventsOf('linkWorking'), [{ link }])
  t.same(single.sequencesOn(link), [], 'nothing has to go out again')
  single.write(1_000)
  t.same(single.sequencesOn(link), [3])
})

t.test('what a link holds that timed out goes out over another one, oldest first, before new data', async t => {
  const single = new SingleEngine()
  const dead = single.addWorkingLink({ roundTripMs: 5 })
  for (let count = 0; count < 5; count++) single.write(1_000)
  single.advance(1_200)
  t.match(single.eventsOf('linkNotWorking'), [{ link: dead, reason: 'ack-timeout' }])
  single.write(1_000)
  const other = single.addWorkingLink({ roundTripMs: 5 })
  t.same(single.sequencesOn(dead), [0, 1, 2, 3, 4])
  t.same(single.sequencesOn(other), [0, 1, 2, 3, 4, 5])
  single.acknowledge(other)
  t.equal(single.engine.stats(single.nowMs).unacked, 0)
})

t.test('acks that keep coming, if late, keep a link working', async t => {
  for (const rateBytesPerMs of [2, 8, 64, 1_000]) {
    const pair = new SimulatedPair({ seed: 1, links: [{ rateBytesPerMs, delayMs: 20 }] })
    pair.client.write(rateBytesPerMs * 30_000)
    pair.runUntilIdle({ limitMs: 100_000 })
    t.equal(pair.client.changes(0).length, 1, `a link of ${rateBytesPerMs} kB/s is slow, not dead`)
  }
})

t.test('a link that hangs is counted, and what went out again is, too', async t => {
  const pair = new SimulatedPair({
    seed: 2,
    links: [
      { rateBytesPerMs: 1_000, delayMs: 10 },
      { rateBytesPerMs: 1_000, delayMs: 10 },
    ],
  })
  pair.client.write(20_000_000)
  pair.runUntil(1_000)
  pair.pause(0, 3_000)
  pair.runFor(2_500)
  const stats = pair.client.link(0)?.stats(pair.nowMs)
  t.equal(stats?.hangs, 1)
  t.ok((stats?.resent as number) > 0)
  t.equal(pair.client.isWorking(0), false)
  pair.runFor(3_000)
  t.equal(pair.client.isWorking(0), true)
})

t.test('a pause of both links at once resends nothing: no other link is better', async t => {
  const link = { rateBytesPerMs: 1_000, delayMs: 10 }
  const pair = new SimulatedPair({ seed: 3, links: [link, link] })
  pair.client.write(5_000_000)
  pair.runUntil(1_000)
  const repeated = () => pair.auditor.traffic('client', 0).repeatedBytes + pair.auditor.traffic('client', 1).repeatedBytes
  const before = repeated()
  for (const index of [0, 1]) pair.pause(index, 800)
  pair.runFor(780)
  t.equal(repeated(), before)
  for (const index of [0, 1]) t.equal(pair.client.isWorking(index), true)
  pair.runUntilIdle({ limitMs: 20_000 })
})

t.test('a silent link is doubted when another one answers meanwhile, not before, and not at once', async t => {
  const single = new SingleEngine()
  const silent = single.addWorkingLink({ roundTripMs: 5 })
  const witness = single.addWorkingLink({ roundTripMs: 20 })
  single.write(1_000)
  t.same(single.sequencesOn(silent), [0])
  single.forget()
  single.advance(500)
  t.equal(single.sentOn(witness, MessageType.Ping).length, 1, 'the witness is asked')
  t.equal(silent.status.kind, 'working', 'both may be stalled by the same cause')
  single.receive(witness, { type: MessageType.Pong })
  single.advance(29)
  t.equal(silent.status.kind, 'working', 'what silenced both is over: the other one, too, may answer')
  single.advance(1)
  t.equal(silent.status.kind, 'suspect')
  t.equal(single.eventsOf('linkNotWorking').length, 0, 'which is not told before its ack is overdue')
})

t.test('what another link carries, too, is not sent again when one of them breaks', async t => {
  const single = new SingleEngine()
  const first = single.addWorkingLink({ roundTripMs: 5 })
  const second = single.addWorkingLink({ roundTripMs: 50 })
  single.write(1_000)
  single.advance(1)
  single.do((engine, nowMs) => engine.probeLinks(nowMs))
  single.advance(10)
  single.receive(second, { type: MessageType.Pong })
  t.same(single.sequencesOn(second), [], 'it is not late yet')
  single.advance(30)
  single.receive(second, { type: MessageType.Ping }) // any input
  t.same(single.sequencesOn(second), [0], 'a copy of what is late')
  t.equal(first.status.kind, 'working', 'long before its link is in doubt')
  single.forget()
  single.do((engine, nowMs) => engine.linkLost(first, 'io-error', nowMs))
  single.advance(100) // pacing would have let it out by then
  t.same(single.sequencesOn(second), [])
  single.receive(second, { type: MessageType.Ack, sequence: 0 })
  t.equal(single.engine.stats(single.nowMs).unacked, 0)
})

t.test('each ack gives the next one as long as the first had', async t => {
  const single = new SingleEngine({ config: { link: { ackTimeoutFactor: 1 } } })
  const link = single.addWorkingLink()
  for (let count = 0; count < 3; count++) single.write(1_000)
  for (const sequence of [0, 1]) {
    single.advance(900)
    single.receive(link, { type: MessageType.Ack, sequence })
  }
  const progressMs = single.nowMs
  single.advance(999)
  t.same(single.eventsOf('linkNotWorking'), [])
  single.advance(1)
  t.match(single.eventsOf('linkNotWorking'), [{ link, reason: 'ack-timeout', timeMs: progressMs + 1_000 }])
})

t.test('what a link holds that timed out, and that answers its ping, counts as on its way again', async t => {
  const single = new SingleEngine({ config: { link: { ping: { mode: 'periodic', interval: 500 } } } })
  const link = single.addWorkingLink()
  single.write(1_000)
  single.advance(1_100)
  t.match(single.eventsOf('linkNotWorking'), [{ link, reason: 'ack-timeout' }])
  single.receive(link, { type: MessageType.Pong })
  t.equal(link.status.kind, 'working')
  t.same(single.sequencesOn(link), [0], 'it does not go out again')
  single.receive(link, { type: MessageType.Ack, sequence: 0 })
  t.equal(single.engine.stats(single.nowMs).unacked, 0)
})

t.test(
  'the only link is pinged when it falls silent: another one that joins is a witness as soon as its test is passed',
  async t => {
    const single = new SingleEngine()
    const silent = single.addWorkingLink({ roundTripMs: 5 })
    single.forget()
    single.write(10)
    single.advance(300)
    t.equal(single.sentOn(silent, MessageType.Ping).length, 1)
    t.equal(silent.status.kind, 'working', 'the last usable link is not doubted')
    const joining = single.addWorkingLink({ roundTripMs: 20 })
    t.equal(silent.status.kind, 'suspect')
    t.same(single.sequencesOn(joining), single.sequencesOn(silent), 'what the silent one holds is on its way again')
  },
)
