// Small buffers and large messages: the limits of flow control, as the reference has them.

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { type Bonded, bonded, forEachPairing } from './bonded.ts'
import { digestOf } from './pattern.ts'
import { receive, send } from './traffic.ts'

const SMALL_BUFFER = 65_536
const LENGTH = 6_000_001

/** The reference takes a message for consumed once it is in its queue, and tests links with as much data as they take. */
const STRICT = { recvQueue: 1, testDataLimit: 8_192 }

forEachPairing(t, 'transfers both ways with receive buffers of 64 KiB', async (t, pairing) => {
  const buffers = { recvBuffer: SMALL_BUFFER }
  const bond = await bonded(t, { ...pairing, links: 2, config: buffers, peerConfig: buffers })
  const received = [bond.peer.receive(LENGTH), receive(bond.socket, LENGTH)]
  await Promise.all([send(bond.socket, LENGTH, 1), bond.peer.send(LENGTH, 2)])
  t.same(await Promise.all(received), [digestOf(LENGTH, 1), digestOf(LENGTH, 2)])
  await bond.finish()
})

forEachPairing(t, 'transfers both ways with send and receive buffers of 64 KiB', async (t, pairing) => {
  const buffers = { recvBuffer: SMALL_BUFFER, sendBuffer: SMALL_BUFFER }
  const bond = await bonded(t, { ...pairing, links: 2, config: buffers, peerConfig: buffers })
  const received = [bond.peer.receive(LENGTH), receive(bond.socket, LENGTH)]
  await Promise.all([send(bond.socket, LENGTH, 1), bond.peer.send(LENGTH, 2)])
  t.same(await Promise.all(received), [digestOf(LENGTH, 1), digestOf(LENGTH, 2)])
  await bond.finish()
})

forEachPairing(t, 'takes messages of half the receive buffer', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2, config: { recvBuffer: SMALL_BUFFER } })
  const { maxSize } = await bond.peer.call('max-size')
  t.equal(maxSize, SMALL_BUFFER / 2 - 1)
  const received = receive(bond.socket, LENGTH)
  await bond.peer.send(LENGTH, 1, Number(maxSize))
  t.same(await received, digestOf(LENGTH, 1))
  await bond.finish()
})

forEachPairing(t, "sends messages of at most half the peer's receive buffer", async (t, pairing) => {
  const config = { chunkSize: 1_048_576 }
  const bond = await bonded(t, { ...pairing, links: 2, config, peerConfig: { recvBuffer: SMALL_BUFFER } })
  const received = bond.peer.receive(LENGTH)
  await send(bond.socket, LENGTH, 1)
  t.same(await received, digestOf(LENGTH, 1))
  await bond.finish()
})

forEachPairing(t, 'takes the largest messages that the frames allow', async (t, pairing) => {
  const length = 40_000_000
  const bond = await bonded(t, { ...pairing, links: 2, config: { recvBuffer: 16_777_216 } })
  const { maxSize } = await bond.peer.call('max-size')
  t.equal(maxSize, 8_388_607)
  const received = receive(bond.socket, length)
  await bond.peer.send(length, 1, Number(maxSize))
  t.same(await received, digestOf(length, 1))
  await bond.finish()
})

forEachPairing(t, 'sends no more than a peer takes that does not read, and goes on when it reads', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2, peerConfig: { ...STRICT, recvBuffer: SMALL_BUFFER } })
  const before = carriedBy(bond)
  const sending = send(bond.socket, LENGTH, 1)
  await bond.peer.receive(1_000_000)
  const carried = (await settled(() => carriedBy(bond))) - before
  t.ok(carried < 2_000_000, `what was read, what the buffer holds, and some overhead: ${carried} bytes`)
  t.ok(bond.socket.writableNeedDrain, 'the writer was told to wait')
  await bond.peer.receive(LENGTH - 1_000_000)
  await sending
  await bond.finish()
})

forEachPairing(
  t,
  'lets the peer send no more than fits when nobody reads, and goes on when somebody does',
  async (t, pairing) => {
    const bond = await bonded(t, { ...pairing, links: 2, config: { recvBuffer: SMALL_BUFFER }, peerConfig: STRICT })
    const before = carriedBy(bond)
    const sending = bond.peer.send(LENGTH, 1)
    const carried = (await settled(() => carriedBy(bond))) - before
    t.ok(carried < 200_000, `what the buffers hold, and some overhead: ${carried} bytes`)
    t.same(await receive(bond.socket, LENGTH), digestOf(LENGTH, 1))
    await sending
    await bond.finish()
  },
)

/** Waits until a number has not changed for a while. */
async function settled(read: () => number): Promise<number> {
  let last = -1
  while (last !== read()) {
    last = read()
    await sleep(200)
  }
  return last
}

function carriedBy(bond: Bonded): number {
  return bond.relays.reduce((total, relay) => total + relay.bytes, 0)
}
