// A connection between hawser and a peer of the reference, either way round, each of its links through a relay of its own.

import { once } from 'node:events'
import { connect as netConnect } from 'node:net'
import type { Test } from 'tap'
import { type ConfigInput, connect, createServer, type Link, type Schedule, type Server, type Socket } from '../../lib/index.ts'
import { tcpConnector } from '../../lib/tcp.ts'
import { Peer } from './peer.ts'
import { peerVersions } from './programs.ts'
import { Relay } from './relay.ts'
import { stopAtEnd } from './stop-at-end.ts'
import { until } from './until.ts'

/** What hawser is; the peer is the other. */
export type Role = 'client' | 'server'

export interface Pairing {
  readonly version: string
  readonly role: Role
}

/** Every version of the reference, in both roles. */
export const pairings: readonly Pairing[] = peerVersions.flatMap(version => [
  { version, role: 'client' } as const,
  { version, role: 'server' } as const,
])

const TEST_TIMEOUT_MS = 60_000

/** The same test for every pairing, or for those with hawser in one role. */
export function forEachPairing(t: Test, title: string, body: (t: Test, pairing: Pairing) => Promise<void>, only?: Role): void {
  t.setTimeout(pairings.length * TEST_TIMEOUT_MS)
  for (const pairing of pairings) {
    if (only !== undefined && pairing.role !== only) continue
    const name = `${title} (${pairing.role} to aggligator ${pairing.version})`
    t.test(name, { timeout: TEST_TIMEOUT_MS }, t => body(t, pairing))
  }
}

export interface BondedOptions extends Pairing {
  /** How many. @defaultValue 1 */
  readonly links?: number
  readonly config?: ConfigInput
  readonly peerConfig?: Readonly<Record<string, number>>
  /** Milliseconds before hawser dials a lost link again; without it it does not within the time of a test. */
  readonly reconnectDelay?: number
  readonly schedule?: Schedule
}

const NEVER_MS = 600_000

export class Bonded {
  readonly socket: Socket
  readonly peer: Peer
  /** In the order of the links. */
  readonly relays: Relay[]
  /** Resolves when the socket has closed, to the error if there was one. */
  readonly closed: Promise<Error | undefined>
  readonly role: Role
  readonly #t: Test
  /** On which the side listens that does. */
  readonly #port: number

  constructor(t: Test, role: Role, socket: Socket, peer: Peer, relays: Relay[], port: number) {
    this.#t = t
    this.role = role
    this.socket = socket
    this.peer = peer
    this.relays = relays
    this.closed = closing(socket)
    this.#port = port
    t.teardown(() => socket.destroy())
  }

