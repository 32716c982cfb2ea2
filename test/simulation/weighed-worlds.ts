// Weighs what connections hold in their worst moments in the heap: it stays within the bound of the threat model (B1), and the
// accountant of memory, which watches all worlds, counts it right. Each of these worlds ends when it is full.

import type { Test } from 'tap'
import { memoryBytes, memoryLimit } from '../support/memory.ts'
import { defaultPipeShape, type PipeShape } from './simulated-pipe.ts'
import { runWorld } from './world/load.ts'
import type { ApplicationPlan, ConnectionPlan, FaultPlan, PoliciesPlan, WorldPlan } from './world/plan.ts'

export const MIB = 1_048_576
const IDLE_MS = 5_000
/** The server writes, if it does. */
const ANSWER_MS = 5_100
const FAULT_MS = 8_900
const WRITE_MS = 9_000
const FULL_MS = 14_000
const HEAL_MS = 20_000

/** The accountant takes all entries of a queue for the same. */
const TOLERANCE = 0.06
/** Queues keep the room that they once needed, and code is compiled meanwhile. */
const SLACK_BYTES = 0.75 * MIB

const WRITE_BYTES = 65_536
const SILENT: ApplicationPlan = { writes: [], echoes: false, awaitsReply: false, heedsDrain: true, reader: { kind: 'flow' } }
const STALLED = { kind: 'stalled', untilMs: HEAL_MS } as const
const WIDE: PipeShape = {
  ...defaultPipeShape,
  senderBufferBytes: 0,
  rateBytesPerMs: 10_000,
  delayMs: 10,
  pipeBufferBytes: 32 * MIB,
}

export interface Case {
  /** Of the client; little ones of both sides would only take longer. */
  readonly messageBytes: number
  /** Of each of the two buffers of each side. */
  readonly bufferBytes: number
  readonly links: number
  readonly delayMs: number
  /** High water mark of their streams. */
  readonly linkBytes: number
  readonly schedule: 'aggregate' | 'redundant'
  readonly serverReads: boolean
  /** The server has written, too, and the client does not read. */
  readonly bothWays: boolean
  readonly faults: readonly FaultPlan[]
  readonly fullMs: number
}

const USUAL: Case = {
  messageBytes: 65_536,
  bufferBytes: 4 * MIB,
  links: 1,
  delayMs: 10,
  linkBytes: 16_384,
  schedule: 'aggregate',
  serverReads: true,
  bothWays: false,
  faults: [],
  fullMs: FULL_MS,
}

function fault(path: number, kind: 'blackhole' | 'swallow', direction: 'up' | 'down'): FaultPlan {
  return { kind, directions: [direction], atMs: FAULT_MS, connection: 0, path }
}

/** No ack arrives any more. */
export function unacknowledged(links = 1): Partial<Case> {
  return { links, faults: Array.from({ length: links }, (_, path) => fault(path, 'blackhole', 'down')) }
}

/** What the first link carries is lost; the links are too long for that to be noticed before the case is weighed. */
export const GAP: Partial<Case> = { links: 2, delayMs: 500, faults: [fault(0, 'swallow', 'up')], fullMs: WRITE_MS + 970 }

/** A test: the bound holds in the heap, and the accountant counts it right. */
export function weighed(differs: Partial<Case>): (t: Test) => Promise<void> {
  return async t => {
    const { fullMs, ...plan } = { ...USUAL, ...differs }
    await grown(planOf(plan), fullMs) // what is made once
    const { counted, real, failure } = await grown(planOf(plan), fullMs)
    t.equal(failure, undefined)
    const limit = memoryLimit({ buffers: 2 * plan.bufferBytes, links: plan.links })
    // Both sides together hold no more than one of them may.
    t.ok(real <= limit, `${real} of ${limit} bytes`)
    t.ok(Math.abs(real - counted) <= counted * TOLERANCE + SLACK_BYTES, `${counted} bytes counted, ${real} in the heap`)
  }
}

/** What the world holds more when it is full than when nothing has been written. */
async function grown(plan: WorldPlan, fullMs: number) {
  const counted: number[] = []
  const real: number[] = []
  const take = async (heldBytes: number) => {
    counted.push(heldBytes)
    real.push(await memoryBytes())
  }
  const { failure } = await runWorld(plan, { weigh: { atMs: [IDLE_MS, fullMs], take } })
  const difference = ([before = 0, after = 0]: readonly number[]) => after - before
  return { counted: difference(counted), real: difference(real), failure }
}

function planOf(plan: Omit<Case, 'fullMs'>): WorldPlan {
  const { messageBytes, bufferBytes, links, delayMs, linkBytes, schedule, serverReads, bothWays, faults } = plan
  const config: ConnectionPlan['config'] = {
    noLinkTimeout: 10_000_000,
    chunkSize: messageBytes,
    sendBuffer: bufferBytes,
    recvBuffer: bufferBytes,
    link: { windowInit: 32 * MIB, ackTimeoutMin: 30_000, ackTimeoutMax: 60_000, pingTimeout: 60_000 },
  }
  const pipe = { ...WIDE, delayMs }
  const policies: PoliciesPlan = { schedule, paths: [] }
  const connection: ConnectionPlan = {
    paths: Array.from({ length: links }, () => ({ framing: 'stream', highWaterMark: linkBytes, up: pipe, down: pipe })),
    core: [0],
    startMs: 0,
    reconnectDelay: 1_000,
    highWaterMark: 16_384,
    allowHalfOpen: true,
    config,
    client: { ...writing(WRITE_MS, bufferBytes), reader: bothWays ? STALLED : { kind: 'flow' } },
    server: { ...(bothWays ? writing(ANSWER_MS, bufferBytes) : SILENT), reader: serverReads ? { kind: 'flow' } : STALLED },
    policies: { client: policies, server: policies },
  }
  return {
    seed: 1,
    roles: { client: 'hawser', server: 'hawser' },
    // Numbers as large as they get: Node keeps small ones without memory of their own.
    firstSequence: 2 ** 31,
    serverConfig: { ...config, chunkSize: USUAL.messageBytes },
    filter: 'none',
    filterSide: 'server',
    connections: [connection],
    faults,
    healMs: HEAL_MS,
  }
}

/** More than one of the buffers takes. */
function writing(startMs: number, bufferBytes: number): ApplicationPlan {
  const count = Math.ceil((1.5 * bufferBytes) / WRITE_BYTES)
  const writes = Array.from({ length: count }, (_, index) => ({ afterMs: index === 0 ? startMs : 0, bytes: WRITE_BYTES }))
  return { ...SILENT, writesCopies: true, writes }
}
