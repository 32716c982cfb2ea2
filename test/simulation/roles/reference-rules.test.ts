// That the engine which plays the reference does as docs/protocol.md says of it, and sees what its peer must not do.

import t from 'tap'
import { resolveConfig } from '../../../lib/config.ts'
import type { EngineLink } from '../../../lib/engine/engine-link.ts'
import type { EngineEvent, Output } from '../../../lib/engine/events.ts'
import { type LinkMessage, MessageType } from '../../../lib/protocol/messages.ts'
import { dataMessage } from '../single-engine.ts'
import { ReferenceConnection } from './reference-connection.ts'
import { type ReferenceVersion, version010, version097 } from './reference-version.ts'

class Played {
  readonly engine: ReferenceConnection
  readonly events: EngineEvent[] = []
  sent: Output[] = []
  nowMs = 1_000

  constructor(version: ReferenceVersion) {
    this.engine = new ReferenceConnection(version, { config: resolveConfig({ recvBuffer: 100_000 }) }, this.nowMs)
  }

  addWorkingLink(): EngineLink {
    const config = resolveConfig().link
    const link = this.engine.addLink({ config, roundTripMs: 10, remoteRecvBuffer: 100_000 }, this.nowMs)
    this.advance(10)
    // Unlimited test data ends when the link takes no more.
    this.engine.setWritable(link, false, this.nowMs)
    this.engine.setWritable(link, true, this.nowMs)
    this.receive(link, { type: MessageType.Pong })
    this.sent = []
    return link
  }

  receive(link: EngineLink, message: LinkMessage): void {
    this.take()
    this.engine.receive(link, message, this.nowMs)
    this.take()
  }

  write(bytes: number): void {
    this.engine.write([new Uint8Array(bytes)], this.nowMs)
    this.take()
  }

  advance(durationMs: number): void {
    const endMs = this.nowMs + durationMs
    for (;;) {
      const deadlineMs = this.engine.nextDeadlineMs
      if (deadlineMs === undefined || deadlineMs > endMs) break
      this.nowMs = Math.max(this.nowMs, deadlineMs)
      this.engine.expire(this.nowMs)
      this.take()
    }
    this.nowMs = endMs
    this.take()
  }

  take(): void {
    for (let output = this.engine.takeOutput(this.nowMs); output; output = this.engine.takeOutput(this.nowMs))
      this.sent.push(output)
    for (let event = this.engine.takeEvent(); event; event = this.engine.takeEvent()) this.events.push(event)
  }

  typesOn(link: EngineLink): number[] {
    return this.sent.filter(output => output.link === link).map(({ message }) => message.type)
  }

  get failure(): string | undefined {
    const closed = this.events.find(event => event.kind === 'closed')
    return closed?.kind === 'closed' ? closed.failure : undefined
  }
}

const { Data, Ack, Consumed, SendFinish, ReceiveFinish, Ping, Pong, Terminate } = MessageType

for (const version of [version097, version010]) {
  const { name, flushDelayMs } = version
  t.test(`${name} holds its acks for ${flushDelayMs} ms, or until something else is sent`, async t => {
    const played = new Played(version)
    const link = played.addWorkingLink()
    played.receive(link, dataMessage(0, 10))
    played.advance(flushDelayMs - 1)
    t.same(played.typesOn(link), [])
    played.advance(1)
    t.same(played.typesOn(link), [Ack])
    played.receive(link, dataMessage(1, 10))
    played.receive(link, { type: Ping })
    t.same(played.typesOn(link), [Ack, Pong, Ack])
  })

  t.test(`${name} honours an ack only on the link that it used last for the message`, async t => {
    const played = new Played(version)
    const first = played.addWorkingLink()
    played.write(10)
    t.same(played.typesOn(first), [Data])
    const second = played.addWorkingLink()
    played.advance(1_600)
    t.equal(played.typesOn(second).filter(type => type === Data).length, 1, 'sent again when the ack is overdue')
    played.receive(first, { type: Ack, sequence: 0 })
    t.equal(played.engine.stats().unacked, 10)
    played.receive(second, { type: Ack, sequence: 0 })
    t.equal(played.engine.stats().unacked, 0)
  })

  t.test(`${name} reports what was read beyond a tenth of its buffer`, async t => {
    const played = new Played(version)
    const link = played.addWorkingLink()
    played.receive(link, dataMessage(0, 10_000))
    played.receive(link, dataMessage(1, 10_000))
    played.engine.read()
    played.take()
    t.same(played.typesOn(link), [], 'a tenth is not more than a tenth')
    played.engine.read()
    played.take()
    t.same(played.typesOn(link), [Consumed])
  })

  t.test(`${name} closes its links without a word as soon as it owes no data, acks or not`, async t => {
    const played = new Played(version)
    const link = played.addWorkingLink()
    played.engine.finish(played.nowMs)
    played.take()
    played.receive(link, { type: Ack, sequence: 0 })
    played.receive(link, { type: SendFinish, sequence: 0 })
    t.same(played.typesOn(link), [SendFinish])
    t.match(played.events.at(-1), { kind: 'closed', failure: undefined })
  })

  const faults: readonly (readonly [string, readonly LinkMessage[]])[] = [
    ['a payload above the limit', [dataMessage(0, 50_000)]],
    ['an empty payload', [dataMessage(0, 0)]],
    ['more than the receive buffer', [0, 1, 2].map(sequence => dataMessage(sequence, 40_000))],
    ['more consumed than was sent', [{ type: Consumed, sequence: 0, bytes: 1 }]],
    ['an ack that is not due', [{ type: Ack, sequence: 0 }]],
    ['a Pong that nobody asked for', [{ type: Pong }]],
    ['data behind the end', [{ type: SendFinish, sequence: 0 }, dataMessage(1, 10)]],
    ['a second end', [0, 1].map(sequence => ({ type: SendFinish, sequence }))],
    ['another message of the same number', [dataMessage(1, 10), { type: ReceiveFinish, sequence: 1 }]],
  ]
  for (const [title, messages] of faults) {
    t.test(`${name} ends the connection for ${title}`, async t => {
      const played = new Played(version)
      const link = played.addWorkingLink()
      for (const message of messages) played.receive(link, message)
      t.equal(played.failure, 'protocol-error')
    })
  }
}

t.test('only 0.10 takes a number 65,536 ahead for an error, and knows Terminate', async t => {
  for (const version of [version097, version010]) {
    const ahead = new Played(version)
    ahead.receive(ahead.addWorkingLink(), dataMessage(65_535, 10))
    t.equal(ahead.failure, undefined)
    ahead.receive(ahead.addWorkingLink(), dataMessage(65_536, 10))
    t.equal(ahead.failure, version === version010 ? 'protocol-error' : undefined)

    const ended = new Played(version)
    const [link, other] = [ended.addWorkingLink(), ended.addWorkingLink()]
    ended.receive(link, { type: Terminate })
    t.same(ended.typesOn(other), version === version010 ? [Terminate] : [])
    t.equal(ended.engine.links.includes(other), true)
    t.equal(ended.engine.links.includes(link), false, 'answered, or dropped')
  }
})
