// Nothing holds bytes without bound: not a writer whose link takes nothing, not one whose peer reads slowly or not at all.

import { once } from 'node:events'
import t, { type Test } from 'tap'
import { createServer, Socket } from '../../lib/index.ts'
import { patternOf } from '../simulation/pattern.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { connected, working } from '../support/loopback.ts'

const CHUNK_BYTES = 16_384
/** No writer gets so far without being told to stop. */
const MOST_BYTES = 67_108_864
const chunk = patternOf(3).slices(0, CHUNK_BYTES)[0]!

/** Writes until told to stop; how many bytes that were. */
function writeUntilFull(socket: Socket): number {
  for (let bytes = CHUNK_BYTES; bytes <= MOST_BYTES; bytes += CHUNK_BYTES) if (!socket.write(chunk)) return bytes
  throw new Error('write never returns false')
}

/** The same until no drain follows any more. */
async function writeUntilStuck(socket: Socket): Promise<number> {
  let bytes = 0
  for (let turn = 0; turn < 50; turn++) {
    if (!socket.writableNeedDrain) {
      bytes += writeUntilFull(socket)
      turn = 0
    }
    await new Promise(resolve => setImmediate(resolve))
  }
  return bytes
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

/** Bytes outside of the heap that are in use. */
function usedBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().arrayBuffers
}

/** A connection over one link in memory whose client's end holds `linkHighWaterMark` bytes. */
async function overMemory(t: Test, linkHighWaterMark: number) {
  const server = createServer({ pauseOnConnect: true })
  const client = new Socket({ highWaterMark: 100_000 })
  const pair = corePair({ highWaterMark: linkHighWaterMark })
  t.teardown(() => {
    client.terminate()
    for (const socket of server.connections) socket.terminate()
    server.close()
    pair.client.destroy()
  })
  const connection = once(server, 'connection') as Promise<[Socket]>
  const [link] = await Promise.all([client.addLink(pair.client), server.addLink(pair.server)])
  const [accepted] = await connection
  await working(client)
  return { client, accepted, link, pair }
}

t.test('a link that takes nothing: write returns false at the high water mark, and little is held below', async t => {
  const linkHighWaterMark = 20_000
  const { client, link, pair } = await overMemory(t, linkHighWaterMark)
  pair.server.pause()
  let written = await writeUntilStuck(client)
  const { writableHighWaterMark } = client
  t.ok(client.writableNeedDrain)
  t.ok(client.writableLength > 0)
  t.ok(client.writableLength <= writableHighWaterMark + CHUNK_BYTES)
  for (let count = 0; count < 3; count++) {
    t.equal(client.write(chunk), false, 'and it stays so')
    written += CHUNK_BYTES
  }
  const { inFlight, window } = link.stats
  t.ok(inFlight <= window + linkHighWaterMark, `in flight ${inFlight}, window ${window}`)
  const inBond = written - client.writableLength
  t.ok(inBond <= window + linkHighWaterMark, `the bond took ${inBond} bytes`)
  t.ok(pair.client.writableLength <= linkHighWaterMark + 65_536 + 100)
})

t.test('a link that takes no more than its high water mark gets no more, however large the window', async t => {
  const linkHighWaterMark = 20_000
  const { client, link, pair } = await overMemory(t, linkHighWaterMark)
  link.config = { windowInit: 10_000_000 }
  pair.client.cork() // nothing leaves its own buffer
  await writeUntilStuck(client)
  t.ok(pair.client.writableLength <= linkHighWaterMark + 65_536 + 100, `it holds ${pair.client.writableLength} bytes`)
})

t.test('it goes on when the link does: drain comes, and every byte arrives', async t => {
  const { client, accepted, pair } = await overMemory(t, 20_000)
  pair.server.pause()
  const written = await writeUntilStuck(client)
  const drained = once(client, 'drain')
  pair.server.resume()
  accepted.resume()
  await drained
  t.equal(client.writableLength, 0)
  client.end()
  await once(accepted, 'end')
  t.equal(accepted.bytesRead, written)
})

