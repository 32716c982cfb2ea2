// Links to the reference that fail while data flows: nothing may be lost, and nothing twice.

import t from 'tap'
import { bonded, forEachPairing } from './bonded.ts'
import { digestOf } from './pattern.ts'
import { receive, send } from './traffic.ts'
import { until } from './until.ts'

const LENGTH = 16_000_003

forEachPairing(t, 'loses nothing when three of four links are reset or stall in the middle', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 4 })
  const [first, second, third] = [bond.relay(0), bond.relay(1), bond.relay(2)]
  const received = [bond.peer.receive(LENGTH), receive(bond.socket, LENGTH)]
  first.after(1_000_000, () => first.cut())
  second.after(2_000_000, () => second.stall())
  third.after(3_000_000, () => third.cut())
  await Promise.all([send(bond.socket, LENGTH, 1), bond.peer.send(LENGTH, 2)])
  t.same(await Promise.all(received), [digestOf(LENGTH, 1), digestOf(LENGTH, 2)])
  t.ok(first.bytes >= 1_000_000 && second.bytes >= 2_000_000 && third.bytes >= 3_000_000, 'all three failed')
  await until(() => bond.link(3).working, 'the last link works')
})

forEachPairing(t, 'loses nothing when a link that it sends over is reset and comes back', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2, reconnectDelay: 100 })
  const relay = bond.relay(0)
  // Until the first reset, so that it is the first link that it sends over.
  const other = bond.link(1)
  other.block()
  let resets = 0
  const cut = (): void => {
    resets++
    relay.cut()
    other.unblock()
    if (pairing.role === 'server') bond.dial(0).catch(() => {})
    if (resets < 3) relay.after(1_000_000, cut)
  }
  relay.after(1_000_000, cut)
  const received = bond.peer.receive(2 * LENGTH)
  await send(bond.socket, 2 * LENGTH, 1)
  t.same(await received, digestOf(2 * LENGTH, 1))
  t.ok(resets > 0, `reset ${resets} times`)
  await bond.workingLinks(2)
  await bond.finish()
})

forEachPairing(t, 'loses nothing when a link that it receives over stalls and recovers', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  const relay = bond.relay(0)
  const link = bond.link(0)
  relay.after(1_000_000, () => relay.stall())
  const received = receive(bond.socket, 2 * LENGTH)
  await bond.peer.send(2 * LENGTH, 1)
  t.same(await received, digestOf(2 * LENGTH, 1))
  relay.mend()
  await until(() => link.working, 'the link works again')
  await bond.finish()
})

forEachPairing(t, 'goes on where it was when all links were lost for a while', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2, reconnectDelay: 100 })
  const received = [bond.peer.receive(LENGTH), receive(bond.socket, LENGTH)]
  let lost = false
  bond.relay(0).after(3_000_000, () => {
    lost = true
    for (const relay of bond.relays) relay.refuse()
  })
  const sent = [send(bond.socket, LENGTH, 1), bond.peer.send(LENGTH, 2)]
  await until(() => lost && bond.socket.links.length === 0, 'all links are lost')
  for (const relay of bond.relays) relay.mend()
  if (pairing.role === 'server') {
    await bond.dial(0)
    await bond.dial(1)
  }
  await Promise.all(sent)
  t.same(await Promise.all(received), [digestOf(LENGTH, 1), digestOf(LENGTH, 2)])
  await bond.finish()
})