  /** Hawser's link through a relay. */
  link(index: number): Link {
    const link = this.socket.links.find(link => this.#isThrough(index, `${link.tag} ${Buffer.from(link.remoteUserData)}`))
    if (!link) throw new Error(`no link over relay ${index} among ${this.socket.links.map(link => String(link.tag))}`)
    return link
  }

  /** The place of the peer's link through a relay among its links. */
  async peerLinkIndex(index: number): Promise<number> {
    const links = await this.peer.links()
    const found = links.findIndex(link => link.disconnected === null && this.#isThrough(index, link.tag))
    if (found < 0) throw new Error(`no link over relay ${index} among ${links.map(link => link.tag)}`)
    return found
  }

  /** Adds a relay and a link through it. */
  async addLink(): Promise<void> {
    const relay = stopAtEnd(this.#t, await Relay.start(this.#port))
    this.relays.push(relay)
    await this.dial(this.relays.length - 1)
  }

  /** Makes a link through a relay, from the side that connected. */
  async dial(index: number): Promise<void> {
    const relay = this.relay(index)
    if (this.role === 'client') await this.socket.addLink(netConnect(relay.port, '127.0.0.1'))
    else await this.peer.call(`add-link ${relay.address}`)
  }

  relay(index: number): Relay {
    const relay = this.relays[index]
    if (!relay) throw new Error(`no relay ${index}`)
    return relay
  }

  /** Waits until so many links work, for both sides. */
  async workingLinks(count: number): Promise<void> {
    await this.peer.call(`working-links ${count}`)
    await this.workingForHawser(count)
  }

  /** Waits until so many links work for hawser, whatever the peer thinks of them. */
  workingForHawser(count: number): Promise<void> {
    return until(() => this.socket.links.filter(link => link.working).length === count, `${count} working links`)
  }

  /** Ends both directions, and checks that both sides take it as a normal end. */
  async finish(): Promise<void> {
    if (!this.socket.writableEnded) this.socket.end()
    this.socket.resume()
    await this.peer.call('send-finish')
    const rest = await this.peer.receiveAll()
    this.#t.equal(rest.received, 0, 'the peer has nothing more to read')
    this.#t.equal(await this.closed, undefined, 'hawser closes without an error')
    this.#t.equal((await this.peer.event('ended')).error, null, 'the peer closes without an error')
  }

  #isThrough(index: number, text: string): boolean {
    return this.relay(index).isNamedIn(text)
  }
}

/**
 * Connects hawser and a peer. All links work when it resolves, for both sides; under `handover` for hawser: aggligator 0.10
 * and later tests no link that it must not use, so one that it has not confirmed by then does not work for it.
 */
export async function bonded(t: Test, options: BondedOptions): Promise<Bonded> {
  const peer = new Peer(t, options.version)
  if (options.peerConfig) await peer.configure(options.peerConfig)
  const bond = options.role === 'client' ? await connectTo(t, peer, options) : await acceptFrom(t, peer, options)
  const links = options.links ?? 1
  await (options.schedule === 'handover' ? bond.workingForHawser(links) : bond.workingLinks(links))
  return bond
}

async function connectTo(t: Test, peer: Peer, options: BondedOptions): Promise<Bonded> {
  const port = await peer.listen()
  const relays = await startRelays(t, port, options.links)
  const socket = dialPeer(relays, options)
  const bond = new Bonded(t, 'client', socket, peer, relays, port)
  await once(socket, 'ready')
  await peer.event('connection')
  return bond
}

/** An outgoing connection over one link for each relay. */
export function dialPeer(
  relays: readonly Relay[],
  options: Pick<BondedOptions, 'config' | 'reconnectDelay' | 'schedule'> = {},
): Socket {
  const { config = {}, reconnectDelay = NEVER_MS, schedule } = options
  const hosts = relays.map(relay => relay.address)
  const transports = [tcpConnector({ hosts, linkFilter: 'none' })]
  return connect({ transports, config, reconnectDelay, schedule, allowHalfOpen: true })
}

async function acceptFrom(t: Test, peer: Peer, options: BondedOptions): Promise<Bonded> {
  const { server, port } = await startServer(t, options.config, options.schedule)
  const relays = await startRelays(t, port, options.links)
  const accepted = once(server, 'connection')
  await peer.call(`connect ${relays.map(relay => relay.address).join(' ')}`)
  const [socket] = await accepted
  return new Bonded(t, 'server', socket, peer, relays, port)
}

export async function startServer(
  t: Test,
  config: ConfigInput = {},
  schedule?: Schedule,
): Promise<{ server: Server; port: number }> {
  const server = createServer({ config, schedule, allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of server.connections) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { server, port: address.port }
}

async function startRelays(t: Test, port: number, count = 1): Promise<Relay[]> {
  const relays: Relay[] = []
  for (let index = 0; index < count; index++) relays.push(stopAtEnd(t, await Relay.start(port)))
  return relays
}

/** Resolves when the socket has closed, to the error if there was one. */
export function closing(socket: Socket): Promise<Error | undefined> {
  return new Promise(resolve => {
    let error: Error | undefined
    socket.on('error', first => {
      error ??= first
    })
    socket.on('close', () => resolve(error))
  })
}
