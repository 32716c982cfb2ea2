// What a driver may still tell the engine when it no longer matters: nothing follows from it, and nothing breaks.

import t from 'tap'
import { resolveConfig } from '../../lib/config.ts'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

t.test('a link that is lost twice is lost once', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  for (const reason of ['io-error', 'protocol-error'] as const) {
    single.do((engine, nowMs) => engine.linkLost(link, reason, nowMs))
  }
  t.match(single.eventsOf('linkClosed'), [{ link, reason: 'io-error' }])
})

t.test('what arrives on a link that is gone is passed over', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.do((engine, nowMs) => engine.linkLost(link, 'io-error', nowMs))
  single.forget()
  single.receiveData(link, 0, 10)
  t.same(single.events, [])
  t.equal(single.readAll(), 0)
})

t.test('what is written after finish is passed over', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  single.write(10)
  single.do((engine, nowMs) => engine.finish(nowMs))
  single.forget()
  single.write(1_000)
  t.same(single.sequencesOn(link), [])
  t.equal(single.engine.queuedBytes, 0)
})

t.test('reading that is closed twice, or closed after it was given up, is told once', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  for (const input of ['closeRead', 'closeRead', 'dropRead', 'dropRead', 'closeRead'] as const) {
    single.do((engine, nowMs) => engine[input](nowMs))
  }
  t.equal(single.sentOn(link, MessageType.ReceiveClose).length, 1)
  t.equal(single.sentOn(link, MessageType.ReceiveFinish).length, 1)
})

t.test('a block that is said twice, by either side, is one change', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  for (const blocked of [true, true]) single.receive(link, { type: MessageType.SetBlock, blocked })
  t.equal(single.eventsOf('linkBlocked').length, 1)
  for (const blocked of [true, true]) single.do((engine, nowMs) => engine.setBlocked(link, blocked, nowMs))
  t.equal(single.eventsOf('linkBlocked').length, 2)
  t.equal(single.sentOn(link, MessageType.SetBlock).length, 1)
})

t.test('a connection that is over has no deadline, says nothing, and takes no link', async t => {
  const single = new SingleEngine()
  single.addWorkingLink()
  single.do((engine, nowMs) => engine.abort('all-links-failed', nowMs))
  t.match(single.closure, { failure: 'all-links-failed' })
  single.forget()
  t.equal(single.engine.nextDeadlineMs, undefined)
  single.do((engine, nowMs) => engine.expire(nowMs + 1_000_000))
  single.do((engine, nowMs) => engine.abort('terminated', nowMs))
  single.do((engine, nowMs) => engine.terminate(nowMs))
  t.same(single.events, [])
  t.same(single.sent, [])
  const { link: config } = resolveConfig()
  const late = { config, roundTripMs: 10, remoteRecvBuffer: 1_000 }
  t.throws(() => single.engine.addLink(late, single.nowMs), { message: /link added to a closed connection/ })
})
