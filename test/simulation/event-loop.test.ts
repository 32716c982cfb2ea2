// A process that was busy or asleep: nothing healthy may look broken when it goes on (threat model, L6).

import t from 'tap'
import { defaultPipeShape } from './simulated-pipe.ts'
import { runWorld } from './world/load.ts'
import type { ApplicationPlan, ConnectionPlan, FaultPlan, Side, WorldPlan } from './world/plan.ts'

const config = { noLinkTimeout: 10_000_000, terminationTimeout: 8_000_000, sendBuffer: 1_048_576, recvBuffer: 1_048_576 }
const shape = { ...defaultPipeShape, senderBufferBytes: 0, rateBytesPerMs: 1_000, delayMs: 20 }
const path = { framing: 'stream', highWaterMark: 16_384, up: shape, down: shape } as const

/** Writes 2 KiB every 50 ms, for 10 s. */
const busy: ApplicationPlan = {
  writes: Array.from({ length: 200 }, () => ({ afterMs: 50, bytes: 2_048 })),
  echoes: false,
  awaitsReply: false,
  heedsDrain: true,
  reader: { kind: 'flow' },
}
const silent: ApplicationPlan = { ...busy, writes: [{ afterMs: 10_000, bytes: 1 }] }

function planOf(client: ApplicationPlan, server: ApplicationPlan, faults: readonly FaultPlan[]): WorldPlan {
  const connection: ConnectionPlan = {
    paths: [path, { ...path, up: { ...shape, delayMs: 5 } }],
    core: [0, 1],
    startMs: 0,
    reconnectDelay: 100,
    highWaterMark: 16_384,
    allowHalfOpen: true,
    config,
    client,
    server,
  }
  return {
    seed: 1,
    roles: { client: 'hawser', server: 'hawser' },
    firstSequence: 0,
    serverConfig: config,
    filter: 'none',
    filterSide: 'client',
    connections: [connection],
    faults,
    healMs: 12_000,
  }
}

/** Runs the plan; what links of either side said about not working, or about going. */
async function complaints(plan: WorldPlan): Promise<{ readonly failure: string | undefined; readonly lines: readonly string[] }> {
  const lines: string[] = []
  const { failure } = await runWorld(plan, { trace: line => lines.push(line.trim()) })
  const over = lines.findIndex(line => /(client|server) 0 close$/.test(line))
  return { failure, lines: lines.slice(0, over).filter(line => / (notworking|linkclose|linkerror)/.test(line)) }
}

const block = (sides: readonly Side[], atMs: number, durationMs: number): FaultPlan => ({
  kind: 'block-loop',
  connection: 0,
  sides,
  atMs,
  durationMs,
})

for (const [name, client, server] of [
  ['sends', busy, silent],
  ['receives', silent, busy],
  ['does both', busy, busy],
] as const) {
  t.test(`an hour's sleep of both machines while one ${name} unconfirms no link`, async t => {
    const { failure, lines } = await complaints(planOf(client, server, [block(['client', 'server'], 3_003, 3_600_000)]))
    t.equal(failure, undefined)
    t.same(lines, [])
  })

  t.test(`5 s without the event loop of both while one ${name} unconfirm no link`, async t => {
    const faults = [300, 1_777, 4_444].map(atMs => block(['client', 'server'], atMs * 2, 5_000))
    const { failure, lines } = await complaints(planOf(client, server, faults))
    t.equal(failure, undefined)
    t.same(lines, [])
  })
}

for (const side of ['client', 'server'] as const) {
  t.test(`a ${side} whose event loop was blocked for 5 s while it sent unconfirms none of its links`, async t => {
    const [client, server] = side === 'client' ? [busy, silent] : [silent, busy]
    const { failure, lines } = await complaints(planOf(client, server, [block([side], 3_003, 5_000)]))
    t.equal(failure, undefined)
    t.same(
      lines.filter(line => line.includes(` ${side} `)),
      [],
    )
  })
}

t.test('a machine that slept for an hour goes on with what is left of its connection, without a byte lost', async t => {
  for (const side of ['client', 'server'] as const) {
    const { failure } = await complaints(planOf(busy, busy, [block([side], 3_003, 3_600_000)]))
    t.equal(failure, undefined)
  }
})

t.test('timers that fire a second late unconfirm no link', async t => {
  for (const sides of [['client'], ['server'], ['client', 'server']] as const) {
    const late: FaultPlan = { kind: 'late-timers', connection: 0, sides, atMs: 100, lateMs: 1_000, durationMs: 9_000 }
    const { failure, lines } = await complaints(planOf(busy, busy, [late]))
    t.equal(failure, undefined)
    t.same(lines, [])
  }
})
