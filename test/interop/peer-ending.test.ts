// How a connection with the reference ends: one direction at a time, for lack of a reader, or by force.

import t, { type Test } from 'tap'
import { type Bonded, bonded, forEachPairing } from './bonded.ts'
import { digestOf } from './pattern.ts'
import { receive, receiveAll, send } from './traffic.ts'

const LENGTH = 3_000_001

forEachPairing(t, 'ends its direction and still receives', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  const received = bond.peer.receiveAll()
  await send(bond.socket, LENGTH, 1)
  bond.socket.end()
  t.same(await received, digestOf(LENGTH, 1), 'everything arrives, then the end')
  const answer = receive(bond.socket, LENGTH)
  await bond.peer.send(LENGTH, 2)
  t.same(await answer, digestOf(LENGTH, 2))
  t.notOk(bond.socket.readableEnded)
  await bond.peer.call('send-finish')
  t.same(await receiveAll(bond.socket), digestOf(0, 1))
  await closesNormally(t, bond)
})

forEachPairing(t, "sees the peer's end and still sends", async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  const received = receiveAll(bond.socket)
  await bond.peer.send(LENGTH, 1)
  await bond.peer.call('send-finish')
  t.same(await received, digestOf(LENGTH, 1), 'everything arrives, then the end')
  const answer = bond.peer.receiveAll()
  await send(bond.socket, LENGTH, 2)
  bond.socket.end()
  t.same(await answer, digestOf(LENGTH, 2))
  await closesNormally(t, bond)
})

forEachPairing(t, 'delivers what was written right before the end', async (t, pairing) => {
  const bond = await bonded(t, pairing)
  const received = bond.peer.receiveAll()
  bond.socket.end('a few last words')
  t.equal((await received).received, 16)
  await bond.finish()
})

forEachPairing(t, "fails to write with EPIPE when the peer's reader goes away", async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  const received = bond.peer.receive(1_000)
  send(bond.socket, 100_000_000, 1).catch(() => {})
  t.same(await received, digestOf(1_000, 1))
  await bond.peer.call('recv-drop')
  t.match(await bond.closed, { code: 'EPIPE', reason: 'closed-by-peer' })
})

forEachPairing(t, "fails to write with EPIPE when the peer's reader wants no more", async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  const received = bond.peer.receive(1_000)
  send(bond.socket, 100_000_000, 1).catch(() => {})
  t.same(await received, digestOf(1_000, 1))
  await bond.peer.call('recv-close')
  t.match(await bond.closed, { code: 'EPIPE', reason: 'closed-by-peer' })
})

forEachPairing(t, "receives to the end although the peer's reader went away", async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  await bond.peer.call('recv-drop')
  const received = receiveAll(bond.socket)
  await bond.peer.send(LENGTH, 1)
  await bond.peer.call('send-finish')
  t.same(await received, digestOf(LENGTH, 1))
  bond.socket.end()
  await closesNormally(t, bond)
})

forEachPairing(t, "makes the peer's sender fail when it is destroyed", async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  const sending = bond.peer.send(200_000_000, 1)
  const failed = t.rejects(sending, { name: /^(Closed|Dropped)$/ })
  await receive(bond.socket, 100_000)
  bond.socket.destroy()
  await failed
  t.equal((await bond.peer.receiveAll()).received, 0, 'the peer sees a plain end')
  t.equal(await bond.closed, undefined)
  await bond.peer.call('send-finish')
  t.equal((await bond.peer.event('ended')).error, null)
})

forEachPairing(t, 'terminates the connection on both sides', async (t, pairing) => {
  const knowsTerminate = pairing.version !== '0.9.7'
  const bond = await bonded(t, { ...pairing, links: 2, peerConfig: knowsTerminate ? {} : { noLinkTimeout: 500 } })
  const receiving = bond.peer.receiveAll()
  const failed = t.rejects(receiving, { name: knowsTerminate ? 'TaskTerminated' : 'AllLinksFailed' })
  await send(bond.socket, 10_000, 1)
  bond.socket.terminate()
  t.equal(await bond.closed, undefined, 'only the other side takes it as an error')
  t.equal((await bond.peer.event('ended')).error, knowsTerminate ? 'Terminated' : 'NoLinksTimeout')
  await failed
})

forEachPairing(t, 'fails with ECONNRESET when the peer terminates the connection', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  if (pairing.version === '0.9.7') {
    await t.rejects(bond.peer.call('terminate'), { name: 'Unsupported' })
    return bond.finish()
  }
  await bond.peer.call('terminate')
  t.match(await bond.closed, { code: 'ECONNRESET', reason: 'terminated' })
  t.equal((await bond.peer.event('ended')).error, 'Terminated')
})

async function closesNormally(t: Test, bond: Bonded): Promise<void> {
  t.equal(await bond.closed, undefined, 'hawser closes without an error')
  t.equal((await bond.peer.event('ended')).error, null, 'the peer closes without an error')
}
