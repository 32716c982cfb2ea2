// A TCP relay on 127.0.0.1: a path to a server that can be reset, stalled, closed, and led to another server.

import { once } from 'node:events'
import { type AddressInfo, createServer, connect as netConnect, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'

interface Path {
  readonly near: Socket
  readonly far: Socket
  cut: boolean
  /** Lets nothing through, for good. */
  stuck: boolean
}

export class Relay {
  /** Where new connections lead. */
  targetPort: number
  /** Connections so far. */
  accepted = 0
  readonly #server: Server
  readonly #paths = new Set<Path>()
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
    for (const path of this.#paths) this.#cut(path)
  }

  /** Lets nothing through from here on, without a word. */
  stall(): void {
    this.#stalled = true
    for (const { near, far } of this.#paths) for (const socket of [near, far]) socket.pause()
  }

  resume(): void {
    this.#stalled = false
    for (const { near, far, stuck } of this.#paths) if (!stuck) for (const socket of [near, far]) socket.resume()
  }

  /** Lets nothing through on the connections that there are, without a word; new ones are let through. */
  stallPresent(): void {
    for (const path of this.#paths) {
      path.stuck = true
      for (const socket of [path.near, path.far]) socket.pause()
    }
  }

  close(): void {
    this.#server.close()
    this.reset()
  }

  #relay(near: Socket): void {
    this.accepted += 1
    const far = netConnect({ port: this.targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const path = { near, far, cut: false, stuck: false }
    this.#paths.add(path)
    this.#forward(path, near, far)
    this.#forward(path, far, near)
  }

  #forward(path: Path, from: Socket, to: Socket): void {
    from.on('data', chunk => {
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => {
      if (!this.#stalled && !path.stuck) from.resume()
    })
    if (this.#stalled) from.pause()
    from.on('end', () => to.end())
    from.on('error', () => this.#cut(path))
    from.on('close', () => {
      if (from.readableEnded && from.writableFinished) this.#paths.delete(path)
      else this.#cut(path)
    })
  }

  /** A reset, but for sides that have ended: Node cannot reset those. */
  #cut(path: Path): void {
    if (path.cut) return
    path.cut = true
    this.#paths.delete(path)
    for (const socket of [path.near, path.far]) {
      if (socket.writableEnded || socket.connecting) socket.destroy()
      else socket.resetAndDestroy()
    }
  }
}
