// Links whose stream authenticates what it carries: between two hawsers their payload goes without checksum.

import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, connect as tcpConnect } from 'node:net'
import { type Duplex, PassThrough, Duplex as StreamDuplex, Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls'
import t, { type Test } from 'tap'
import { type AddLinkOptions, createServer, Socket } from '../lib/index.ts'
import { manualTag } from '../lib/manual-tag.ts'
import { MessageType } from '../lib/protocol/messages.ts'
import { bitwiseCrc32 } from './protocol/helpers.ts'
import { cert, key } from './support/certificate.ts'
import { RawPeer } from './support/raw-peer.ts'

const AUTHENTICATED_BIT = 0x4000_0000
const PAYLOAD = Buffer.from('what is carried without a checksum', 'latin1')

interface Frame {
  readonly checksum: number
  readonly packet: Buffer
}

/** A way for bytes that keeps what passes. */
class Tap extends Transform {
  readonly passed: Buffer[] = []
  /** Called with every chunk; what it returns goes on. */
  readonly #change: (chunk: Buffer) => Buffer

  constructor(change: (chunk: Buffer) => Buffer = chunk => chunk) {
    super()
    this.#change = change
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: (error: null, chunk: Buffer) => void): void {
    this.passed.push(chunk)
    callback(null, this.#change(Buffer.from(chunk)))
  }

  /** The frames that passed, taken apart by hand. */
  get frames(): Frame[] {
    const bytes = Buffer.concat(this.passed)
    const frames: Frame[] = []
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.readUInt32BE(at)
      frames.push({ checksum: bytes.readUInt32BE(at + 6), packet: bytes.subarray(at + 10, at + 10 + length) })
      at += 10 + length
    }
    return frames
  }
}

interface Connected {
  readonly client: Socket
  readonly server: Socket
  /** What the client sends. */
  readonly up: Tap
}

async function connected(
  t: Test,
  clientOptions: AddLinkOptions,
  serverOptions: AddLinkOptions,
  change?: (chunk: Buffer) => Buffer,
): Promise<Connected> {
  const up = new Tap(change)
  const down = new PassThrough()
  const server = createServer()
  const client = new Socket()
  t.teardown(() => {
    client.destroy()
    for (const connection of server.connections) connection.destroy()
    server.close()
  })
  const accepted = once(server, 'connection')
  server.addLink(StreamDuplex.from({ readable: up, writable: down }), serverOptions).catch(() => {})
  await client.addLink(StreamDuplex.from({ readable: down, writable: up }), clientOptions)
  const [connection] = (await accepted) as [Socket]
  return { client, server: connection, up }
}

const payloadFrame = ({ up }: Connected) => up.frames.find(({ packet }) => packet.equals(PAYLOAD))

for (const [clientSays, serverSays] of [
  [true, true],
  [true, false],
  [false, true],
  [undefined, undefined],
] as const) {
  const leftOut = clientSays === true && serverSays === true
  const who = `client ${clientSays}, server ${serverSays}`
  t.test(`payload goes ${leftOut ? 'without' : 'with'} a checksum: ${who}`, async t => {
    const pair = await connected(t, { authenticated: clientSays }, { authenticated: serverSays })
    const received = buffer(pair.server)
    pair.client.end(PAYLOAD)
    t.ok((await received).equals(PAYLOAD))
    t.equal(payloadFrame(pair)?.checksum, leftOut ? 0 : bitwiseCrc32(PAYLOAD))
    const others = pair.up.frames.filter(({ packet }) => !packet.equals(PAYLOAD))
    t.ok(others.length > 2)
    for (const { checksum, packet } of others) t.equal(checksum, bitwiseCrc32(packet), 'messages always have theirs')
  })
}

t.test('a transport says of its tag that its streams authenticate', async t => {
  const tag = (direction: 'incoming' | 'outgoing') => ({ ...manualTag(direction, 'sealed'), authenticated: true })
  const pair = await connected(t, { tag: tag('outgoing') }, { tag: tag('incoming') })
  const received = buffer(pair.server)
  pair.client.end(PAYLOAD)
  t.ok((await received).equals(PAYLOAD))
  t.equal(payloadFrame(pair)?.checksum, 0)
})

t.test('damage on a link that only one end takes for authenticated fails the link', async t => {
  const damage = (chunk: Buffer): Buffer => {
    const at = chunk.indexOf(PAYLOAD)
    if (at >= 0) chunk[at]! ^= 1
    return chunk
  }
  const { client, server } = await connected(t, { authenticated: true }, {}, damage)
  const closed = once(server, 'linkclose')
  client.write(PAYLOAD)
  const [, reason] = await closed
  t.equal(reason, 'protocol-error')
  t.equal(server.bytesRead, 0)
})

t.test('what is no boolean is refused', async t => {
  const stream = new PassThrough()
  const options = { authenticated: 'yes' as unknown as boolean }
  await t.rejects(new Socket().addLink(stream, options), { code: 'ERR_INVALID_ARG_TYPE' })
  await t.rejects(createServer().addLink(stream, options), { code: 'ERR_INVALID_ARG_TYPE' })
  t.notOk(stream.destroyed)
})

/** Extensions that a server announces in its Welcome over the stream that `dial` makes to `listener`. */
async function announced(
  t: Test,
  listen: (take: (socket: Duplex) => void) => ReturnType<typeof createTcpServer>,
  dial: (port: number) => Duplex,
): Promise<number> {
  const server = createServer()
  const listener = listen(socket => server.addLink(socket).catch(() => {})).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const stream = dial((listener.address() as AddressInfo).port)
  t.teardown(() => {
    stream.destroy()
    listener.close()
    server.close()
  })
  const { extensions } = await new RawPeer(stream).next(MessageType.Welcome)
  return extensions
}

t.test('a TLS socket authenticates without being told, a TCP socket does not', async t => {
  const overTls = await announced(
    t,
    take => createTlsServer({ key, cert }, take),
    port => tlsConnect({ port, host: '127.0.0.1', ca: cert }),
  )
  t.equal(overTls & AUTHENTICATED_BIT, AUTHENTICATED_BIT)
  const overTcp = await announced(
    t,
    take => createTcpServer(take),
    port => tcpConnect({ port, host: '127.0.0.1' }),
  )
  t.equal(overTcp & AUTHENTICATED_BIT, 0)
})
