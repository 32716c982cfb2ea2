// A TCP relay on 127.0.0.1: a path to a server that can be reset, stalled, closed, and led to another server.

import { once } from 'node:events'
import { type AddressInfo, createServer, connect as netConnect, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'

export class Relay {
  /** Where new connections lead. */
  targetPort: number
  /** Connections so far. */
  accepted = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #stalled = false

  /** Listens on a free port until the test is over. */
  static async start(t: Test, targetPort: number): Promise<Relay> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const relay = new Relay(server, targetPort)
    t.teardown(() => relay.close())
    return relay
  }

  private constructor(server: Server, targetPort: number) {
    this.#server = server
    this.targetPort = targetPort
    server.on('connection', near => this.#relay(near))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Resets every connection; new ones are let through. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Lets nothing through from here on, without a word. */
  stall(): void {
    this.#stalled = true
    for (const socket of this.#sockets) socket.pause()
  }

  resume(): void {
    this.#stalled = false
    for (const socket of this.#sockets) socket.resume()
  }

  close(): void {
    this.#server.close()
    this.reset()
  }

  #relay(near: Socket): void {
    this.accepted += 1
    const far = netConnect({ port: this.targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    this.#forward(near, far)
    this.#forward(far, near)
  }

  #forward(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.on('data', chunk => {
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => {
      if (!this.#stalled) from.resume()
    })
    if (this.#stalled) from.pause()
    from.on('end', () => to.end())
    from.on('error', () => to.destroyed || to.resetAndDestroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      if (!from.readableEnded) to.destroy()
    })
  }
}
