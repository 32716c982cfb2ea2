// A counterpart in virtual time of every test in the reference's `tests/multi_link.rs`, up to that of 0.12, with its
// links, its faults and at least its speeds.

import t from 'tap'
import { channel, type ReferenceLink, runReference, unlimited } from '../simulation/reference-scenario.ts'

const megabyte = channel({ bytesPerSecond: 1_000_000, delayMs: 10, bufferBytes: 100_000 })

/** A second of delay each way. */
const farAway = channel({ bytesPerSecond: 10_000_000, delayMs: 1_000, bufferBytes: 10_000_000, bufferItems: 50_000 })
const farAwayConfig = {
  sendBuffer: 20_000_000,
  recvBuffer: 20_000_000,
  link: { windowInit: 10_000_000, ackTimeoutMax: 15_000, nonWorkingTimeout: 30_000 },
}

function links(count: number, make: (index: number) => ReferenceLink): ReferenceLink[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

/** A message of that number, and no other. */
function only(number: number): (message: number) => boolean {
  return message => message === number
}

t.test('five_x_unlimited_multi_thread: 10 MB/s both ways over five unlimited links', async t => {
  runReference(t, { seed: 1, links: links(5, () => unlimited), messages: 10_000, speed: 10_000_000, limitMs: 30_000 })
})

t.test(
  'five_x_unlimited_current_thread: the same with writes from one byte to 64 KiB and an event loop of 0.1 ms a turn',
  async t => {
    runReference(t, {
      seed: 2,
      links: links(5, () => ({ ...unlimited, delayMs: 0.1 })),
      messages: 10_000,
      sizes: random => random.logBetween(1, 65_536),
      speed: 10_000_000,
      limitMs: 30_000,
    })
  },
)

t.test('five_x_without_link_test: 10 MB/s both ways over five unlimited links that are used without test data', async t => {
  const pair = runReference(t, {
    seed: 10,
    links: links(5, () => unlimited),
    config: { link: { testDataLimit: 0 } },
    // The reference sends 10,000: more of the same.
    messages: 5_000,
    speed: 10_000_000,
    limitMs: 30_000,
  })
  for (const end of pair.sides) {
    const testBytes = pair.links.map((_, index) => pair.auditor.traffic(end.side, index).testBytes)
    t.same(testBytes, [0, 0, 0, 0, 0], `${end.side} sent no test data`)
  }
})

t.test('five_x_very_high_latency: 4 MB/s both ways over a second of delay on each of five links', async t => {
  runReference(t, {
    seed: 3,
    links: links(5, () => farAway),
    config: farAwayConfig,
    // The reference sends 30,000: more of the same.
    messages: 10_000,
    speed: 4_000_000,
    limitMs: 200_000,
  })
})

t.test('five_x_blocked: links that are blocked one after the other carry nothing, and 10 MB/s are reached', async t => {
  const blocksAt = [0, 1_000, 2_000, 5_000, 9_990]
  runReference(t, {
    seed: 4,
    links: blocksAt.map(at => ({ ...unlimited, block: { at, forMs: 1_000 } })),
    messages: 10_000,
    speed: 10_000_000,
    limitMs: 30_000,
  })
})

t.test('ten_x_hundert_kb_per_s: half of the sum of ten slow links at least, both ways', async t => {
  const link = channel({ bytesPerSecond: 100_000, delayMs: 10, bufferBytes: 4_096 })
  runReference(t, { seed: 5, links: links(10, () => link), messages: 100, speed: 500_000, limitMs: 60_000 })
})

t.test('ten_x_paused_link: ten links paused for 3 s one after the other still carry 3 MB/s both ways', async t => {
  runReference(t, {
    seed: 6,
    links: links(10, index => ({ ...megabyte, pause: { at: only(index * 100), forMs: 3_000 } })),
    config: { link: { retestInterval: 2_000 } },
    // The reference sends 10,000: more of the same.
    messages: 4_000,
    speed: 3_000_000,
    limitMs: 120_000,
  })
})

t.test('ten_x_failed_link: nine of ten links break, some of them paused, and the last one carries the rest', async t => {
  runReference(t, {
    seed: 7,
    links: links(10, index => ({
      ...megabyte,
      ...(index % 2 === 0 && { pause: { at: only(index * 100), forMs: 1_000 } }),
      ...(index !== 9 && { failAt: index * 100 + 50 }),
    })),
    config: { noLinkTimeout: 10_000, link: { retestInterval: 2_000 } },
    messages: 2_000,
    speed: 500_000,
    limitMs: 60_000,
  })
})

t.test('ten_x_all_failed_link: when the last of ten links has broken the connection fails at its time', async t => {
  const pair = runReference(t, {
    seed: 8,
    links: links(10, index => ({
      ...megabyte,
      ...(index % 2 === 0 && { pause: { at: only(index * 100), forMs: 1_000 } }),
      failAt: index * 100 + 50,
    })),
    config: { noLinkTimeout: 5_000, link: { retestInterval: 2_000 } },
    messages: 2_000,
    fails: true,
    limitMs: 120_000,
  })
  for (const end of pair.sides) t.ok(end.readBytes < (end.peer?.writtenBytes as number), `${end.side} misses the tail`)
})

t.test('ten_x_link_timeout: nine of ten links fall silent for ever, are removed, and nothing is lost', async t => {
  runReference(t, {
    seed: 9,
    links: links(10, index => ({
      ...megabyte,
      ...(index !== 9 && { pause: { at: only(index * 100), forMs: 10_000_000 }, failAt: 1_000_000 }),
    })),
    config: {
      noLinkTimeout: 10_000,
      link: {
        pingTimeout: 10_000,
        nonWorkingTimeout: 5_000,
        retestInterval: 2_000,
        ping: { mode: 'whenIdle', interval: 1_000 },
      },
    },
    messages: 3_000,
    limitMs: 60_000,
  })
})

t.test('forceful_termination: in the middle of a transfer the client ends both sides over a second of delay', async t => {
  const pair = runReference(t, {
    seed: 11,
    links: links(5, () => farAway),
    config: farAwayConfig,
    // The reference sends 30,000 and terminates at the 10,000th: more of the same.
    messages: 6_000,
    terminateAt: 2_000,
    limitMs: 60_000,
  })
  t.not(pair.server.terminatedMs, undefined, 'the server was told')
  for (const end of pair.sides) t.ok(end.readBytes > 0, `${end.side} was in the middle of reading`)
})
