// Data both ways between hawser and the reference.

import t from 'tap'
import { bonded, forEachPairing } from './bonded.ts'
import { digestOf } from './pattern.ts'
import { receive, send } from './traffic.ts'

const LENGTH = 12_000_003

for (const links of [1, 2, 3, 4]) {
  forEachPairing(t, `transfers both ways at once over ${links} links`, async (t, pairing) => {
    const bond = await bonded(t, { ...pairing, links })
    const received = [bond.peer.receive(LENGTH), receive(bond.socket, LENGTH)]
    await Promise.all([send(bond.socket, LENGTH, 1), bond.peer.send(LENGTH, 2)])
    t.same(await Promise.all(received), [digestOf(LENGTH, 1), digestOf(LENGTH, 2)])
    for (const [index, relay] of bond.relays.entries()) {
      t.ok(relay.bytes > LENGTH / 100, `link ${index} carried its part: ${relay.bytes} bytes`)
    }
    await bond.finish()
  })
}

forEachPairing(t, 'takes more messages of one byte than there are usable sequence numbers', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  const received = receive(bond.socket, 150_000)
  await bond.peer.send(150_000, 3, 1)
  t.same(await received, digestOf(150_000, 3))
  await bond.finish()
})

forEachPairing(t, 'sends more chunks of one byte than there are usable sequence numbers', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2, config: { chunkSize: 1 } })
  const received = bond.peer.receive(150_000)
  await send(bond.socket, 150_000, 4)
  t.same(await received, digestOf(150_000, 4))
  await bond.finish()
})

forEachPairing(t, 'answers a request with an answer of many sizes', async (t, pairing) => {
  const bond = await bonded(t, { ...pairing, links: 2 })
  const echoed = bond.peer.call('echo')
  let total = 0
  for (let bytes = 1; bytes <= 1_000_000; bytes = bytes * 3 + 1) {
    const answer = receive(bond.socket, bytes)
    await send(bond.socket, bytes, bytes)
    t.same(await answer, digestOf(bytes, bytes), `${bytes} bytes come back`)
    total += bytes
  }
  bond.socket.end()
  t.equal((await echoed).echoed, total)
  bond.socket.resume()
  t.equal(await bond.closed, undefined)
})
