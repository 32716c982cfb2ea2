// The peers against each other: that what the other tests stand on works without hawser.

import t from 'tap'
import { digestOf } from './pattern.ts'
import { Peer } from './peer.ts'
import { peerVersions } from './programs.ts'
import { Relay } from './relay.ts'
import { stopAtEnd } from './stop-at-end.ts'

const LENGTH = 4_000_003

for (const version of peerVersions) {
  t.test(`${version}: peers transfer both ways over two links, of which one is reset in the middle`, async t => {
    const server = new Peer(t, version)
    const client = new Peer(t, version)
    const port = await server.listen()
    const relays = [stopAtEnd(t, await Relay.start(port)), stopAtEnd(t, await Relay.start(port))] as const
    relays[0].after(500_000, () => relays[0].cut())
    await client.call(`connect ${relays[0].address} ${relays[1].address}`)
    await server.event('connection')
    const received = [server.receiveAll(), client.receiveAll()]
    await Promise.all([client.send(LENGTH, 1), server.send(LENGTH, 2)])
    await Promise.all([client.call('send-finish'), server.call('send-finish')])
    t.same(await Promise.all(received), [digestOf(LENGTH, 1), digestOf(LENGTH, 2)])
    t.equal((await client.event('ended')).error, null)
    t.equal((await server.event('ended')).error, null)
    t.ok(relays[0].bytes > 0 && relays[1].bytes > 0, 'both links carried something')
  })

  t.test(`${version}: a peer refuses a connection, and one that does not listen says so`, async t => {
    const server = new Peer(t, version)
    const client = new Peer(t, version)
    const port = await server.listen()
    await server.call('policy refuse')
    await t.rejects(client.call(`connect 127.0.0.1:${port}`), { name: 'ConnectionRefused' })
    await server.call('stop-listening')
    await t.rejects(client.call(`connect 127.0.0.1:${port}`), { name: 'NotListening' })
    await t.rejects(client.call('links'), { name: 'NoConnection' })
  })

  t.test(`${version}: a peer's messages have the size asked for, up to half of the receive buffer`, async t => {
    const server = new Peer(t, version)
    const client = new Peer(t, version)
    await server.configure({ recvBuffer: 65_536 })
    const port = await server.listen()
    await client.call(`connect 127.0.0.1:${port}`)
    await server.event('connection')
    const { maxSize } = await client.call('max-size')
    t.equal(maxSize, 32_767)
    await t.rejects(client.send(40_000, 1, 32_768), { name: 'DataTooBig' })
    const received = server.receive(1_000_000)
    await client.send(1_000_000, 1, 32_767)
    t.same(await received, digestOf(1_000_000, 1))
  })
}
