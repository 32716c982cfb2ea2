// Node's HTTP server over bonded connections.

import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from '../server.ts'
import type { ServerOptions } from '../server-options.ts'

export type HttpServerOptions = http.ServerOptions & Omit<ServerOptions, 'allowHalfOpen' | 'pauseOnConnect'>

/** Events of the server of bonded connections that this one emits, too; `close` comes behind Node's own end. */
const PASSED_EVENTS = ['connection', 'listening', 'error', 'drop', 'link', 'linkerror'] as const

/** `http.Server` whose connections are bonded: what is about HTTP is Node's, what is about connections is hawser's. */
export class HttpServer extends http.Server {
  /** The server of the connections: links by hand, further transports, the live sockets. */
  readonly bonded: Server

  constructor(options: HttpServerOptions = {}, onRequest?: http.RequestListener) {
    super(options, onRequest)
    // Node's HTTP server decides itself when its side ends.
    const bonded = new Server({ ...options, allowHalfOpen: true })
    this.bonded = bonded
    this.#watchConnections(bonded)
    for (const event of PASSED_EVENTS) bonded.on(event, (...args: unknown[]) => this.emit(event, ...args))
    Object.defineProperties(this, {
      listening: { get: () => bonded.listening },
      maxConnections: {
        get: () => bonded.maxConnections,
        set: (count: number) => {
          bonded.maxConnections = count
        },
      },
    })
  }

  override listen(...args: unknown[]): this {
    this.bonded.listen(...(args as []))
    return this
  }

  override address(): AddressInfo | string | null {
    return this.bonded.address()
  }

  override getConnections(callback: (error: Error | null, count: number) => void): this {
    this.bonded.getConnections(callback)
    return this
  }

  /** Accepts nothing new and closes idle connections; `close` is emitted once the last one has ended. */
  override close(callback?: (error?: Error) => void): this {
    let failure: Error | undefined
    if (callback) this.once('close', () => callback(failure))
    this.bonded.close(error => {
      failure = error
      // Node's own end of it: it stops looking after connections, and emits `close`.
      super.close()
    })
    this.closeIdleConnections()
    return this
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    if (this.listening || this.bonded.connections.length > 0) await new Promise<void>(resolve => this.close(() => resolve()))
  }

  override ref(): this {
    this.bonded.ref()
    return this
  }

  override unref(): this {
    this.bonded.unref()
    return this
  }

  /**
   * Node's server looks after the time-outs of its connections from its first `listening` on, by a listener of its own.
   * Links by hand and from other transports come without.
   */
  #watchConnections(bonded: Server): void {
    const [begin] = this.listeners('listening')
    const beginOnce = () => {
      bonded.off('connection', beginOnce)
      if (!this.listening) begin?.call(this)
    }
    bonded.on('connection', beginOnce)
  }
}
