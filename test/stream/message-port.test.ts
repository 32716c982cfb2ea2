// MessagePorts as streams.

import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { MessageChannel, Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { connect, createServer } from '../../lib/index.ts'
import { fromMessagePort } from '../../lib/stream.ts'
import { bytesUntilEnd } from '../support/bytes-until-end.ts'

function streams(t: Test, highWaterMark?: number): { near: Duplex; far: Duplex } {
  const { port1, port2 } = new MessageChannel()
  const near = fromMessagePort(port1, { highWaterMark })
  const far = fromMessagePort(port2, { highWaterMark })
  t.teardown(() => {
    near.destroy()
    far.destroy()
  })
  return { near, far }
}

t.test('bytes pass both ways, each direction ends by itself', async t => {
  const { near, far } = streams(t)
  const sent = Buffer.alloc(1_000_000, 'hawser')
  const received = bytesUntilEnd(far)
  near.end(sent)
  t.ok((await received).equals(sent))
  far.end('answer')
  t.equal(String(await buffer(near)), 'answer')
  await Promise.all([near, far].map(async stream => stream.closed || once(stream, 'close')))
  t.equal(near.errored, null)
  t.equal(far.errored, null)
})

t.test('a reader that stops holds up the writer, and lets it go on', async t => {
  const { near, far } = streams(t, 10_000)
  let taken = 0
  const write = () => new Promise<void>(resolve => near.write(Buffer.alloc(1_000), () => resolve()))
  const writing = (async () => {
    for (let count = 0; count < 100; count++) {
      await write()
      taken++
    }
  })()
  while (far.readableLength < 10_000) await new Promise(resolve => setImmediate(resolve))
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  t.ok(taken <= 20, `${taken} of 100 chunks were taken`)
  far.resume()
  await writing
  t.equal(taken, 100)
})

t.test('the other end closes or speaks something else: an error with a code', async t => {
  const { near, far } = streams(t)
  far.destroy()
  t.match(await once(near, 'error'), [{ code: 'ECONNRESET' }])
  for (const nonsense of ['text', { a: 1 }, -1, 1, Number.NaN]) {
    const { port1, port2 } = new MessageChannel()
    const stream = fromMessagePort(port1)
    port2.postMessage(nonsense)
    t.match(await once(stream, 'error'), [{ code: 'EPROTO' }])
  }
})

t.test('a link of a bonded connection', async t => {
  const { near, far } = streams(t)
  const server = createServer(socket => socket.pipe(socket))
  t.teardown(() => server.close())
  const socket = connect({ links: [near] })
  await server.addLink(far)
  const sent = Buffer.alloc(3_000_000, 'over a port')
  socket.end(sent)
  t.ok((await buffer(socket)).equals(sent))
})

t.test('between threads', async t => {
  const { port1, port2 } = new MessageChannel()
  const url = new URL('../../lib/stream.js', import.meta.url).href
  const code = `
    const { workerData } = require('node:worker_threads')
    import(${JSON.stringify(url)}).then(({ fromMessagePort }) => {
      const stream = fromMessagePort(workerData)
      stream.pipe(stream)
    })`
  const worker = new Worker(code, { eval: true, workerData: port2, transferList: [port2] })
  const stream = fromMessagePort(port1)
  const sent = Buffer.alloc(500_000, 'thread')
  stream.end(sent)
  t.ok((await buffer(stream)).equals(sent))
  t.equal((await once(worker, 'exit'))[0], 0, 'nothing keeps it alive')
})
