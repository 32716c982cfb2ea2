// What holds for a link over any kind of Duplex, added by hand on both sides.

import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import { type ConfigInput, createServer, type Link, Socket } from '../lib/index.ts'
import { patternOf } from './simulation/pattern.ts'
import { corePair, type DuplexPair, type PairKind, pairKinds, tcpPair } from './support/duplex-pairs.ts'
import { settled } from './transports/manual-clock.ts'

const MEGABYTE = 1_048_576
/** Largest batch that is written to a Duplex beyond its high water mark: one Data message with all headers. */
const MESSAGE_BYTES_MAX = 65_536 + 25

interface Bonded {
  readonly client: Socket
  readonly server: Socket
  readonly clientLinks: readonly Link[]
  readonly serverLinks: readonly Link[]
}

/** A connection over `pairs`, one link each, that may be half open. */
async function bonded(t: Test, pairs: readonly DuplexPair[], config: ConfigInput = {}): Promise<Bonded> {
  const server = createServer({ allowHalfOpen: true, config })
  const client = new Socket({ allowHalfOpen: true, config })
  t.teardown(() => {
    client.destroy()
    for (const connection of server.connections) connection.destroy()
    server.close()
    for (const pair of pairs) pair.client.destroy()
  })
  const accepted = once(server, 'connection')
  const serverLinks = Promise.all(pairs.map(pair => server.addLink(pair.server)))
  const clientLinks = Promise.all(pairs.map(pair => client.addLink(pair.client)))
  const [connection] = (await accepted) as [Socket]
  return { client, server: connection, clientLinks: await clientLinks, serverLinks: await serverLinks }
}

async function send(socket: Duplex, bytes: number, seed: number): Promise<void> {
  const step = 50_000
  for (let at = 0; at < bytes; at += step) {
    for (const slice of patternOf(seed).slices(at, Math.min(step, bytes - at))) {
      if (!socket.write(slice)) await once(socket, 'drain')
    }
  }
}

/** Reads to the end; rejects when anything differs from what `send` sent. Calls `progress` with what has come so far. */
async function receive(socket: Duplex, seed: number, progress: (bytes: number) => void = () => {}): Promise<number> {
  let bytes = 0
  socket.on('data', (chunk: Buffer) => {
    const wrong = patternOf(seed).firstWrong(bytes, chunk)
    if (wrong >= 0) socket.destroy(new Error(`byte ${wrong} is wrong`))
    bytes += chunk.length
    progress(bytes)
  })
  await once(socket, 'end')
  return bytes
}

/**
 * Sends both ways at once, ends both ways and waits for the end. `atHalf` is called when the server has half of it; the
 * end waits for what it returns.
 */
async function exchange(t: Test, { client, server }: Bonded, bytes: number, atHalf?: () => Promise<unknown>): Promise<void> {
  let reachHalf = () => {}
  const half = new Promise<void>(resolve => {
    reachHalf = resolve
  }).then(atHalf)
  const received = Promise.all([
    receive(server, 1, sofar => {
      if (sofar >= bytes / 2) reachHalf()
    }),
    receive(client, 2),
  ])
  const closed = Promise.all([once(client, 'close'), once(server, 'close')])
  await Promise.all([send(client, bytes, 1), send(server, bytes, 2)])
  await half
  client.end()
  server.end()
  t.same(await received, [bytes, bytes])
  await closed
}

/** Notes who listens to the streams before; tells whether they are let go afterwards. */
function watchStreams(pairs: readonly DuplexPair[]): { allLetGo(t: Test): Promise<void> } {
  const streams = pairs.flatMap(pair => [pair.client, pair.server])
  const before = streams.map(listenerCounts)
  return {
    async allLetGo(t) {
      // The timers that let go of a stream whose other end does not are no reason for a process to live.
      const alive = setInterval(() => {}, 1_000)
      t.teardown(() => clearInterval(alive))
      for (const [index, stream] of streams.entries()) {
        if (!stream.destroyed) await once(stream, 'close')
        const expected = before[index]!
        expected.error = (expected.error ?? 0) + 1
        t.same(listenerCounts(stream), expected, 'nobody listens but for errors')
      }
    },
  }
}

function listenerCounts(stream: Duplex): Record<string, number> {
  const names = stream.eventNames().filter(name => typeof name === 'string' && stream.listenerCount(name) > 0) as string[]
  return Object.fromEntries(names.map(name => [name, stream.listenerCount(name)]))
}

interface WriteWatch {
  /** Writes while the Duplex needed a drain, but for the rest of the batch that filled it. */
  tooEarly: number
  /** Largest `writableLength`. */
  most: number
}

function watchWrites(stream: Duplex): WriteWatch {
  const watch: WriteWatch = { tooEarly: 0, most: 0 }
  let full = false
  let fullSinceThisBatch = false
  const { write, uncork, emit } = stream
  stream.write = (...args: unknown[]) => {
    if (full && !fullSinceThisBatch) watch.tooEarly++
    const more = Reflect.apply(write, stream, args) as boolean
    if (!more && !full) {
      full = true
      fullSinceThisBatch = stream.writableCorked > 0
    }
    watch.most = Math.max(watch.most, stream.writableLength)
    return more
  }
  stream.uncork = () => {
    fullSinceThisBatch = false
    uncork.call(stream)
  }
  stream.emit = (event: string, ...args: unknown[]) => {
    if (event === 'drain') full = false
    return Reflect.apply(emit, stream, [event, ...args])
  }
  return watch
}

