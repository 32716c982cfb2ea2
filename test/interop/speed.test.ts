// hawser and agg-speed: both sides send a seed and the random bytes that follow from it, and check what they receive.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { connect, createServer, type Socket } from '../../lib/index.ts'
import { tcpConnector } from '../../lib/tcp.ts'
import { closing } from './bonded.ts'
import { Child } from './child.ts'
import { freePort, programPath } from './programs.ts'
import { Relay } from './relay.ts'
import { BLOCK_BYTES, SEED_BYTES, SpeedBlocks } from './speed-blocks.ts'
import { stopAtEnd } from './stop-at-end.ts'
import { take, write } from './traffic.ts'
import { until } from './until.ts'

const MEBIBYTE = 1_048_576
const LIMIT_BYTES = 32 * MEBIBYTE
const LOG = { RUST_LOG: 'aggligator_monitor=info' }
const TIMEOUT_MS = 60_000

t.setTimeout(10 * TIMEOUT_MS)

t.test('the generator gives what the crate gives that the tool uses', async t => {
  const first = (seed: bigint): string => new SpeedBlocks(seed).take(24).toString('hex')
  t.equal(first(0n), '5de3931e520dc9de085e89186fac336d8aa46fec4e9021ab')
  t.equal(first(0x0123_4567_89ab_cdefn), '5dce7ea0f6abec3db0c084287aa6cad81a612f07ad7d0875')
  t.equal(first(0xffff_ffff_ffff_ffffn), '1cd26064e8f7781c60df82ed68686d4857212bc8cc821a58')
})

for (const links of [1, 2, 4]) {
  t.test(`sends to and receives from an agg-speed server over ${links} links`, { timeout: TIMEOUT_MS }, async t => {
    const { tool, port } = await startServer(t)
    const relays = await startRelays(t, port, links)
    const socket = connect({
      transports: [tcpConnector({ hosts: relays.map(relay => relay.address), linkFilter: 'none' })],
      allowHalfOpen: true,
    })
    t.teardown(() => socket.destroy())
    const closed = closing(socket)
    const [received] = await Promise.all([receiveBlocks(socket, LIMIT_BYTES), sendBlocks(socket, LIMIT_BYTES)])
    t.equal(received.wrongAt, undefined, 'what the tool sends is right')
    socket.end()
    await until(() => tool.output.includes('Receiver exited'), 'the tool sees the end')
    t.notMatch(tool.output, 'malformed', 'what the tool receives is right')
    checkRelays(t, relays)
    socket.destroy()
    t.equal(await closed, undefined)
  })

  t.test(`receives from an agg-speed client over ${links} links`, { timeout: TIMEOUT_MS }, async t => {
    const { tool, accepted, relays } = await startClient(t, links, ['--limit', `${LIMIT_BYTES / MEBIBYTE}`, '--send-only'])
    const socket = await accepted
    const closed = closing(socket)
    const received = await receiveBlocks(socket)
    // The tool sends one block beyond its limit.
    t.same(received, { bytes: LIMIT_BYTES + BLOCK_BYTES, wrongAt: undefined })
    socket.end()
    t.equal(await closed, undefined)
    t.same(await tool.exited, { code: 0, signal: null })
    t.match(tool.output, /Upstream: +\d/)
    checkRelays(t, relays)
  })

  t.test(`sends to an agg-speed client over ${links} links`, { timeout: TIMEOUT_MS }, async t => {
    const { tool, accepted, relays } = await startClient(t, links, ['--recv-only'])
    const socket = await accepted
    const closed = closing(socket)
    await sendBlocks(socket, LIMIT_BYTES)
    socket.resume().end()
    t.equal(await closed, undefined, 'the tool took everything')
    t.same(await tool.exited, { code: 0, signal: null })
    t.notMatch(tool.output, 'malformed', 'what the tool receives is right')
    t.match(tool.output, /Downstream: +[1-9]/)
    checkRelays(t, relays)
  })
}

