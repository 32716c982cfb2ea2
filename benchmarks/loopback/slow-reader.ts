// A transfer to a reader that is slower than the writer: memory must not grow with what was carried.

import type { Readable } from 'node:stream'
import type { Figure } from '../case.ts'
import { checkPattern } from '../pattern.ts'
import { openPair, type Path } from './pair.ts'
import { Writer } from './traffic.ts'

export interface SlowReaderTask extends Path {
  readonly measure: 'slow-reader'
}

const TRANSFER_BYTES = 1_000_000_000
const WRITE_SIZE = 65_536
/** The reader takes so much, then pauses. */
const PORTION_BYTES = 1_000_000
const PAUSE_MS = 5
/** From here on memory counts: caches and buffers are as large as they get. */
const SETTLED_BYTES = TRANSFER_BYTES / 10
const SAMPLE_MS = 50

export async function measureSlowReader(task: SlowReaderTask): Promise<Figure[]> {
  const { client, server, close } = await openPair(task)
  const writer = new Writer(client, WRITE_SIZE)
  writer.start()
  const samples: NodeJS.MemoryUsage[] = []
  let settled: NodeJS.MemoryUsage | undefined
  let sampledMs = 0
  await readSlowly(server, received => {
    if (received < SETTLED_BYTES || performance.now() < sampledMs + SAMPLE_MS) return
    sampledMs = performance.now()
    globalThis.gc?.()
    const usage = process.memoryUsage()
    settled ??= usage
    samples.push(usage)
  })
  writer.stop()
  close()
  if (!settled) throw new Error('memory was never looked at')
  const held = ({ heapUsed, arrayBuffers }: NodeJS.MemoryUsage): number => heapUsed + arrayBuffers
  const first = settled
  const megabytes = (what: string, bytes: number): Figure => ({ what, unit: 'MB', value: bytes / 1e6 })
  return [
    megabytes('heap and buffers, highest', Math.max(...samples.map(held))),
    megabytes('heap and buffers, growth', Math.max(...samples.map(held)) - held(first)),
    megabytes('resident memory, growth', Math.max(...samples.map(({ rss }) => rss)) - first.rss),
  ]
}

/** Resolves when `TRANSFER_BYTES` have arrived, all right. */
function readSlowly(stream: Readable, onPortion: (received: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0
    let portion = 0
    stream.on('error', reject)
    stream.on('data', (bytes: Buffer) => {
      checkPattern(bytes, received)
      received += bytes.length
      portion += bytes.length
      if (received >= TRANSFER_BYTES) return resolve()
      if (portion < PORTION_BYTES) return
      portion = 0
      onPortion(received)
      stream.pause()
      setTimeout(() => stream.resume(), PAUSE_MS)
    })
  })
}
