// Links of a connection with the reference that are blocked, taken away or added.

import { once } from 'node:events'
import t, { type Test } from 'tap'
import { type Bonded, bonded, forEachPairing } from './bonded.ts'
import { digestOf } from './pattern.ts'
import { receive, send } from './traffic.ts'
import { until } from './until.ts'

const LENGTH = 6_000_001
/** More goes over a link that carries data; less over one that carries pings, acks and its share of a test at most. */
const DATA_BYTES = 60_000
/** Whether a link is used, and how much, is up to the schedulers of both sides; so often none of them leaves one out. */
const EXCHANGES = 5

/** Sends both ways and checks what arrives; `meanwhile` runs once data flows. Returns how much each relay carried. */
async function exchange(t: Test, bond: Bonded, meanwhile?: () => Promise<void>): Promise<number[]> {
  const bytesBefore = bond.relays.map(relay => relay.bytes)
  const received = [bond.peer.receive(LENGTH), receive(bond.socket, LENGTH)]
  const readBefore = bond.socket.bytesRead
  const sent = [send(bond.socket, LENGTH, 1), bond.peer.send(LENGTH, 2)]
  await until(() => bond.socket.bytesRead > readBefore, 'data flows')
  await meanwhile?.()
  await Promise.all(sent)
  t.same(await Promise.all(received), [digestOf(LENGTH, 1), digestOf(LENGTH, 2)], 'the same bytes arrive')
  return bond.relays.map((relay, index) => relay.bytes - (bytesBefore[index] ?? 0))
}

/** Exchanges until all those links have carried data. */
async function usesLinks(t: Test, bond: Bonded, links: readonly number[]): Promise<void> {
  const carried = links.map(() => 0)
  for (let count = 0; count < EXCHANGES && carried.some(bytes => bytes < DATA_BYTES); count++) {
    const bytes = await exchange(t, bond)
    for (const link of links) carried[link] = (carried[link] ?? 0) + (bytes[link] ?? 0)
  }
  t.notOk(
    carried.some(bytes => bytes < DATA_BYTES),
    `every link carries data: ${carried} bytes`,
  )
}

forEachPairing(t, 'sends and receives no data over a link that it blocks, until it unblocks it', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  const link = bond.link(0)
  const index = await bond.peerLinkIndex(0)
  link.block()
  t.equal(link.blocked, true)
  await until(async () => (await bond.peer.links())[index]?.remotelyBlocked === true, 'the peer knows')
  const blocked = await exchange(t, bond)
  t.ok(Number(blocked[0]) < DATA_BYTES, `a blocked link carries no data: ${blocked[0]} bytes`)
  link.unblock()
  await until(async () => (await bond.peer.links())[index]?.remotelyBlocked === false, 'the peer knows')
  await usesLinks(t, bond, [0, 1])
  await bond.finish()
})

forEachPairing(t, 'sends and receives no data over a link that the peer blocks, until it unblocks it', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  const link = bond.link(0)
  const index = await bond.peerLinkIndex(0)
  // 0.12 tells it with the next message that it sends over the link.
  await bond.peer.call(`block ${index}`)
  await exchange(t, bond)
  await until(() => link.remotelyBlocked, 'hawser knows')
  t.equal(link.blocked, false)
  const blocked = await exchange(t, bond)
  t.ok(Number(blocked[0]) < DATA_BYTES, `a blocked link carries no data: ${blocked[0]} bytes`)
  await bond.peer.call(`unblock ${index}`)
  await exchange(t, bond)
  await until(() => !link.remotelyBlocked, 'hawser knows')
  await usesLinks(t, bond, [0, 1])
  await bond.finish()
})

forEachPairing(t, 'waits while the only link is blocked, and goes on when it no longer is', async (t, pairing) => {
  const bond = await bonded(t, pairing)
  bond.link(0).block()
  await until(async () => (await bond.peer.links())[0]?.remotelyBlocked === true, 'the peer knows')
  const received = bond.peer.receive(LENGTH)
  const sent = send(bond.socket, LENGTH, 1)
  t.equal(await Promise.race([received, bond.peer.call('links').then(() => 'nothing')]), 'nothing')
  bond.link(0).unblock()
  t.same(await received, digestOf(LENGTH, 1))
  await sent
  await bond.finish()
})

forEachPairing(t, 'removes a link gracefully in the middle of a transfer', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  const link = bond.link(0)
  await exchange(t, bond, () => link.disconnect())
  t.equal((await bond.peer.event('link-closed')).reason, 'RemotelyRequested')
  t.equal(bond.socket.links.length, 1)
  t.not(link.disconnectReason, null)
  const carried = await exchange(t, bond)
  t.equal(carried[0], 0, 'the link is gone')
  await bond.finish()
})

forEachPairing(t, 'lets the peer remove a link gracefully in the middle of a transfer', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  const index = await bond.peerLinkIndex(0)
  const link = bond.link(0)
  const gone = once(bond.socket, 'linkclose')
  await exchange(t, bond, async () => {
    await bond.peer.call(`disconnect ${index}`)
  })
  t.equal((await bond.peer.event('link-closed')).reason, 'LocallyRequested')
  t.equal((await gone)[0], link)
  t.equal(bond.socket.links.length, 1)
  const carried = await exchange(t, bond)
  t.equal(carried[0], 0, 'the link is gone')
  await bond.finish()
})

forEachPairing(t, 'uses links that are added in the middle of a transfer', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 1 })
  await exchange(t, bond, async () => {
    await bond.addLink()
    await bond.addLink()
  })
  await bond.workingLinks(3)
  await usesLinks(t, bond, [0, 1, 2])
  await bond.finish()
})

forEachPairing(t, 'replaces its links one by one until none of the first is left', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  await exchange(t, bond, async () => {
    await bond.addLink()
    await bond.link(0).disconnect()
    await bond.addLink()
    await bond.peer.call(`disconnect ${await bond.peerLinkIndex(1)}`)
  })
  await bond.workingLinks(2)
  const carried = await exchange(t, bond)
  t.same(carried.slice(0, 2), [0, 0])
  await bond.finish()
})
