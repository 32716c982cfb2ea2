// Schedules and roles of hawser against the reference, which knows of them only what SetBlock tells it.

import t from 'tap'
import type { ScheduleName } from '../../lib/index.ts'
import { type Bonded, bonded, forEachPairing } from './bonded.ts'
import { digestOf } from './pattern.ts'
import { receive, send } from './traffic.ts'
import { until } from './until.ts'

const LENGTH = 6_000_001
/**
 * A link that shares in the data carries a third of it or more. One that stands by carries pings, acks, tests, and on a busy
 * machine a message of 64 KiB or two, when the link in use is in doubt because the peer was not let run for some 100 ms.
 */
const DATA_BYTES = LENGTH / 30

/** Sends both ways, one after the other, checks what arrives, and returns what each relay carried. */
async function exchange(t: Parameters<typeof bonded>[0], bond: Bonded): Promise<number[]> {
  const before = bond.relays.map(relay => relay.bytes)
  const fromPeer = receive(bond.socket, LENGTH)
  await bond.peer.send(LENGTH, 2)
  t.same(await fromPeer, digestOf(LENGTH, 2), 'what the peer sent arrives')
  const toPeer = bond.peer.receive(LENGTH)
  await send(bond.socket, LENGTH, 1)
  t.same(await toPeer, digestOf(LENGTH, 1), 'what hawser sent arrives')
  return bond.relays.map((relay, index) => relay.bytes - (before[index] as number))
}

/** The link that the peer must not use. */
async function standbyOf(bond: Bonded): Promise<number> {
  const standby = () => bond.relays.findIndex((_, index) => bond.link(index).standby)
  await until(() => standby() >= 0, 'a link stands by')
  const index = standby()
  const peerIndex = await bond.peerLinkIndex(index)
  await until(async () => (await bond.peer.links())[peerIndex]?.remotelyBlocked === true, 'the peer knows')
  return index
}

for (const schedule of ['interactive', 'redundant', 'aggregate'] as const satisfies readonly ScheduleName[]) {
  forEachPairing(t, `${schedule}: the same bytes arrive both ways, with a link reset in the middle`, async (t, pairing) => {
    const bond = await bonded(t, { ...pairing, links: 3, schedule })
    bond.relay(0).after(1_000_000, () => bond.relay(0).cut())
    await exchange(t, bond)
    await bond.finish()
  })
}

forEachPairing(
  t,
  'handover: one link carries the data of both sides, and another when it is reset or stalls',
  async (t, pairing) => {
    const bond = await bonded(t, { ...pairing, links: 3, schedule: 'handover' })
    await standbyOf(bond)
    const carried = await exchange(t, bond)
    t.ok(carried.filter(bytes => bytes > DATA_BYTES).length <= 2, `${carried} bytes: no more than two in turn`)
    const active = () => bond.relays.findIndex((relay, index) => !gone.has(relay) && !bond.link(index).standby)
    const gone = new Set<unknown>()
    for (const fail of ['cut', 'stall'] as const) {
      const relay = bond.relay(active())
      gone.add(relay)
      const fromPeer = receive(bond.socket, LENGTH)
      const sent = bond.peer.send(LENGTH, 3)
      relay[fail]()
      await sent
      t.same(await fromPeer, digestOf(LENGTH, 3), `after ${fail}`)
    }
  },
)

forEachPairing(t, 'a backup carries nothing until the primary is lost', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  bond.link(1).role = 'backup'
  t.equal(await standbyOf(bond), 1)
  const [primary, backup] = await exchange(t, bond)
  t.ok(Number(primary) > 2 * LENGTH)
  t.ok(Number(backup) < DATA_BYTES, `${backup} bytes on the backup`)
  bond.relay(0).cut()
  t.ok(Number((await exchange(t, bond))[1]) > 2 * LENGTH)
  await bond.finish()
})

forEachPairing(t, 'a link with a spent budget carries no data of either side', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  bond.link(0).byteBudget = 0
  t.equal(await standbyOf(bond), 0)
  t.ok(Number((await exchange(t, bond))[0]) < DATA_BYTES)
  bond.link(0).byteBudget = null
  bond.link(1).role = 'never'
  t.equal(await standbyOf(bond), 1)
  t.ok(Number((await exchange(t, bond))[0]) > 2 * LENGTH)
  await bond.finish()
})
