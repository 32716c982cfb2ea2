// The simulator itself: time, randomness, pipes, and that its judges see what they are there for.

import t from 'tap'
import { type LinkMessage, MessageType } from '../../lib/protocol/messages.ts'
import { patternOf } from './pattern.ts'
import { Random } from './random.ts'
import { SimulatedPair } from './simulated-pair.ts'
import { defaultPipeShape, type PipeShape, SimulatedPipe } from './simulated-pipe.ts'
import { VirtualClock } from './virtual-clock.ts'
import { WireAuditor } from './wire-auditor.ts'

t.test('the clock runs appointments by time, then by the order in which they were made', async t => {
  const clock = new VirtualClock()
  const random = new Random(1)
  const ran: string[] = []
  const expected: { timeMs: number; order: number }[] = []
  for (let order = 0; order < 2_000; order++) {
    const timeMs = random.below(100)
    const appointment = clock.at(timeMs, () => ran.push(`${timeMs}/${order}`))
    if (random.chance(0.5)) clock.cancel(appointment)
    else expected.push({ timeMs, order })
  }
  clock.runUntil(1_000)
  expected.sort((a, b) => a.timeMs - b.timeMs || a.order - b.order)
  t.same(
    ran,
    expected.map(({ timeMs, order }) => `${timeMs}/${order}`),
  )
  t.equal(clock.nowMs, 1_000)
  t.equal(clock.nextMs, undefined)
})

t.test('what is made for the past happens now, behind what is due', async t => {
  const clock = new VirtualClock(10)
  const ran: string[] = []
  clock.at(10, () => ran.push('due'))
  clock.at(3, () => ran.push(`late at ${clock.nowMs}`))
  clock.runUntil(10)
  t.same(ran, ['due', 'late at 10'])
})

t.test('the same seed draws the same numbers, another one others, evenly', async t => {
  const draw = (seed: number) =>
    Array.from(
      { length: 5 },
      (
        random => () =>
          random.u32()
      )(new Random(seed)),
    )
  t.same(draw(42), draw(42))
  t.notSame(draw(42), draw(43))
  t.notSame(draw(42), draw(42 + 2 ** 32), 'all 53 bits count')
  const random = new Random(3)
  const counts = new Array<number>(10).fill(0)
  for (let index = 0; index < 100_000; index++) {
    const digit = random.below(10)
    counts[digit] = (counts[digit] as number) + 1
  }
  for (const count of counts) t.ok(Math.abs(count - 10_000) < 500, `${count} of 100,000`)
  for (let index = 0; index < 1_000; index++) {
    const between = random.between(3, 5)
    const log = random.logBetween(1, 1_000)
    if (between < 3 || between > 5 || log < 1 || log > 1_000) t.fail(`${between} ${log}`)
  }
})

t.test('a pattern knows which byte is wrong', async t => {
  const pattern = patternOf(1)
  const piece = Buffer.concat(pattern.slices(1_048_000, 5_000))
  t.equal(piece.byteLength, 5_000)
  t.equal(pattern.firstWrong(1_048_000, piece), -1)
  t.not(pattern.firstWrong(1_048_001, piece), -1)
  piece[4_321] = (piece[4_321] as number) ^ 1
  t.equal(pattern.firstWrong(1_048_000, piece), 1_052_321)
})

function pipe(
  shape: Partial<PipeShape>,
  cuts = false,
): { clock: VirtualClock; pipe: SimulatedPipe; arrivals: [number, number][] } {
  const clock = new VirtualClock()
  const made = new SimulatedPipe(clock, new Random(1), { ...defaultPipeShape, ...shape }, cuts)
  const arrivals: [number, number][] = []
  made.onArrived = chunks => arrivals.push([clock.nowMs, chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)])
  return { clock, pipe: made, arrivals }
}

t.test('a chunk arrives after its turn in the bottleneck and the delay', async t => {
  const { clock, pipe: made, arrivals } = pipe({ rateBytesPerMs: 10, delayMs: 5 })
  made.write(new Uint8Array(100))
  made.write(new Uint8Array(50))
  clock.runUntil(100)
  t.same(arrivals, [
    [15, 100],
    [20, 50],
  ])
})

