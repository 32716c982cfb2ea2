// How a connection ends, as each side sees it.

import { once } from 'node:events'
import t from 'tap'
import type { Socket } from '../../lib/index.ts'
import { bothKinds } from '../support/both-kinds.ts'
import { eventLog, socketEvents } from '../support/event-log.ts'
import { connected } from '../support/loopback.ts'

const closeOf = (socket: { once(event: string, listener: () => void): unknown }) =>
  new Promise<void>(resolve => socket.once('close', () => resolve()))

bothKinds(t, 'with allowHalfOpen a side goes on writing after the other has ended', async (t, { pair }) => {
  const { client, accepted } = await pair({ allowHalfOpen: true })
  const log = eventLog(accepted, socketEvents)
  accepted.resume()
  const closed = closeOf(accepted)
  client.end('question')
  await once(accepted, 'end')
  t.equal(accepted.readyState, 'writeOnly')
  t.equal(client.readyState, 'readOnly')
  t.equal(accepted.writable, true)
  accepted.end('answer')
  t.equal((await client.toArray()).join(''), 'answer')
  await closed
  t.same(log, ['end', 'finish', 'close false'])
})

bothKinds(t, 'the same the other way round', async (t, { pair }) => {
  const { client, accepted } = await pair({ client: { allowHalfOpen: true } as object })
  accepted.end('greeting')
  client.resume()
  await once(client, 'end')
  t.equal(client.bytesRead, 8)
  t.equal(client.readyState, 'writeOnly')
  accepted.resume()
  const closed = Promise.all([closeOf(client), closeOf(accepted)])
  client.end('late answer')
  await closed
  t.equal(accepted.bytesRead, 11)
})

bothKinds(t, 'without allowHalfOpen a side is ended by the end of the other, after what it had written', async (t, { pair }) => {
  const { client, accepted } = await pair()
  accepted.resume()
  accepted.write('still said')
  client.end()
  t.equal((await client.toArray()).join(''), 'still said')
  t.equal(accepted.writableEnded, true)
})

bothKinds(t, 'write after the other side ended the connection is EPIPE', async (t, { pair }) => {
  const { client, accepted } = await pair()
  accepted.resume()
  client.end()
  await closeOf(accepted)
  const error = await new Promise<NodeJS.ErrnoException>(resolve => {
    t.equal(
      accepted.write('too late', error => resolve(error!)),
      false,
    )
  })
  t.equal(error.code, 'EPIPE')
  t.equal(error.message, 'This socket has been ended by the other party')
})

bothKinds(t, 'write after end is ERR_STREAM_WRITE_AFTER_END', async (t, { pair }) => {
  const { client } = await pair()
  client.end()
  const log = eventLog(client, ['error'])
  client.write('more')
  await closeOf(client)
  t.same(log, ['error ERR_STREAM_WRITE_AFTER_END'])
})

bothKinds(t, 'destroy: the other side reads what was written, then the end', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const log = eventLog(accepted, [...socketEvents, 'data'])
  client.write('last words')
  client.destroy()
  await closeOf(accepted)
  t.same(log, ['data', 'end', 'finish', 'close false'])
})

bothKinds(t, 'destroy with an error: the other side sees no more of it than an end', async (t, { pair }) => {
  const { client, accepted } = await pair()
  client.on('error', () => {})
  const log = eventLog(accepted, socketEvents)
  accepted.resume()
  client.destroy(new Error('mine'))
  await closeOf(accepted)
  t.same(log, ['end', 'finish', 'close false'])
})

bothKinds(t, 'destroySoon ends after everything is written', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const log = eventLog(client, socketEvents)
  const bytes = 3_000_000
  client.write(Buffer.alloc(bytes))
  client.destroySoon()
  client.destroySoon()
  const closed = closeOf(client)
  t.equal(client.destroyed, false)
  t.equal(Buffer.concat(await accepted.toArray()).length, bytes)
  await closed
  t.same(log, ['finish', 'close false'])
})

bothKinds(t, 'resetAndDestroy: ECONNRESET at the other side', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const local = eventLog(client, socketEvents)
  const log = eventLog(accepted, socketEvents)
  accepted.resume()
  t.equal(client.resetAndDestroy(), client)
  t.equal(client.destroyed, true)
  await closeOf(accepted)
  t.same(local, ['close false'])
  t.same(log, ['error ECONNRESET', 'close true'])
})

bothKinds(t, 'resetAndDestroy while connecting takes effect once connected', async (t, { listen, connect }) => {
  const { server, port } = await listen()
  const connection = new Promise<string[]>(resolve => {
    server.on('connection', accepted => {
      const log = eventLog(accepted, socketEvents)
      accepted.resume()
      accepted.on('close', () => resolve(log))
    })
  })
  const client = connect(port, '127.0.0.1')
  const local = eventLog(client, socketEvents)
  client.resetAndDestroy()
  t.equal(client.destroyed, false)
  t.same(await connection, ['error ECONNRESET', 'close true'])
  t.same(local, ['connect', 'ready', 'close false'])
})

bothKinds(t, 'a writer whose peer is destroyed gets EPIPE or ECONNRESET', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const log = eventLog(client, socketEvents)
  const chunk = Buffer.alloc(262_144)
  const writeMore = () => {
    while (client.write(chunk));
  }
  client.on('drain', writeMore)
  writeMore()
  await once(accepted, 'readable')
  accepted.destroy()
  await closeOf(client)
  t.match(log[0], /^error (EPIPE|ECONNRESET)$/)
  t.equal(log[1], 'close true')
})