/** Beside a link of `kind` two others. */
async function mixed(kind: PairKind): Promise<[DuplexPair, DuplexPair, DuplexPair]> {
  return [await kind.make(), corePair({ later: true }), await tcpPair()]
}

for (const kind of pairKinds) {
  t.test(`${kind.name}: a single link carries data both ways, then everything is closed`, async t => {
    const pairs = [await kind.make()]
    const watch = watchStreams(pairs)
    await exchange(t, await bonded(t, pairs), 4 * MEGABYTE)
    await watch.allLetGo(t)
  })

  for (const first of ['client', 'server'] as const) {
    t.test(`${kind.name}: when the ${first} has ended the other side goes on sending`, async t => {
      const pairs = [await kind.make()]
      const watch = watchStreams(pairs)
      const { client, server } = await bonded(t, pairs)
      const [early, late] = first === 'client' ? [client, server] : [server, client]
      early.end('early')
      const closed = Promise.all([once(client, 'close'), once(server, 'close')])
      t.equal(String((await once(late, 'data'))[0]), 'early')
      const received = receive(early, 3)
      await send(late, MEGABYTE, 3)
      late.end()
      t.equal(await received, MEGABYTE)
      await closed
      await watch.allLetGo(t)
    })
  }

  t.test(`${kind.name}: a link that is removed amid three loses nothing`, async t => {
    const pairs = await mixed(kind)
    const watch = watchStreams(pairs)
    const connection = await bonded(t, pairs)
    const [ours] = connection.clientLinks as [Link]
    const [theirs] = connection.serverLinks as [Link]
    await exchange(t, connection, 4 * MEGABYTE, () => ours.disconnect())
    t.same([ours.disconnectReason, theirs.disconnectReason], ['locally-requested', 'remotely-requested'])
    await watch.allLetGo(t)
  })

  for (const [what, error] of [
    ['is destroyed', undefined],
    ['fails', new Error('broken')],
  ] as const) {
    t.test(`${kind.name}: a link that ${what} amid three loses nothing`, async t => {
      const pairs = await mixed(kind)
      const watch = watchStreams(pairs)
      const connection = await bonded(t, pairs)
      const told: unknown[] = []
      connection.server.on('linkerror', told.push.bind(told))
      connection.server.on('linkclose', (link, reason) => link === connection.serverLinks[0] && told.push(reason))
      const [ours] = connection.clientLinks as [Link]
      await exchange(t, connection, 4 * MEGABYTE, async () => {
        pairs[0].server.destroy(error)
        await once(ours, 'close')
      })
      t.equal(ours.disconnectReason, 'io-error')
      t.equal(told.at(-1), 'io-error')
      if (error) t.match(told, [error, { transport: 'manual' }])
      await watch.allLetGo(t)
    })
  }

  t.test(`${kind.name}: tag and user data arrive`, async t => {
    const pair = await kind.make()
    const server = createServer()
    const client = new Socket()
    t.teardown(() => client.destroy())
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const userData = Buffer.alloc(65_535, 'user data ')
    const [theirs, ours] = await Promise.all([
      server.addLink(pair.server, { tag: 'attic', userData }),
      client.addLink(pair.client, { tag: 'cellar', userData: Buffer.from('from the cellar') }),
    ])
    t.ok(Buffer.from(ours.remoteUserData).equals(userData))
    t.equal(Buffer.from(theirs.remoteUserData).toString(), 'from the cellar')
    t.equal(`${ours.tag}, ${theirs.tag}`, 'cellar, attic')
    t.same([ours.direction, theirs.direction], ['outgoing', 'incoming'])
    t.same([ours.stream, theirs.stream], [pair.client, pair.server])
    const [connection] = await accepted
    t.same([client.links, connection.links], [[ours], [theirs]])
    client.destroy()
    connection.resume()
    await once(connection, 'close')
  })

  if (kind.name.startsWith('streamx')) continue // does not tell what it holds
  t.test(`${kind.name}: is never written to while it needs a drain`, async t => {
    const pair = await kind.make()
    const watches = [watchWrites(pair.client), watchWrites(pair.server)]
    const connection = await bonded(t, [pair])
    await exchange(t, connection, 2 * MEGABYTE)
    const { writableHighWaterMark, writableObjectMode } = pair.client
    const limit = writableHighWaterMark + (writableObjectMode ? 2 : writableHighWaterMark + MESSAGE_BYTES_MAX)
    for (const { tooEarly, most } of watches) {
      t.equal(tooEarly, 0)
      t.ok(most <= limit, `${most} of at most ${limit} held`)
    }
  })
}

t.test('a link that takes nothing makes the writer wait, holding one batch; when it takes again everything arrives', async t => {
  const pair = corePair()
  // A window into which more fits than into the link: a busy machine may know no better one by then.
  const { client, server } = await bonded(t, [pair], { link: { windowInit: MEGABYTE } })
  const { _write: write } = pair.client
  let open = () => {}
  const received = receive(server, 1)
  await send(client, 4 * MEGABYTE, 1)
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  pair.client._write = (...args) => void opened.then(() => Reflect.apply(write, pair.client, args))
  let sent = 4 * MEGABYTE
  for (let more = true; more; sent += 1_000) for (const slice of patternOf(1).slices(sent, 1_000)) more = client.write(slice)
  while (!pair.client.writableNeedDrain) await settled() // pacing takes its time
  const limit = 2 * pair.client.writableHighWaterMark + MESSAGE_BYTES_MAX
  t.ok(pair.client.writableLength <= limit, `${pair.client.writableLength} of at most ${limit} held`)
  t.ok(client.writableNeedDrain)
  open()
  client.end()
  t.equal(await received, sent)
  server.end()
})
