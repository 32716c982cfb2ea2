// The demo's data: a pseudo-random stream, hashed where it is written and where it is read.

import { createCipheriv, createHash } from 'node:crypto'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import type { Duplex } from 'node:stream'
import type { ArrivalLog } from './arrival-log.ts'
import type { Ledger } from './summary.ts'

const PIECE = Buffer.alloc(65_536)

/** Writes until the clock shows `untilMs`, as fast as the stream takes it, then ends it. */
export async function send(stream: Duplex, untilMs: number): Promise<Ledger> {
  stream.resume() // nothing comes back but the ending
  const random = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16))
  const hash = createHash('sha256')
  let bytes = 0
  while (performance.now() < untilMs) {
    const piece = random.update(PIECE)
    hash.update(piece)
    bytes += piece.length
    if (!stream.write(piece)) await once(stream, 'drain')
  }
  stream.end()
  return { bytes, digest: hash.digest('hex') }
}

/** Reads to the end, writes down every arrival, and ends the stream's other direction. */
export async function receive(stream: Duplex, arrivals: ArrivalLog): Promise<Ledger> {
  const hash = createHash('sha256')
  stream.on('data', (piece: Buffer) => {
    arrivals.add(piece.length, performance.now())
    hash.update(piece)
  })
  await once(stream, 'end')
  stream.end()
  return { bytes: arrivals.bytes, digest: hash.digest('hex') }
}
