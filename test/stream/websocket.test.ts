// WebSockets as streams.

import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { WebSocket as UndiciWebSocket } from 'undici'
import { WebSocket, WebSocketServer } from 'ws'
import { connect, createServer } from '../../lib/index.ts'
import { fromWebSocket, type WebSocketLike } from '../../lib/stream.ts'

const makers: readonly { readonly name: string; make(url: string): WebSocketLike }[] = [
  { name: 'ws', make: url => new WebSocket(url, { perMessageDeflate: false }) },
  { name: 'undici', make: url => new UndiciWebSocket(url) },
]

/** Both ends of a WebSocket, the server's one of the package `ws`. */
async function ends(t: Test, make: (url: string) => WebSocketLike): Promise<{ client: WebSocketLike; server: WebSocket }> {
  const http = createHttpServer()
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    http.closeAllConnections()
    http.close()
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const client = make(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/`)
  const [server] = (await once(sockets, 'connection')) as [WebSocket]
  return { client, server }
}

async function streams(t: Test, make: (url: string) => WebSocketLike): Promise<{ near: Duplex; far: Duplex }> {
  const { client, server } = await ends(t, make)
  return { near: fromWebSocket(client), far: fromWebSocket(server) }
}

for (const { name, make } of makers) {
  t.test(`${name}: bytes pass both ways, and end closes both sides in good order`, async t => {
    const { near, far } = await streams(t, make)
    const sent = Buffer.alloc(1_000_000, 'hawser')
    near.write('ping')
    t.equal(String((await once(far, 'data'))[0]), 'ping')
    far.write('pong')
    t.equal(String((await once(near, 'data'))[0]), 'pong')
    const received = buffer(far)
    near.end(sent)
    t.ok((await received).equals(sent))
    await Promise.all([near, far].map(async stream => stream.closed || once(stream, 'close')))
    t.equal(near.errored, null)
    t.equal(far.errored, null)
  })

  t.test(`${name}: what is written before it is open waits`, async t => {
    const http = createHttpServer()
    const sockets = new WebSocketServer({ noServer: true })
    t.teardown(() => http.close())
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    const near = fromWebSocket(make(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/`))
    near.end('early')
    const [request, socket, head] = await once(http, 'upgrade')
    const far = await new Promise<WebSocket>(resolve => sockets.handleUpgrade(request, socket, head, resolve))
    t.equal(String(await buffer(fromWebSocket(far))), 'early')
  })

  t.test(`${name}: a WebSocket that breaks is an error with a code`, async t => {
    const { client, server } = await ends(t, make)
    const near = fromWebSocket(client)
    const failed = once(near, 'error')
    server.terminate()
    t.ok(((await failed)[0] as NodeJS.ErrnoException).code)
  })

  t.test(`${name}: a link of a bonded connection`, async t => {
    const { near, far } = await streams(t, make)
    const server = createServer(socket => socket.pipe(socket))
    t.teardown(() => server.close())
    const socket = connect({ links: [near] })
    await server.addLink(far)
    const sent = Buffer.alloc(3_000_000, 'over a WebSocket')
    socket.end(sent)
    t.ok((await buffer(socket)).equals(sent))
  })
}

t.test('nobody there: the error says so', async t => {
  const near = fromWebSocket(new WebSocket('ws://127.0.0.1:1/'))
  near.resume()
  t.match(await once(near, 'error'), [{ code: 'ECONNREFUSED' }])
})

/** A WebSocket in name only, which tells what is done to it. */
class FakeWebSocket extends EventTarget implements WebSocketLike {
  binaryType = 'blob'
  bufferedAmount = 0
  readyState = 1
  sent = 0
  closes: (number | undefined)[] = []

  send(data: Uint8Array): void {
    this.sent += data.byteLength
    this.bufferedAmount += data.byteLength
  }

  close(code?: number): void {
    this.closes.push(code)
  }

  receive(data: unknown): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data }))
  }
}

t.test('a WebSocket that has not sent what it holds makes the writer wait', async t => {
  const socket = new FakeWebSocket()
  const stream = fromWebSocket(socket, { highWaterMark: 1_000 })
  t.teardown(() => stream.destroy())
  t.equal(socket.binaryType, 'arraybuffer')
  let written = 0
  while (stream.write(Buffer.alloc(400))) if (++written > 100) throw new Error('never full')
  await new Promise(resolve => setImmediate(resolve))
  t.ok(socket.sent <= 1_400, `${socket.sent} bytes were given to it`)
  const drained = once(stream, 'drain')
  const empties = setInterval(() => {
    socket.bufferedAmount = 0
  }, 1)
  t.teardown(() => clearInterval(empties))
  await drained
})

t.test('end waits until everything is sent, then closes normally', async t => {
  const socket = new FakeWebSocket()
  const stream = fromWebSocket(socket)
  t.teardown(() => stream.destroy())
  stream.end('last')
  await new Promise(resolve => setImmediate(resolve))
  t.same(socket.closes, [])
  socket.bufferedAmount = 0
  await once(stream, 'finish')
  t.same(socket.closes, [1_000])
})

t.test('text is ignored, and what nobody reads does not pile up without end', async t => {
  const socket = new FakeWebSocket()
  const stream = fromWebSocket(socket, { highWaterMark: 1_000, receivedMax: 5_000 })
  const failed = once(stream, 'error')
  socket.receive('text')
  t.equal(stream.readableLength, 0)
  for (let count = 0; count < 5; count++) socket.receive(new ArrayBuffer(1_000))
  t.equal(stream.readableLength, 5_000)
  t.equal(stream.destroyed, false)
  socket.receive(new ArrayBuffer(1_000))
  t.match(await failed, [{ code: 'ENOBUFS' }])
})

t.test('a flood of text lets others have their turn', async t => {
  const calls: string[] = []
  class PausableWebSocket extends FakeWebSocket {
    pause(): void {
      calls.push('pause')
    }
    resume(): void {
      calls.push('resume')
    }
  }
  const socket = new PausableWebSocket()
  const stream = fromWebSocket(socket, { highWaterMark: 1_000 })
  t.teardown(() => stream.destroy())
  socket.receive('x'.repeat(999))
  t.same(calls, [])
  socket.receive('x')
  t.same(calls, ['pause'])
  await new Promise(resolve => setImmediate(resolve))
  t.same(calls, ['pause', 'resume'])
  socket.receive(new Uint8Array(1_000).buffer)
  socket.receive('x'.repeat(1_000))
  await new Promise(resolve => setImmediate(resolve))
  t.same(calls.slice(2), ['pause', 'pause'], 'what waits to be read still holds it back')
})