t.test('sends to and receives from an agg-speed client at once', { timeout: TIMEOUT_MS }, async t => {
  const { tool, accepted, relays } = await startClient(t, 2, ['--limit', `${LIMIT_BYTES / MEBIBYTE}`])
  const socket = await accepted
  const closed = closing(socket)
  const sending = sendBlocks(socket, LIMIT_BYTES).then(() => socket.end())
  t.same(await receiveBlocks(socket), { bytes: LIMIT_BYTES + BLOCK_BYTES, wrongAt: undefined }, 'what the tool sends is right')
  await sending
  t.equal(await closed, undefined, 'the tool took everything')
  t.same(await tool.exited, { code: 0, signal: null })
  t.notMatch(tool.output, 'malformed', 'what the tool receives is right')
  checkRelays(t, relays)
})

t.test('an agg-speed client stops reading when its time is over', { timeout: TIMEOUT_MS }, async t => {
  const { tool, accepted } = await startClient(t, 2, ['--time', '1', '--recv-only'])
  const socket = await accepted
  const closed = closing(socket)
  await t.rejects(sendBlocks(socket), { code: 'EPIPE' })
  t.match(await closed, { code: 'EPIPE' })
  t.same(await tool.exited, { code: 0, signal: null })
  t.notMatch(tool.output, 'malformed', 'what the tool receives is right')
})

async function startServer(t: Test): Promise<{ tool: Child; port: number }> {
  const [port, webSocketPort] = [await freePort(), await freePort()]
  const parameters = ['server', '-n', '--tcp', `${port}`, '--websocket', `${webSocketPort}`]
  const tool = new Child(t, programPath('agg-speed'), parameters, LOG)
  await tool.listening(port)
  return { tool, port }
}

/** Starts a server of hawser and the tool as its client. */
async function startClient(
  t: Test,
  links: number,
  options: readonly string[],
): Promise<{ tool: Child; accepted: Promise<Socket>; relays: Relay[] }> {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of server.connections) socket.destroy()
    server.close()
  })
  const accepted = once(server, 'connection').then(([socket]) => socket as Socket)
  const relays = await startRelays(t, (server.address() as AddressInfo).port, links)
  const targets = relays.flatMap(relay => ['--tcp', relay.address])
  const parameters = ['client', '-n', ...targets, '--tcp-link-filter', 'none', ...options]
  return { tool: new Child(t, programPath('agg-speed'), parameters, LOG), accepted, relays }
}

async function startRelays(t: Test, port: number, count: number): Promise<Relay[]> {
  const relays: Relay[] = []
  for (let index = 0; index < count; index++) relays.push(stopAtEnd(t, await Relay.start(port)))
  return relays
}

function checkRelays(t: Test, relays: readonly Relay[]): void {
  for (const [index, relay] of relays.entries()) {
    t.ok(relay.bytes > LIMIT_BYTES / 100, `link ${index} carried its part: ${relay.bytes} bytes`)
  }
}

/** Without a limit until it fails. */
async function sendBlocks(socket: Socket, bytes = Number.POSITIVE_INFINITY): Promise<void> {
  const seed = randomBytes(SEED_BYTES)
  const blocks = new SpeedBlocks(seed.readBigUInt64BE())
  await write(socket, seed)
  for (let sent = 0; sent < bytes; sent += BLOCK_BYTES) await write(socket, blocks.take(BLOCK_BYTES))
}

interface Received {
  readonly bytes: number
  /** Position of the first piece that is not as it should be. */
  readonly wrongAt: number | undefined
}

/** Without a limit until the end. */
async function receiveBlocks(socket: Socket, limit = Number.POSITIVE_INFINITY): Promise<Received> {
  const blocks = new SpeedBlocks(await receiveSeed(socket))
  let expected = Buffer.alloc(0)
  let received: Received = { bytes: 0, wrongAt: undefined }
  while (received.bytes < limit && received.wrongAt === undefined) {
    const chunk = await take(socket)
    if (chunk === undefined) break
    while (expected.length < chunk.length) expected = Buffer.concat([expected, blocks.take(BLOCK_BYTES)])
    const right = chunk.equals(expected.subarray(0, chunk.length))
    expected = expected.subarray(chunk.length)
    received = { bytes: received.bytes + chunk.length, wrongAt: right ? undefined : received.bytes }
  }
  return received
}

async function receiveSeed(socket: Socket): Promise<bigint> {
  const seed = Buffer.alloc(SEED_BYTES)
  for (let filled = 0; filled < SEED_BYTES; ) {
    const piece = await take(socket, SEED_BYTES - filled)
    if (piece === undefined) throw new Error('ended before the seed')
    filled += piece.copy(seed, filled)
  }
  return seed.readBigUInt64BE()
}
