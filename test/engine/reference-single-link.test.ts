// A counterpart in virtual time of every test in the reference's `tests/single_link.rs`, with its links, its faults and
// at least its speeds. Our configuration has no queues of messages; what is left out below says so.

import t from 'tap'
import { channel, generatorSizes, type ReferenceLink, runReference, unlimited } from '../simulation/reference-scenario.ts'

const megabyte = channel({ bytesPerSecond: 1_000_000, delayMs: 10, bufferBytes: 100_000 })
const tiny = {
  sendBuffer: 10_000,
  recvBuffer: 10_000,
  noLinkTimeout: 10_000,
  link: { retestInterval: 2_000, nonWorkingTimeout: 5_000 },
}

t.test('termination: a short exchange ends in good order on both sides', async t => {
  runReference(t, { seed: 1, links: [unlimited], messages: 10, limitMs: 10_000 })
})

t.test('unlimited_multi_thread: 10 MB/s both ways over an unlimited link', async t => {
  runReference(t, { seed: 2, links: [unlimited], messages: 10_000, speed: 10_000_000, limitMs: 30_000 })
})

t.test('unlimited_current_thread: the same with writes from one byte to 64 KiB and an event loop of 0.1 ms a turn', async t => {
  runReference(t, {
    seed: 3,
    links: [{ ...unlimited, delayMs: 0.1 }],
    messages: 10_000,
    sizes: random => random.logBetween(1, 65_536),
    speed: 10_000_000,
    limitMs: 30_000,
  })
})

t.test('very_high_latency: 1 MB/s both ways over a second of delay', async t => {
  runReference(t, {
    seed: 4,
    links: [channel({ bytesPerSecond: 10_000_000, delayMs: 1_000, bufferBytes: 10_000_000, bufferItems: 5_000 })],
    config: { sendBuffer: 20_000_000, recvBuffer: 20_000_000, link: { windowInit: 10_000_000, ackTimeoutMax: 10_000 } },
    messages: 1_000,
    speed: 1_000_000,
    limitMs: 60_000,
  })
})

t.test('one_mb_per_s: half of the rate at least, both ways', async t => {
  runReference(t, { seed: 5, links: [megabyte], messages: 1_000, speed: 500_000, limitMs: 60_000 })
})

t.test('ten_mb_per_s: half of the rate at least, both ways', async t => {
  const link = channel({ bytesPerSecond: 10_000_000, delayMs: 10, bufferBytes: 10_000_000, bufferItems: 5_000 })
  runReference(t, { seed: 6, links: [link], messages: 10_000, speed: 5_000_000, limitMs: 60_000 })
})

t.test('paused_link: a link that is paused for 9 s is used again and nothing is lost', async t => {
  const link: ReferenceLink = { ...megabyte, pause: { at: message => message % 100 === 0, forMs: 3_000 } }
  runReference(t, { seed: 7, links: [link], config: { link: { retestInterval: 2_000 } }, messages: 300, limitMs: 120_000 })
})

t.test('timed_out_link: a link that falls silent for ever is removed, and the connection fails at its time', async t => {
  const pause = { at: (message: number) => message % 100 === 0, forMs: 10_000_000 }
  const pair = runReference(t, {
    seed: 8,
    links: [{ ...megabyte, pause }],
    config: tiny,
    messages: 300,
    fails: true,
    limitMs: 120_000,
  })
  for (const end of pair.sides) {
    const changes = end.changes(0)
    const silent = changes.find(change => change.kind === 'notWorking')
    t.equal(silent?.reason, 'ack-timeout', `${end.side} stops using it for lack of acks`)
    t.equal(end.linkClosure(0)?.reason, 'non-working-timeout')
    t.equal(end.linkClosure(0)?.timeMs, (silent?.timeMs as number) + 5_000, `${end.side} removes it 5 s later`)
  }
})

t.test('failed_link: a broken link fails the connection when no other comes', async t => {
  const sizes = (random: Parameters<typeof generatorSizes>[0], message: number) =>
    Math.min(4_999, generatorSizes(random, message))
  const pair = runReference(t, {
    seed: 9,
    links: [{ ...megabyte, failAt: 100 }],
    config: tiny,
    messages: 1_000,
    sizes,
    fails: true,
    limitMs: 120_000,
  })
  for (const end of pair.sides) t.equal(end.linkClosure(0)?.reason, 'io-error')
})
