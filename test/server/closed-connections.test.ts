// A connection id is used up when its connection ends: a late link must not begin a ghost of it.

import { once } from 'node:events'
import t from 'tap'
import { ClosedIds } from '../../lib/closed-ids.ts'
import type { Socket } from '../../lib/index.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { listening } from '../support/loopback.ts'
import { handshakeOver, randomId } from '../support/raw-link.ts'

t.test('a link that starts a connection with the id of one that ended is refused', async t => {
  const { server } = await listening(t)
  let connections = 0
  server.on('connection', () => connections++)
  const id = randomId()
  const join = (existing: boolean) => {
    const pair = corePair()
    server.addLink(pair.server).catch(() => {})
    return handshakeOver(pair.client, { id, existing })
  }
  const connection = once(server, 'connection') as Promise<[Socket]>
  await join(false)
  const [accepted] = await connection
  const closed = Promise.all(accepted.links.map(link => once(link, 'close')))
  accepted.terminate()
  for (const link of accepted.links) link.stream.destroy() // no peer that could answer
  await closed
  for (const existing of [false, true]) {
    await t.rejects(join(existing), { code: 'ECONNRESET', reason: 'aborted-by-server' }, `existing ${existing}`)
  }
  t.equal(connections, 1)
  t.equal(server.connections.length, 0)
})

t.test('a link that comes while the connection ends does not begin it anew', async t => {
  const { server } = await listening(t)
  let connections = 0
  server.on('connection', () => connections++)
  const id = randomId()
  const [first, second] = [corePair(), corePair()]
  server.addLink(first.server).catch(() => {})
  await handshakeOver(first.client, { id })
  const [accepted] = server.connections as [Socket]
  const late = server.addLink(second.server)
  const outgoing = handshakeOver(second.client, { id })
  outgoing.catch(() => {})
  accepted.terminate()
  for (const link of accepted.links) link.stream.destroy()
  await t.rejects(late)
  await t.rejects(outgoing)
  t.equal(connections, 1)
})

t.test('ids are remembered for 150 s, 10,000 of them', async t => {
  let nowMs = 0
  const ids = new ClosedIds(() => nowMs)
  ids.add('first')
  nowMs = 149_999
  t.equal(ids.has('first'), true)
  t.equal(ids.has('another'), false)
  nowMs = 150_000
  t.equal(ids.has('first'), false)
  for (let index = 0; index < 10_001; index++) ids.add(`${index}`)
  t.equal(ids.has('0'), false, 'the oldest makes room')
  t.equal(ids.has('1'), true)
  t.equal(ids.has('10000'), true)
})
