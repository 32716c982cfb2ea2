// Attack A39 of the threat model: clients that come over WebSockets. The server's are those of the package `ws`, made as
// docs/recipes.md says: no compression, and no message that is larger than a frame of the protocol.

import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws'
import { MessageType } from '../../lib/protocol/messages.ts'
import { fromWebSocket } from '../../lib/stream.ts'
import { randomId } from '../support/raw-link.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { Scene } from './scene.ts'

/** The largest message of the protocol, and the head of a WebSocket message. */
const MAX_PAYLOAD = 8 * 1_048_576 + 10

/** A scene whose server also takes links over WebSockets. */
async function webSocketScene(t: Test) {
  const scene = await Scene.open(t)
  const http = createHttpServer()
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: MAX_PAYLOAD })
  const taken: { readonly socket: WebSocket; readonly link: Duplex; readonly error: Promise<Error> }[] = []
  sockets.on('connection', socket => {
    const link = fromWebSocket(socket)
    const error = new Promise<Error>(resolve => link.once('error', resolve))
    taken.push({ socket, link, error })
    scene.server.addLink(link).catch(() => {}) // told by `linkerror`
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/`
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    http.closeAllConnections()
    http.close()
  })
  /** A WebSocket, and a raw peer that speaks over it. */
  const dial = async (options: ClientOptions = {}) => {
    const socket = new WebSocket(url, options)
    t.teardown(() => socket.terminate())
    socket.on('error', () => {})
    const peer = new RawPeer(fromWebSocket(socket))
    await once(socket, 'open')
    return { socket, peer }
  }
  return { scene, dial, taken }
}

/** Joins a new connection; the server answers with the Accepted that is returned once all before is processed. */
async function join(peer: RawPeer): Promise<void> {
  await peer.connect(await peer.next(MessageType.Welcome), randomId())
  await peer.next(MessageType.Accepted)
}

async function answers(peer: RawPeer): Promise<void> {
  peer.send({ type: MessageType.Ping })
  await peer.next(MessageType.Pong)
}

/** The client's end is closed, with or without an error. */
async function closed({ stream }: RawPeer): Promise<void> {
  if (!stream.destroyed) await new Promise(resolve => stream.once('close', resolve))
}

t.test('A39 text before, amid and after the handshake is ignored, however much of it comes', async t => {
  const { scene, dial, taken } = await webSocketScene(t)
  await scene.during(async () => {
    const text = 'x'.repeat(1_048_576)
    const { socket, peer } = await dial()
    for (let count = 0; count < 16; count++) socket.send(text)
    const victim = scene.nextVictim()
    await join(peer)
    for (let count = 0; count < 32; count++) socket.send(text)
    await answers(peer)
    const { linkErrors } = await victim
    t.same(linkErrors, [], 'the link lives')
    t.equal(taken[0]?.link.readableLength, 0, 'nothing of it is kept')
  })
})

t.test('A39 a message larger than any frame costs the link, before it is there', async t => {
  const { scene, dial, taken } = await webSocketScene(t)
  await scene.during(async () => {
    const { socket, peer } = await dial()
    const victim = scene.nextVictim()
    await join(peer)
    const { socket: accepted, linkErrors } = await victim
    const lost = once(accepted, 'linkclose')
    socket.send(new Uint8Array(MAX_PAYLOAD + 1))
    t.match(await taken[0]?.error, { code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' })
    await Promise.all([closed(peer), lost])
    t.match(linkErrors, [{ code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' }])
  })
})

t.test('A39 bytes that are no frames cost the link, in messages as large as allowed, too', async t => {
  const { scene, dial, taken } = await webSocketScene(t)
  await scene.during(async () => {
    const { socket, peer } = await dial()
    const victim = scene.nextVictim()
    await join(peer)
    const lost = once((await victim).socket, 'linkclose')
    // Not a frame of the protocol: its length is 0xffffffff.
    for (let count = 0; count < 4; count++) socket.send(new Uint8Array(MAX_PAYLOAD - 10).fill(0xff))
    await Promise.all([closed(peer), lost])
    t.ok(taken[0]?.link.destroyed)
  })
})

t.test('A39 compression that a client offers is refused, and what it compresses all the same costs the link', async t => {
  const { scene, dial, taken } = await webSocketScene(t)
  await scene.during(async () => {
    const { socket, peer } = await dial({ perMessageDeflate: true })
    t.equal(socket.extensions, '')
    t.equal(taken[0]?.socket.extensions, '')
    await join(peer)
    await answers(peer)
    // First byte of a final binary message with RSV1, which says that it is compressed; masked, of 1 byte.
    const { _socket: raw } = socket as unknown as { _socket: Duplex }
    raw.write(Buffer.from([0xc2, 0x81, 0, 0, 0, 0, 0]))
    t.match(await taken[0]?.error, { code: 'WS_ERR_UNEXPECTED_RSV_1' })
    await closed(peer)
  })
})
