// What is told of a link that was lost: an error with code and reason, whatever it was lost by, and nothing of one that was
// not.

import { once } from 'node:events'
import t from 'tap'
import type { LinkCloseReason } from '../lib/engine/events.ts'
import type { Socket } from '../lib/index.ts'
import { linkError } from '../lib/link-error.ts'
import { manualTag } from '../lib/manual-tag.ts'
import { type LinkMessage, MessageType } from '../lib/protocol/messages.ts'
import { ProtocolError } from '../lib/protocol/protocol-error.ts'
import { corePair } from './support/duplex-pairs.ts'
import { connected, listening, working } from './support/loopback.ts'
import { handshakeOver } from './support/raw-link.ts'

const tag = manualTag('outgoing', 'attic')

const lost: Partial<Record<LinkCloseReason, object>> = {
  'io-error': { code: 'ECONNRESET', reason: 'link-closed', message: /\(attic\)/ },
  'ping-timeout': { code: 'ETIMEDOUT', reason: 'ping-timeout', message: /\(attic\)/ },
  'send-timeout': { code: 'ETIMEDOUT', reason: 'send-timeout', message: /\(attic\)/ },
  'non-working-timeout': { code: 'ETIMEDOUT', reason: 'non-working-timeout', message: /\(attic\)/ },
}
const notLost: readonly LinkCloseReason[] = [
  'connection-closed',
  'all-unconfirmed-timeout',
  'locally-requested',
  'remotely-requested',
  'protocol-error',
  'server-id-mismatch',
  'terminated',
]

t.test('every reason is a loss with code and reason, or none', async t => {
  for (const [reason, error] of Object.entries(lost)) {
    t.match(linkError(tag, reason as LinkCloseReason, undefined, undefined), error, reason)
  }
  for (const reason of notLost) t.equal(linkError(tag, reason, undefined, undefined), undefined, reason)
})

t.test('the error of the stream is told as it is, unless the connection was over', async t => {
  const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  t.equal(linkError(tag, 'io-error', cause, undefined), cause)
  t.equal(linkError(tag, 'connection-closed', cause, undefined), undefined)
})

t.test('a violation of the protocol is EPROTO with the tag, told of the link that it came on', async t => {
  const cause = new ProtocolError('a wrong checksum')
  const error = linkError(tag, 'protocol-error', cause, undefined)
  t.match(error, { code: 'EPROTO', reason: 'protocol-error', message: 'a wrong checksum (attic)', cause })
  t.match(linkError(tag, 'protocol-error', undefined, 'a second Goodbye'), { message: 'a second Goodbye (attic)' })
})

t.test('a link whose other end closes it without a word', async t => {
  const { client, accepted } = await connected(t)
  await working(client)
  const pair = corePair()
  await Promise.all([accepted.server?.addLink(pair.server), client.addLink(pair.client, { tag: 'attic' })])
  await working(client, 2) // and at rest: nothing is written that would fail
  const told = once(client, 'linkerror')
  const closed = once(client, 'linkclose')
  pair.server.destroy()
  const [error, lostTag] = await told
  t.match(error, { code: 'ECONNRESET', reason: 'link-closed' })
  t.equal(String(lostTag), 'attic')
  t.equal((await closed)[1], 'io-error')
})

t.test('a link that falls silent', async t => {
  const { client, accepted } = await connected(t)
  await working(client)
  const pair = corePair()
  const [link] = await Promise.all([client.addLink(pair.client), accepted.server?.addLink(pair.server)])
  await working(client, 2)
  const told = once(client, 'linkerror')
  pair.client.cork() // nothing goes out any more
  link.config = { pingTimeout: 50, ping: { mode: 'periodic', interval: 20 } }
  t.match((await told)[0], { code: 'ETIMEDOUT', reason: 'ping-timeout' })
  t.equal(client.destroyed, false)
})

const violations: readonly [string, LinkMessage, 'link' | 'connection'][] = [
  ['an ack of what was never sent', { type: MessageType.Ack, sequence: 5 }, 'link'],
  ['more taken than was sent', { type: MessageType.Consumed, sequence: 0, bytes: 5 }, 'connection'],
]
for (const [what, message, scope] of violations) {
  t.test(`${what} ends the ${scope}: EPROTO with the tag`, async t => {
    const { server } = await listening(t)
    const pair = corePair()
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const told = once(server, 'linkerror')
    server.addLink(pair.server, { tag: 'cellar' })
    const channel = await handshakeOver(pair.client)
    const [socket] = await accepted
    const failed = scope === 'connection' ? once(socket, 'error') : undefined
    channel.send(message)
    channel.flush()
    t.match((await told)[0], { code: 'EPROTO', reason: 'protocol-error', message: /\(cellar\)$/ })
    if (failed) t.match((await failed)[0], { code: 'EPROTO', reason: 'protocol-error', message: /\(cellar\)/ })
    else t.equal(socket.destroyed, false)
    socket.on('error', () => {})
    pair.client.destroy()
  })
}

t.test('bytes that make no sense are a violation also on a link that is about to leave', async t => {
  const cause = new ProtocolError('a packet is damaged')
  t.match(linkError(tag, 'locally-requested', cause, undefined), { code: 'EPROTO', reason: 'protocol-error', cause })
})