t.test('a full pipe fills the sender buffer, a full sender buffer asks for a drain when it is empty', async t => {
  const { clock, pipe: made } = pipe({ rateBytesPerMs: 10, senderBufferBytes: 100, pipeBufferBytes: 200 })
  const drains: number[] = []
  made.onDrained = () => drains.push(clock.nowMs)
  made.write(new Uint8Array(200))
  t.equal(made.writable, true)
  t.equal(made.roomBytes, 100)
  made.write(new Uint8Array(60))
  t.equal(made.writable, true)
  made.write(new Uint8Array(60))
  t.equal(made.writable, false)
  t.equal(made.heldBytes, 320)
  clock.runUntil(100)
  t.same(drains, [20])
})

t.test('a pause stops the pipe, and what is late arrives when it is over', async t => {
  const { clock, pipe: made, arrivals } = pipe({ rateBytesPerMs: 10, delayMs: 5 })
  made.write(new Uint8Array(100))
  made.write(new Uint8Array(100))
  clock.runUntil(12)
  made.pause(50)
  clock.runUntil(200)
  t.same(arrivals, [
    [50, 100],
    [63, 100],
  ])
})

t.test('a stalled pipe never drains, a swallowing one never delivers', async t => {
  const stalled = pipe({ senderBufferBytes: 10, pipeBufferBytes: 10 })
  stalled.pipe.setStalled(true)
  for (let count = 0; count < 3; count++) stalled.pipe.write(new Uint8Array(10))
  stalled.clock.runUntil(1_000)
  t.same(stalled.arrivals, [])
  t.equal(stalled.pipe.writable, false)
  stalled.pipe.setStalled(false)
  stalled.clock.runUntil(2_000)
  t.equal(stalled.pipe.arrivedBytes, 30)
  t.equal(stalled.pipe.writable, true)

  const swallowing = pipe({ senderBufferBytes: 10, pipeBufferBytes: 10 })
  swallowing.pipe.setSwallowing(true)
  for (let count = 0; count < 3; count++) {
    swallowing.pipe.write(new Uint8Array(10))
    swallowing.clock.runUntil(swallowing.clock.nowMs + 10)
  }
  t.same(swallowing.arrivals, [])
  t.equal(swallowing.pipe.writable, true)
})

t.test('cuts, jitter and changes of rate lose no byte and keep the order', async t => {
  const clock = new VirtualClock()
  const random = new Random(5)
  const made = new SimulatedPipe(clock, random, { ...defaultPipeShape, rateBytesPerMs: 100, jitterMs: 30, delayMs: 2 }, true)
  const pattern = patternOf(1)
  let arrived = 0
  let ended: string | undefined
  let pieces = 0
  made.onArrived = chunks => {
    for (const chunk of chunks) {
      if (pattern.firstWrong(arrived, chunk) >= 0) t.fail(`wrong byte behind ${arrived}`)
      arrived += chunk.byteLength
      pieces++
    }
  }
  made.onEnded = how => {
    ended = how
  }
  let written = 0
  for (let count = 0; count < 300; count++) {
    const bytes = random.logBetween(1, 5_000)
    for (const slice of pattern.slices(written, bytes)) made.write(slice)
    written += bytes
    clock.runUntil(clock.nowMs + random.below(10))
    if (random.chance(0.1)) made.change({ rateBytesPerMs: random.logBetween(1, 10_000), delayMs: random.below(50) })
    if (random.chance(0.05)) made.pause(clock.nowMs + random.below(50))
  }
  made.change({ rateBytesPerMs: 1_000 })
  made.end()
  clock.runUntil(clock.nowMs + 10_000)
  t.equal(arrived, written)
  t.equal(ended, 'end')
  t.ok(pieces > 300, 'some chunks were cut')
})

