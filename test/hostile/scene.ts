// A server under attack, and a connection that behaves beside it.

import { once } from 'node:events'
import type { Test } from 'tap'
import type { ConnectionStats, HawserError, Server, ServerOptions, Socket } from '../../lib/index.ts'
import type { ConnectMessage } from '../../lib/protocol/messages.ts'
import { listening } from '../support/loopback.ts'
import { randomId } from '../support/raw-link.ts'
import type { ManualClock } from '../transports/manual-clock.ts'
import { Attacker, type DialOptions } from './attacker.ts'
import { Honest } from './honest.ts'

/** The server's end of a hostile connection. Nobody reads it unless the test does. */
export class Victim {
  readonly socket: Socket
  error: HawserError | undefined
  readonly linkErrors: HawserError[] = []
  /** Why its links were closed, in order. */
  readonly linkEnds: string[] = []
  /** Settles with event `close`, which comes once. */
  readonly closed: Promise<void>
  closes = 0

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', error => {
      this.error = error as HawserError
    })
    socket.on('linkerror', error => this.linkErrors.push(error as HawserError))
    socket.on('linkclose', (_link, reason) => this.linkEnds.push(reason))
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        this.closes++
        resolve()
      })
    })
  }

  get stats(): ConnectionStats {
    const { stats } = this.socket
    if (!stats) throw new Error('not connected')
    return stats
  }

  /** Its next link is gone. */
  async linkEnd(): Promise<void> {
    if (!this.socket.destroyed) await once(this.socket, 'linkclose')
  }
}

export interface Hostile {
  readonly id: Uint8Array
  readonly attacker: Attacker
  readonly victim: Victim
}

export class Scene {
  readonly server: Server
  readonly port: number
  readonly honest: Honest
  readonly #test: Test
  readonly #sockets = new Set<{ destroy(): unknown }>()

  /** Ends with the test, which must have disturbed nobody. */
  static async open(t: Test, options: ServerOptions = {}, exchangeBytes?: number): Promise<Scene> {
    const { server, port } = await listening(t, options)
    const connection = once(server, 'connection') as Promise<[Socket]>
    const honest = await Honest.connect(port, exchangeBytes)
    const [accepted] = await connection
    honest.watch(accepted)
    accepted.pipe(accepted)
    t.teardown(() => {
      accepted.removeAllListeners()
      accepted.on('error', () => {})
      honest.close()
    })
    await honest.exchange()
    return new Scene(t, server, port, honest)
  }

  private constructor(t: Test, server: Server, port: number, honest: Honest) {
    this.#test = t
    t.teardown(() => {
      for (const socket of this.#sockets) socket.destroy()
    })
    this.server = server
    this.port = port
    this.honest = honest
  }

  /** A hostile client, not even welcomed. */
  async dial(options?: DialOptions): Promise<Attacker> {
    const attacker = await Attacker.dial(this.port, options)
    const { socket } = attacker
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    return attacker
  }

  /** A hostile connection with one link. */
  async connection(parts: Partial<ConnectMessage> = {}): Promise<Hostile> {
    const id = randomId()
    const victim = this.nextVictim()
    const attacker = await this.dial()
    await attacker.join(id, parts)
    return { id, attacker, victim: await victim }
  }

  /** One more link of a hostile connection. */
  async link(id: Uint8Array, parts: Partial<ConnectMessage> = {}): Promise<Attacker> {
    const attacker = await this.dial()
    return attacker.join(id, { existing: true, ...parts })
  }

  async nextVictim(): Promise<Victim> {
    const [socket] = (await once(this.server, 'connection')) as [Socket]
    return new Victim(socket)
  }

  /** Runs an attack. The honest connection goes on all the while and must not notice. */
  async during<T>(attack: () => Promise<T>): Promise<T> {
    const result = await this.honest.during(attack())
    this.#test.same(this.honest.noticed, [], 'the honest connection noticed nothing')
    return result
  }

  /** Lets frozen time pass; the honest connection, whose links are pinged and timed out like others, goes on meanwhile. */
  async pass(clock: ManualClock, ms: number, stepMs = 500): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= stepMs) {
      await clock.advance(Math.min(leftMs, stepMs))
      await this.honest.exchange(1_000)
    }
  }
}
