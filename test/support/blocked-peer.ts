// What a process that stands still and its peer, in another process, have to agree on.

import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer, type Server } from '../../lib/index.ts'
import { tcpAcceptor } from '../../lib/tcp.ts'
import { patternBytes, writePattern } from './pattern-stream.ts'

/** `bulk`: as fast as it is taken; `trickle`: a little again and again, for longer than the process stands still. */
export type Pace = 'bulk' | 'trickle'

export const SALTS = { toBlocked: 1, fromBlocked: 2 } as const

export type Direction = keyof typeof SALTS

const TRICKLE_BYTES = 4_000
const TRICKLE_MS = 10

/** What each side writes; a peer that trickles does so until after the stall. */
export const TOTAL_BYTES = {
  bulk: { toBlocked: 48 * 1_048_576, fromBlocked: 48 * 1_048_576 },
  trickle: { toBlocked: 600 * TRICKLE_BYTES, fromBlocked: 150 * TRICKLE_BYTES },
} as const
/** The process stands still once it has read so much. */
export const BLOCK_AFTER_BYTES = { bulk: 8 * 1_048_576, trickle: 30 * TRICKLE_BYTES } as const

/** A busy machine must not look like a link that hangs; still below the stall. */
export const config = { link: { ackTimeoutMin: 2_000 } }

/** What the process tells in the end. */
export interface BlockedReport {
  /** How long it stood still. */
  readonly blockedMs: number
  readonly read: number
  readonly wrongAt: number | null
  /** Reasons of all events `notworking`. */
  readonly notWorking: readonly string[]
  /** How often each of its links stopped working. */
  readonly hangs: readonly number[]
  /** Reasons of links that were closed while the connection went on. */
  readonly lost: readonly string[]
}

/** A server that listens on two ports, one for each link. */
export async function serverOverTwoLinks(): Promise<{ server: Server; ports: readonly number[] }> {
  const server = createServer({ allowHalfOpen: true, config })
  const acceptors = [tcpAcceptor({ host: '127.0.0.1' }), tcpAcceptor({ host: '127.0.0.1' })]
  for (const acceptor of acceptors) await server.addTransport(acceptor).ready
  return { server, ports: acceptors.map(acceptor => (acceptor.address() as AddressInfo).port) }
}

export async function writeAt(pace: Pace, to: Duplex, direction: Direction): Promise<void> {
  const bytes = TOTAL_BYTES[pace][direction]
  if (pace === 'bulk') return writePattern(to, SALTS[direction], bytes)
  for (let position = 0; position < bytes; position += TRICKLE_BYTES) {
    to.write(patternBytes(SALTS[direction], position, TRICKLE_BYTES))
    await sleep(TRICKLE_MS)
  }
}