t.test('terminate: ECONNRESET with reason terminated at the other side, whichever began', async t => {
  for (const side of ['client', 'accepted'] as const) {
    const ends = await connected(t)
    const [near, far] = side === 'client' ? [ends.client, ends.accepted] : [ends.accepted, ends.client]
    const local = eventLog(near, socketEvents)
    const failed = new Promise<Error>(resolve => far.once('error', resolve))
    const links = [...near.links, ...far.links]
    t.equal(links.length, 2)
    const gone = Promise.all([near, far, ...links].map(closeOf))
    far.resume()
    near.terminate()
    near.terminate()
    const error = await failed
    t.match(error, { code: 'ECONNRESET', reason: 'terminated', syscall: 'read', name: 'Error' })
    t.match(error.message, /^read ECONNRESET/)
    await gone
    t.same(local, ['close false'])
    t.same(
      links.map(link => link.disconnectReason),
      ['terminated', 'terminated'],
    )
    t.equal(near.links.length + far.links.length, 0)
  }
})

t.test('both sides terminate at once: both are closed, without a second error', async t => {
  const { client, accepted } = await connected(t)
  const [local, remote] = [eventLog(client, socketEvents), eventLog(accepted, socketEvents)]
  client.terminate()
  accepted.terminate()
  await Promise.all([closeOf(client), closeOf(accepted)])
  t.same(local, ['close false'])
  t.same(remote, ['close false'])
})

t.test('both sides destroy, or end, at once: the connection ends in good order', async t => {
  for (const how of ['destroy', 'end'] as const) {
    const { client, accepted, server } = await connected(t)
    const [local, remote] = [eventLog(client, socketEvents), eventLog(accepted, socketEvents)]
    client.resume()
    accepted.resume()
    client[how]()
    accepted[how]()
    await Promise.all([closeOf(client), closeOf(accepted)])
    t.equal(local.at(-1), 'close false')
    t.equal(remote.at(-1), 'close false')
    await new Promise<void>(resolve => server.close(() => resolve()))
  }
})

t.test('a writer whose peer has gone away gets EPIPE with reason closed-by-peer', async t => {
  const { client, accepted } = await connected(t, {}, { config: { recvBuffer: 65_536 }, pauseOnConnect: true })
  let failure: Error | null | undefined
  client.write(Buffer.alloc(1_000_000), error => {
    failure = error
  })
  const failed = new Promise<Error>(resolve => client.once('error', resolve))
  await once(accepted, 'readable')
  accepted.destroy()
  const error = await failed
  t.match(error, { code: 'EPIPE', reason: 'closed-by-peer', syscall: 'write' })
  t.equal(failure, error)
})

t.test('destroy that loses what was written is no end at the other side but a reset', async t => {
  const { client, accepted } = await connected(t, {}, { config: { recvBuffer: 65_536 }, pauseOnConnect: true })
  client.write(Buffer.alloc(1_000_000))
  client.write('this waits behind it')
  const failed = new Promise<Error>(resolve => accepted.once('error', resolve))
  const log = eventLog(accepted, socketEvents)
  client.destroy()
  t.match(await failed, { code: 'ECONNRESET', reason: 'terminated' })
  t.notOk(log.includes('end'))
})

t.test('what was handed over before destroy arrives whole, however slowly it is read', async t => {
  const { client, accepted } = await connected(t, {}, { config: { recvBuffer: 65_536 }, pauseOnConnect: true })
  client.end(Buffer.alloc(1_000_000))
  client.destroy()
  await closeOf(client)
  t.equal(Buffer.concat(await accepted.toArray()).length, 1_000_000)
})

t.test(
  'a write under way when its socket is destroyed is ECANCELED, one that waits behind it ECANCELED or ERR_STREAM_DESTROYED',
  async t => {
    const { client, accepted } = await connected(t, {}, { config: { recvBuffer: 65_536 }, pauseOnConnect: true })
    accepted.on('error', () => {})
    const code = () =>
      new Promise(resolve => client.write(Buffer.alloc(1_000_000), error => resolve((error as NodeJS.ErrnoException)?.code)))
    const codes = Promise.all([code(), code()])
    client.destroy()
    t.match(await codes, ['ECANCELED', /^(ECANCELED|ERR_STREAM_DESTROYED)$/])
    t.equal(client.closed, true)
  },
)

t.test('a peer that never reads what a destroyed socket still has to send gets a reset in the end', async t => {
  const config = { terminationTimeout: 50 }
  const { client, accepted } = await connected(t, { config }, { config: { recvBuffer: 65_536 }, pauseOnConnect: true })
  client.end(Buffer.alloc(1_000_000))
  client.destroy()
  const error = await new Promise<Error>(resolve => accepted.once('error', resolve))
  t.match(error, { code: 'ECONNRESET', reason: 'terminated' })
  while (client.links.length > 0) await new Promise(resolve => setImmediate(resolve))
})

t.test('a socket destroyed in a listener of data gets no more of it', async t => {
  const { client, accepted } = await connected(t)
  let heard = 0
  accepted.on('data', () => {
    heard++
    accepted.destroy()
  })
  client.write(Buffer.alloc(1_000_000))
  client.on('error', () => {})
  await closeOf(accepted)
  t.equal(heard, 1)
})

t.test('everything that was read but not taken is there after the other side is gone', async t => {
  const { client, accepted, server } = await connected(t, {}, { pauseOnConnect: true })
  client.end(Buffer.alloc(500_000))
  client.resume()
  await once(client, 'finish')
  const read: Buffer[] = await (accepted as Socket).toArray()
  t.equal(Buffer.concat(read).length, 500_000)
  await new Promise<void>(resolve => server.close(() => resolve()))
})
