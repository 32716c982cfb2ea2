// The demo's small world: a hawser server and, in front of it, one relay for each link.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from '../../index.ts'
import { tcpConnector } from '../../tcp.ts'
import { RateLimitedRelay } from '../rate-limited-relay.ts'
import type { DemoLink } from './scenario.ts'
import type { LinkCondition } from './table.ts'

const HOST = '127.0.0.1'
/** A link that was lost is tried again so soon: the demo is short. */
const RECONNECT_DELAY_MS = 500

export class Network {
  readonly relays: readonly RateLimitedRelay[]
  readonly client: Socket
  /** The server's end of the connection. */
  readonly accepted: Promise<Socket>
  /** Rejects when either end fails, or closes before both directions have ended. */
  readonly failed: Promise<never>
  readonly #server: Server

  static async open(links: readonly DemoLink[]): Promise<Network> {
    const server = createServer()
    server.listen(0, HOST)
    await once(server, 'listening')
    const target = { host: HOST, port: (server.address() as AddressInfo).port }
    const relays = await Promise.all(links.map(({ rate, delay }) => RateLimitedRelay.listen({ target, rate, delay })))
    return new Network(server, relays)
  }

  private constructor(server: Server, relays: readonly RateLimitedRelay[]) {
    this.#server = server
    this.relays = relays
    this.accepted = new Promise(resolve => server.once('connection', resolve))
    const transports = relays.map(({ port }) => tcpConnector({ host: HOST, port, multiInterface: false, linkFilter: 'none' }))
    this.client = connect({ transports, reconnectDelay: RECONNECT_DELAY_MS })
    this.failed = Promise.race([failureOf(this.client), this.accepted.then(failureOf)])
    this.failed.catch(() => {}) // whoever waits for it hears of it
  }

  condition(index: number): LinkCondition {
    const relay = this.relays[index]
    if (!relay || relay.isCut) return 'cut'
    return this.#works(relay) ? 'works' : 'down'
  }

  get allWork(): boolean {
    return this.relays.every((_relay, index) => this.condition(index) === 'works')
  }

  async close(): Promise<void> {
    this.client.destroy()
    for (const socket of this.#server.connections) socket.destroy()
    this.#server.close()
    await Promise.all(this.relays.map(relay => relay.close()))
  }

  /** Whether the sender uses a link over this relay. */
  #works({ port }: RateLimitedRelay): boolean {
    return this.client.links.some(({ stream, working }) => working && 'remotePort' in stream && stream.remotePort === port)
  }
}

function failureOf(socket: Socket): Promise<never> {
  return new Promise((_resolve, reject) => {
    socket.once('error', reject)
    socket.once('close', () => {
      if (!socket.readableEnded || !socket.writableFinished) reject(new Error('the connection closed early'))
    })
  })
}