t.test('the same seed is the same history, message by message', async t => {
  const history = (seed: number) => {
    const pair = new SimulatedPair({
      seed,
      links: [
        { rateBytesPerMs: 500, delayMs: 10, jitterMs: 5 },
        { rateBytesPerMs: 900, delayMs: 30 },
      ],
    })
    for (const end of pair.sides) end.write(300_000)
    pair.runUntil(400)
    pair.reset(0)
    pair.runUntilIdle({ limitMs: 10_000 })
    return `${pair.auditor.traceHash} ${pair.nowMs}`
  }
  t.equal(history(1), history(1))
  t.not(history(1), history(2))
})

function auditor(): WireAuditor {
  const limits = { sendBuffer: 1_000, remoteRecvBuffer: 500, firstSequence: 0 }
  return new WireAuditor({ client: limits, server: limits }, violation => {
    throw new Error(violation)
  })
}

const data = (sequence: number, bytes = 10, fill = 0): LinkMessage => ({
  type: MessageType.Data,
  sequence,
  payload: [new Uint8Array(bytes).fill(fill)],
  bytes,
})

t.test('the auditor sees broken rules', async t => {
  const breaks: [string, RegExp, (audit: WireAuditor) => void][] = [
    ['an ack that is not due', /no ack is due/, audit => audit.sent('server', 0, { type: MessageType.Ack, sequence: 0 }, 1)],
    [
      'an ack out of order',
      /ack of 0 is due/,
      audit => {
        for (const sequence of [0, 1]) audit.sent('client', 0, data(sequence), 0)
        for (const sequence of [0, 1]) audit.received('server', 0, data(sequence), 1)
        audit.sent('server', 0, { type: MessageType.Ack, sequence: 1 }, 1)
      },
    ],
    [
      'an ack on another link',
      /no ack is due/,
      audit => {
        audit.sent('client', 0, data(0), 0)
        audit.received('server', 0, data(0), 1)
        audit.sent('server', 1, { type: MessageType.Ack, sequence: 0 }, 1)
      },
    ],
    [
      'a number that is used twice',
      /another message/,
      audit => {
        audit.sent('client', 0, data(0), 0)
        audit.sent('client', 1, data(0, 10, 1), 0)
      },
    ],
    ['a payload above the limit', /payload limit is 249/, audit => audit.sent('client', 0, data(0, 250), 0)],
    [
      'more than the receive buffer',
      /bytes are unconsumed/,
      audit => {
        for (let sequence = 0; sequence < 51; sequence++) audit.sent('client', 0, data(sequence), 0)
      },
    ],
    [
      'data behind SendFinish',
      /after SendFinish/,
      audit => {
        audit.sent('client', 0, { type: MessageType.SendFinish, sequence: 0 }, 0)
        audit.sent('client', 0, data(1), 0)
      },
    ],
    [
      'SendFinish before data',
      /before Data #1/,
      audit => {
        audit.sent('client', 0, data(1), 0)
        audit.sent('client', 0, { type: MessageType.SendFinish, sequence: 0 }, 0)
      },
    ],
    [
      'data on a blocked link',
      /blocked/,
      audit => {
        audit.received('client', 0, { type: MessageType.SetBlock, blocked: true }, 0)
        audit.sent('client', 0, data(0), 0)
      },
    ],
    [
      'anything behind Goodbye',
      /Goodbye/,
      audit => {
        audit.sent('client', 0, { type: MessageType.Goodbye }, 0)
        audit.sent('client', 0, { type: MessageType.Ping }, 0)
      },
    ],
    ['an unasked pong', /nobody asked/, audit => audit.sent('client', 0, { type: MessageType.Pong }, 0)],
    [
      'data too far ahead of the oldest',
      /numbers outstanding/,
      audit => {
        audit.sent('client', 0, data(0, 1), 0)
        audit.sent('client', 0, data(64_512, 1), 0)
      },
    ],
    [
      'a change on the way',
      /changed/,
      audit => {
        audit.sent('client', 0, data(0), 0)
        audit.received('server', 0, data(0, 10, 1), 1)
      },
    ],
  ]
  for (const [title, message, act] of breaks) t.throws(() => act(auditor()), { message }, title)
})
