// What a peer must not send, and whether it costs the link or the connection (threat model, section 4).

import t from 'tap'
import type { EngineLink } from '../../lib/engine/engine-link.ts'
import { type LinkMessage, MessageType } from '../../lib/protocol/messages.ts'
import { dataMessage, SingleEngine } from '../simulation/single-engine.ts'

const RECV_BUFFER = 100_000

function engine(): { single: SingleEngine; link: EngineLink; other: EngineLink } {
  const single = new SingleEngine({ config: { recvBuffer: RECV_BUFFER } })
  return { single, link: single.addWorkingLink(), other: single.addWorkingLink() }
}

function endsConnection(title: string, messages: readonly LinkMessage[]): void {
  t.test(`${title} ends the connection`, async t => {
    const { single, link, other } = engine()
    for (const message of messages.slice(0, -1)) single.receive(link, message)
    t.equal(single.closure, undefined, 'all that came before is allowed')
    single.receive(link, messages.at(-1) as LinkMessage)
    t.equal(single.closure?.failure, 'protocol-error')
    for (const gone of [link, other]) t.match(single.linkClosure(gone), { reason: 'protocol-error', abrupt: true })
  })
}

function endsLink(title: string, messages: readonly LinkMessage[], prepare = (_single: SingleEngine): void => {}): void {
  t.test(`${title} ends the link, not the connection`, async t => {
    const { single, link, other } = engine()
    prepare(single)
    for (const message of messages.slice(0, -1)) single.receive(link, message)
    t.equal(single.linkClosure(link), undefined, 'all that came before is allowed')
    single.receive(link, messages.at(-1) as LinkMessage)
    t.match(single.linkClosure(link), { reason: 'protocol-error', abrupt: true })
    t.equal(single.linkClosure(other), undefined)
    t.equal(single.closure, undefined)
    single.receiveData(other, 0, 10)
    t.ok(single.acksOn(other).includes(0), 'the other link goes on')
  })
}

function isAllowed(title: string, messages: readonly LinkMessage[], prepare = (_single: SingleEngine): void => {}): void {
  t.test(`${title} is allowed`, async t => {
    const { single, link } = engine()
    prepare(single)
    for (const message of messages) single.receive(link, message)
    t.equal(single.linkClosure(link), undefined)
    t.equal(single.closure, undefined)
  })
}

const quarter = RECV_BUFFER / 4
const full = [0, 1, 2, 3].map(sequence => dataMessage(sequence, quarter))

endsConnection('data beyond the receive buffer', [...full, dataMessage(4, 1)])
endsConnection('data beyond the receive buffer behind a gap', [
  ...full.map(data => dataMessage(data.sequence + 1, quarter)),
  dataMessage(9, 1),
])
t.test('credit that was not given back yet is none: data beyond it ends the connection', async t => {
  const { single, link } = engine()
  const bytes = RECV_BUFFER / 20
  for (let sequence = 0; sequence < 20; sequence++) single.receiveData(link, sequence, bytes)
  single.do(connection => t.equal(connection.read()?.byteLength, bytes))
  t.equal(single.sentOn(undefined, MessageType.Consumed).length, 0, 'too little to be told')
  single.receiveData(link, 20, 1)
  t.equal(single.closure?.failure, 'protocol-error')
})

endsConnection('a payload above half of the receive buffer', [
  dataMessage(0, RECV_BUFFER / 2 - 1),
  dataMessage(1, RECV_BUFFER / 2),
])
endsConnection('Consumed above what was sent', [{ type: MessageType.Consumed, sequence: 0, bytes: 1 }])
endsConnection('data behind SendFinish', [{ type: MessageType.SendFinish, sequence: 0 }, dataMessage(1, 10)])
endsConnection('data behind SendFinish that comes before it', [dataMessage(5, 10), { type: MessageType.SendFinish, sequence: 3 }])
endsConnection('a second SendFinish', [
  { type: MessageType.SendFinish, sequence: 0 },
  { type: MessageType.SendFinish, sequence: 1 },
])
endsConnection('a copy of another length', [dataMessage(3, 10), dataMessage(3, 11)])
endsConnection('a copy of another type', [dataMessage(3, 10), { type: MessageType.SendFinish, sequence: 3 }])
endsConnection(
  'a stream of numbers far ahead',
  Array.from({ length: 1_001 }, (_, index) => dataMessage(1_000_000 + index, 10)),
)

