// Bonded sockets in pipes with streams of other makers.

import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import * as readableStream from 'readable-stream'
import * as streamx from 'streamx'
import t, { type Test } from 'tap'
import { connected } from '../support/loopback.ts'

const CHUNKS = Array.from({ length: 40 }, (_, index) => Buffer.alloc(50_000, index))
const ALL = Buffer.concat(CHUNKS)

/** A source and a sink of one maker; the sink rests after each chunk. */
interface Maker {
  readonly name: string
  source(): NodeJS.ReadableStream
  sink(take: (chunk: Buffer) => void): NodeJS.WritableStream
}

const rest = (callback: () => void) => void setImmediate(callback)

const makers: readonly Maker[] = [
  {
    name: 'readable-stream',
    source: () => readableStream.Readable.from(CHUNKS, { objectMode: false }) as unknown as NodeJS.ReadableStream,
    sink: take =>
      new readableStream.Writable({
        highWaterMark: 1_000,
        write(chunk: Buffer, _encoding, callback) {
          take(chunk)
          rest(callback)
        },
      }) as unknown as NodeJS.WritableStream,
  },
  {
    name: 'streamx',
    source: () => streamx.Readable.from(CHUNKS) as unknown as NodeJS.ReadableStream,
    sink: take =>
      new streamx.Writable({
        highWaterMark: 1_000,
        write(chunk: Buffer, callback) {
          take(chunk)
          rest(() => callback(null))
        },
      }) as unknown as NodeJS.WritableStream,
  },
]

function collector(): { take: (chunk: Buffer) => void; bytes: () => Buffer } {
  const chunks: Buffer[] = []
  return { take: chunk => chunks.push(chunk), bytes: () => Buffer.concat(chunks) }
}

async function check(
  t: Test,
  maker: Maker,
  join: (from: NodeJS.ReadableStream, to: NodeJS.WritableStream) => unknown,
): Promise<void> {
  const { client, accepted } = await connected(t)
  const { take, bytes } = collector()
  const sink = maker.sink(take)
  const finished = once(sink, 'finish')
  join(maker.source(), client)
  join(accepted, sink)
  await finished
  t.ok(bytes().equals(ALL))
}

for (const maker of makers) {
  t.test(`${maker.name}: pipe into a socket, and from a socket into a slow sink`, t =>
    check(t, maker, (from, to) => from.pipe(to)),
  )

  t.test(`${maker.name}: pipeline of node:stream`, t => check(t, maker, (from, to) => pipeline(from, to)))
}
