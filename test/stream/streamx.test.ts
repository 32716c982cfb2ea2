// Bonded connections and other streams as those of `streamx`, and Web Streams.

import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import * as streamx from 'streamx'
import t from 'tap'
import { connect, createServer } from '../../lib/index.ts'
import { fromWeb, toStreamx, toWeb } from '../../lib/stream.ts'
import { bytesUntilEnd } from '../support/bytes-until-end.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { connected } from '../support/loopback.ts'

async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}

t.test('both directions pass through a streamx Duplex, with their ends', async t => {
  const { client, accepted } = await connected(t, { allowHalfOpen: true }, { allowHalfOpen: true })
  const adapter = toStreamx(client)
  t.ok(streamx.isStreamx(adapter))
  const sent = Buffer.alloc(2_000_000, 'hawser')
  const [there] = await Promise.all([bytesUntilEnd(accepted), adapter.end(sent)])
  t.ok(there.equals(sent))
  accepted.end(sent)
  t.ok((await bytesOf(adapter)).equals(sent))
})

t.test('a streamx pipeline through a bonded connection', async t => {
  const { client, accepted } = await connected(t, { allowHalfOpen: true }, { allowHalfOpen: true })
  accepted.pipe(accepted)
  const sent = Buffer.alloc(1_000_000, 'pipeline')
  const source = streamx.Readable.from([sent.subarray(0, 400_000), sent.subarray(400_000)])
  const sink = new PassThrough()
  const received = buffer(sink)
  await streamx.pipelinePromise(source, toStreamx(client), sink as unknown as streamx.Writable)
  t.ok((await received).equals(sent))
})

t.test('a streamx writer waits for drain', async () => {
  const { client: near, server: far } = corePair({ highWaterMark: 1_000 })
  const adapter = toStreamx(near)
  let written = 0
  while (adapter.write(Buffer.alloc(500))) if (++written > 1_000) throw new Error('never full')
  const drained = once(adapter, 'drain')
  far.resume()
  await drained
  adapter.destroy()
})

t.test('destroying either destroys the other; an error passes through', async t => {
  const { client: first } = corePair()
  const adapter = toStreamx(first)
  adapter.destroy()
  await once(first, 'close')
  const { client: second } = corePair()
  const failing = toStreamx(second)
  const failed = once(failing, 'error')
  second.destroy(Object.assign(new Error('broken'), { code: 'EBROKEN' }))
  t.match(await failed, [{ code: 'EBROKEN' }])
})

t.test('fromWeb and toWeb: Web Streams as links, and bonded connections as Web Streams', async t => {
  const { client: near, server: far } = corePair()
  const server = createServer({ allowHalfOpen: true }, socket => socket.pipe(socket))
  t.teardown(() => server.close())
  const socket = connect({ links: [fromWeb(toWeb(near))], allowHalfOpen: true })
  await server.addLink(fromWeb(toWeb(far), { highWaterMark: 65_536 }))
  const { readable, writable } = toWeb(socket)
  const sent = Buffer.alloc(1_000_000, 'web')
  const received = bytesOf(readable)
  const writer = writable.getWriter()
  await writer.write(sent)
  await writer.close()
  t.ok((await received).equals(sent))
})