endsLink('a second Goodbye', [{ type: MessageType.Goodbye }, { type: MessageType.Goodbye }], single =>
  // Otherwise the link would be closed by the first one already.
  single.engine.setWritable(single.engine.links[0] as EngineLink, false, single.nowMs),
)
endsLink('data behind Goodbye', [{ type: MessageType.Goodbye }, dataMessage(0, 10)], single =>
  single.engine.setWritable(single.engine.links[0] as EngineLink, false, single.nowMs),
)
endsLink('an ack of a message that was never sent', [{ type: MessageType.Ack, sequence: 0 }])
endsLink('an ack of a message that was never sent, far away', [{ type: MessageType.Ack, sequence: 2 ** 31 - 1 }])
endsLink(
  'an ack ahead of that of an older message',
  [
    { type: MessageType.Ack, sequence: 0 },
    { type: MessageType.Ack, sequence: 2 },
  ],
  single => {
    single.engine.setBlocked(single.engine.links[1] as EngineLink, true, single.nowMs)
    for (let count = 0; count < 4; count++) single.write(100)
  },
)

const publicKey = new Uint8Array(32)
const serverId = new Uint8Array(16).fill(1)
const hello = { extensions: 0, publicKey, serverId, userData: new Uint8Array(0), recvBuffer: 1_000 }
endsLink('Welcome after the handshake', [{ type: MessageType.Welcome, ...hello }])
endsLink('Connect after the handshake', [
  { type: MessageType.Connect, ...hello, encryptedConnectionId: new Uint8Array(16), existing: true },
])
endsLink('Accepted after the handshake', [{ type: MessageType.Accepted }])
endsLink('Refused after the handshake', [{ type: MessageType.Refused, reason: 1 }])

isAllowed('a full receive buffer', full)
isAllowed('Consumed of 0 bytes', [{ type: MessageType.Consumed, sequence: 0, bytes: 0 }])
isAllowed('Consumed of what was sent', [{ type: MessageType.Consumed, sequence: 0, bytes: 100 }], single => single.write(100))
isAllowed(
  'a copy of Consumed, which counts once,',
  [
    { type: MessageType.Consumed, sequence: 0, bytes: 100 },
    { type: MessageType.Consumed, sequence: 0, bytes: 100 },
  ],
  single => single.write(100),
)
isAllowed('a copy of SendFinish', [
  { type: MessageType.SendFinish, sequence: 0 },
  { type: MessageType.SendFinish, sequence: 0 },
])
isAllowed('Consumed and the endings behind SendFinish', [
  { type: MessageType.SendFinish, sequence: 0 },
  { type: MessageType.Consumed, sequence: 1, bytes: 0 },
  { type: MessageType.ReceiveClose, sequence: 2 },
  { type: MessageType.ReceiveFinish, sequence: 3 },
])
isAllowed(
  'a number far ahead now and then',
  Array.from({ length: 1_000 }, (_, index) => dataMessage(1_000_000 + index, 10)),
)

t.test('a number far ahead is neither stored nor acknowledged', async t => {
  const { single, link } = engine()
  single.receiveData(link, 131_072, 10)
  t.same(single.acksOn(link), [])
  t.equal(single.engine.stats(single.nowMs).receivedUnconsumed, 0)
  single.receiveData(link, 131_071, 10)
  t.same(single.acksOn(link), [131_071])
})

t.test('empty data is acknowledged and never queued, however much of it comes', async t => {
  const { single, link } = engine()
  for (let sequence = 0; sequence < 100_000; sequence++) single.receiveData(link, sequence, 0)
  t.equal(single.acksOn(link).length, 100_000)
  t.equal(single.engine.stats(single.nowMs).receivedUnconsumedCount, 0)
  t.equal(single.readAll(), 0)
  single.receiveData(link, 100_000, 7)
  t.equal(single.readAll(), 7)
})

t.test('data after both directions ended in good order cannot come: the connection is closed', async t => {
  const { single, link } = engine()
  single.do((connection, nowMs) => connection.finish(nowMs))
  single.acknowledge(link)
  for (const gone of single.engine.links) single.acknowledge(gone)
  single.receive(link, { type: MessageType.SendFinish, sequence: 0 })
  single.readAll()
  t.match(single.closure, { failure: undefined })
  single.forget()
  single.receive(link, dataMessage(1, 10))
  t.same(single.events, [])
  t.same(single.sent, [])
})
