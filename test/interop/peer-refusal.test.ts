// Connections and links that the reference or hawser turns away.

import { once } from 'node:events'
import { type AddressInfo, createServer as createNetServer } from 'node:net'
import t, { type Test } from 'tap'
import { createServer, type Server } from '../../lib/index.ts'
import { bonded, closing, dialPeer, forEachPairing, startServer } from './bonded.ts'
import { Peer } from './peer.ts'
import { Relay } from './relay.ts'
import { stopAtEnd } from './stop-at-end.ts'

/** Why a peer, told by `command` to turn everybody away, does so. */
async function refusalBy(t: Test, version: string, command: string): Promise<Error | undefined> {
  const peer = new Peer(t, version)
  const port = await peer.listen()
  await peer.call(command)
  const socket = dialPeer([stopAtEnd(t, await Relay.start(port))])
  t.teardown(() => socket.destroy())
  return closing(socket)
}

forEachPairing(
  t,
  'fails with ECONNREFUSED when the peer refuses the connection',
  async (t, { version }) => {
    const error = await refusalBy(t, version, 'policy refuse')
    t.match(error, { code: 'ECONNREFUSED', reason: 'connection-refused' })
  },
  'client',
)

forEachPairing(
  t,
  'fails with ECONNREFUSED when the peer does not listen',
  async (t, { version }) => {
    const error = await refusalBy(t, version, 'stop-listening')
    t.match(error, { code: 'ECONNREFUSED', reason: 'not-listening' })
  },
  'client',
)

forEachPairing(
  t,
  'adds no link over which the peer is another server, and keeps the connection',
  async (t, { version }) => {
    const bond = await bonded(t, { version, role: 'client' })
    await bond.peer.call('new-server')
    const error = await bond.addLink().catch((error: unknown) => error)
    t.match(error, { reason: 'server-id-mismatch' })
    t.equal(bond.socket.links.length, 1)
    await bond.finish()
  },
  'client',
)

forEachPairing(
  t,
  'fails with ECONNRESET when the peer was restarted',
  async (t, { version }) => {
    const bond = await bonded(t, { version, role: 'client', links: 2, reconnectDelay: 100 })
    const restarted = new Peer(t, version)
    const port = await restarted.listen()
    for (const relay of bond.relays) relay.retarget(port)
    await bond.peer.kill()
    t.match(await bond.closed, { code: 'ECONNRESET', reason: 'server-id-mismatch' })
  },
  'client',
)

forEachPairing(
  t,
  'fails with ECONNRESET when the peer has given up the connection meanwhile',
  async (t, { version }) => {
    const peerConfig = { noLinkTimeout: 500 }
    const bond = await bonded(t, { version, role: 'client', links: 2, reconnectDelay: 100, peerConfig })
    for (const relay of bond.relays) relay.refuse()
    await bond.peer.event('ended')
    for (const relay of bond.relays) relay.mend()
    t.match(await bond.closed, { code: 'ECONNRESET', reason: 'aborted-by-server' })
  },
  'client',
)

forEachPairing(
  t,
  'refuses a connection that is one too many',
  async (t, { version }) => {
    const server = createServer({ limits: { maxConnections: 1 } })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closeAtEnd(t, server)
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const first = new Peer(t, version)
    await first.call(`connect ${address}`)
    const second = new Peer(t, version)
    await t.rejects(second.call(`connect ${address}`), { name: 'ConnectionRefused' })
    await first.call('working-links 1')
  },
  'server',
)

forEachPairing(
  t,
  'refuses the links that it does not authorize',
  async (t, { version }) => {
    const server = createServer({ authorize: ({ startsConnection }) => startsConnection })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closeAtEnd(t, server)
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const peer = new Peer(t, version)
    const { errors } = await peer.call(`connect ${address} ${address}`)
    t.match(errors, [{ error: 'LinkRefused' }])
    await peer.call('working-links 1')
    t.equal(server.connections[0]?.links.length, 1)
  },
  'server',
)

forEachPairing(
  t,
  'says that it does not listen once it is closed',
  async (t, { version }) => {
    const server = createServer()
    closeAtEnd(t, server)
    const links = createNetServer(stream => server.addLink(stream).catch(() => {}))
    links.listen(0, '127.0.0.1')
    await once(links, 'listening')
    t.teardown(() => links.close())
    const address = `127.0.0.1:${(links.address() as AddressInfo).port}`
    const first = new Peer(t, version)
    await first.call(`connect ${address}`)
    server.close()
    const second = new Peer(t, version)
    await t.rejects(second.call(`connect ${address}`), { name: 'NotListening' })
    await first.call(`add-link ${address}`)
    await first.call('working-links 2')
  },
  'server',
)

forEachPairing(
  t,
  'is taken for another server when it was restarted',
  async (t, { version }) => {
    const bond = await bonded(t, { version, role: 'server' })
    const restarted = await startServer(t)
    bond.relay(0).retarget(restarted.port)
    bond.relay(0).cut()
    await t.rejects(bond.dial(0), { name: 'ServerIdMismatch' })
    t.equal((await bond.peer.event('ended')).error, 'ServerIdMismatch')
  },
  'server',
)

forEachPairing(
  t,
  'refuses a link for a connection that it has given up',
  async (t, { version }) => {
    const bond = await bonded(t, { version, role: 'server', config: { noLinkTimeout: 500 } })
    bond.relay(0).cut()
    t.match(await bond.closed, { code: 'ETIMEDOUT', reason: 'no-links-timeout' })
    await t.rejects(bond.dial(0), { name: /^(ConnectionClosed|AbortedByServer)$/ })
    if (isNewest(version)) t.equal((await bond.peer.event('ended')).error, 'AbortedByServer')
  },
  'server',
)

/** Since 0.10 a client gives up a connection that its server does not know any more. */
function isNewest(version: string): boolean {
  return !version.startsWith('0.9.')
}

function closeAtEnd(t: Test, server: Server): void {
  t.teardown(() => {
    for (const socket of server.connections) socket.destroy()
    server.close()
  })
}