t.test('a peer that does not read: the writer stops after the receive buffer and its own high water mark', async t => {
  const recvBuffer = 1_048_576
  const { client, accepted } = await connected(t, {}, { config: { recvBuffer }, pauseOnConnect: true })
  let written = 0
  const writeMore = () => {
    written += writeUntilFull(client)
  }
  client.on('drain', writeMore)
  writeMore()
  const stopped = () => client.stats.sendSpace < CHUNK_BYTES && client.stats.unacked === 0
  await until(stopped)
  const before = written
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
  t.equal(written, before, 'no drain, no further write')
  t.ok(client.writableNeedDrain)
  const most = recvBuffer + client.writableHighWaterMark * 2 + CHUNK_BYTES
  t.ok(written <= most, `${written} of at most ${most} bytes`)
  t.ok(accepted.stats.receivedUnconsumed <= recvBuffer)
  t.equal(accepted.bytesRead, 0)

  const drained = once(client, 'drain')
  client.off('drain', writeMore)
  accepted.resume()
  await drained
  client.end()
  await once(accepted, 'end')
  t.equal(accepted.bytesRead, written)
})

t.test('a slow reader: the memory of both ends together stays bounded over a transfer many times as large', async t => {
  const config = { recvBuffer: 1_048_576, sendBuffer: 1_048_576 }
  const { client, accepted } = await connected(t, { config }, { config, pauseOnConnect: true })
  const total = 64 * 1_048_576
  const before = usedBytes()
  let most = 0
  let refused = 0
  const writer = (async () => {
    for (let at = 0; at < total; at += CHUNK_BYTES) {
      if (client.write(Buffer.from(chunk))) continue
      refused++
      await once(client, 'drain')
    }
    client.end()
  })()
  let read = 0
  let sampleAt = 0
  for await (const piece of accepted) {
    read += piece.length
    if (read < sampleAt) continue
    sampleAt += 2 * 1_048_576
    most = Math.max(most, usedBytes() - before)
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  await writer
  t.equal(read, total)
  t.ok(refused > total / (config.recvBuffer + config.sendBuffer), `write said no ${refused} times`)
  const limit = 1.25 * (config.recvBuffer + config.sendBuffer) + 2 * 524_288 + 8 * 1_048_576
  t.ok(most <= limit, `${most} of at most ${limit} bytes in use`)
})

t.test('the same with a reader that stops for good', async t => {
  const config = { recvBuffer: 1_048_576, sendBuffer: 1_048_576 }
  const { client } = await connected(t, { config }, { config, pauseOnConnect: true })
  const before = usedBytes()
  const writeMore = () => {
    while (client.write(Buffer.from(chunk)));
  }
  client.on('drain', writeMore)
  writeMore()
  await until(() => client.stats.sendSpace < CHUNK_BYTES && client.stats.unacked === 0)
  for (let turn = 0; turn < 100; turn++) await new Promise(resolve => setImmediate(resolve))
  const used = usedBytes() - before
  t.ok(used <= config.recvBuffer + 8 * 1_048_576, `${used} bytes in use`)
})

t.test('an accepted socket that is paused stops its peer, too, and lets it go on after resume', async t => {
  const { client, accepted } = await connected(t, {}, { config: { recvBuffer: 262_144 } })
  accepted.once('data', () => accepted.pause())
  client.write(Buffer.alloc(2_000_000))
  await until(() => client.stats.sendSpace < CHUNK_BYTES && client.stats.unacked === 0)
  t.ok(accepted.readableLength >= accepted.readableHighWaterMark)
  t.ok(accepted.readableLength <= accepted.readableHighWaterMark + 131_072)
  t.ok(accepted.isPaused())
  accepted.resume()
  client.end()
  await once(accepted, 'end')
  t.equal(accepted.bytesRead, 2_000_000)
})
