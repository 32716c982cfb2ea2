// A TCP relay on 127.0.0.1 that stands for one path between two programs, and can fail.

import { once } from 'node:events'
import { type AddressInfo, createServer, connect as netConnect, type Server, type Socket } from 'node:net'

export interface RelayOptions {
  /** Bytes per second and direction. */
  readonly rate?: number | undefined
}

interface Connection {
  readonly near: Socket
  readonly far: Socket
}

export class Relay {
  /** Payload bytes that came from the side that connected, and from the target. */
  bytesForward = 0
  bytesBack = 0
  /** Connections that were ever made. */
  accepted = 0
  readonly #server: Server
  readonly #rate: number | undefined
  readonly #connections = new Set<Connection>()
  readonly #farPorts = new Set<number>()
  readonly #triggers = new Set<{ bytes: number; action: () => void }>()
  #targetPort: number
  #corrupting = false
  #state: 'open' | 'stalled' | 'swallowing' | 'refusing' = 'open'
  /** Connections that lost bytes. */
  readonly #robbed = new Set<Connection>()

  /** Listens on a free port and forwards to `targetPort`. */
  static async start(targetPort: number, options: RelayOptions = {}): Promise<Relay> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Relay(server, targetPort, options)
  }

  private constructor(server: Server, targetPort: number, { rate }: RelayOptions) {
    this.#server = server
    this.#targetPort = targetPort
    this.#rate = rate
    server.on('connection', near => this.#accept(near))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Payload bytes in both directions. */
  get bytes(): number {
    return this.bytesForward + this.bytesBack
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#connections.size
  }

  /** Whether `text`, the tag or user data of a link, names an end of a connection through this relay. */
  isNamedIn(text: string): boolean {
    const ports = [this.port, ...this.#farPorts]
    return ports.some(port => new RegExp(`:${port}(?!\\d)`).test(text))
  }

  /** New connections go to another target. */
  retarget(port: number): void {
    this.#targetPort = port
  }

  /** Resets what is open. */
  cut(): void {
    for (const connection of this.#connections) this.#reset(connection)
  }

  /** Ends what is open in good order, as far as TCP goes. */
  end(): void {
    for (const { near, far } of this.#connections) {
      near.end()
      far.end()
    }
  }

  /** Ends the way to the target alone, or the way back. */
  halfClose(way: 'forward' | 'back'): void {
    for (const { near, far } of this.#connections) (way === 'forward' ? far : near).end()
  }

  /** Flips a bit of the next bytes that pass, whichever way. */
  corrupt(): void {
    this.#corrupting = true
  }

  /** Resets what is open, and everything that comes until `mend`. */
  refuse(): void {
    this.#state = 'refusing'
    this.cut()
  }

  /** Nothing passes until `mend`, and nobody is told. */
  stall(): void {
    this.#state = 'stalled'
    for (const { near, far } of this.#connections) {
      near.pause()
      far.pause()
    }
  }

  /** Takes everything and delivers nothing until `mend`, which resets the connections that lost something. */
  swallow(): void {
    this.#state = 'swallowing'
  }

  mend(): void {
    this.#state = 'open'
    for (const connection of this.#robbed) this.#reset(connection)
    this.#robbed.clear()
    for (const { near, far } of this.#connections) {
      near.resume()
      far.resume()
    }
  }

  /** Calls `action` once when so many bytes more have passed. */
  after(bytes: number, action: () => void): void {
    this.#triggers.add({ bytes: this.bytes + bytes, action })
  }

  async stop(): Promise<void> {
    this.close()
    await once(this.#server, 'close')
  }

  /** The same without waiting: Node may never report the end of a socket that was reset in the middle of its own end. */
  close(): void {
    this.cut()
    this.#server.close()
  }

  #accept(near: Socket): void {
    this.accepted++
    if (this.#state === 'refusing') {
      near.on('error', () => {})
      near.resetAndDestroy()
      return
    }
    const far = netConnect({ port: this.#targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const connection: Connection = { near, far }
    this.#connections.add(connection)
    far.on('connect', () => this.#farPorts.add(far.localPort ?? 0))
    this.#forward(near, far, connection, bytes => {
      this.bytesForward += bytes
    })
    this.#forward(far, near, connection, bytes => {
      this.bytesBack += bytes
    })
    if (this.#state === 'stalled') {
      near.pause()
      far.pause()
    }
  }

  #forward(from: Socket, to: Socket, connection: Connection, count: (bytes: number) => void): void {
    const resume = (): void => {
      if (this.#state !== 'stalled') from.resume()
    }
    from.on('data', chunk => {
      count(chunk.byteLength)
      if (this.#state === 'swallowing') {
        this.#robbed.add(connection)
        return
      }
      if (this.#corrupting) {
        this.#corrupting = false
        chunk[chunk.byteLength >> 1] = (chunk[chunk.byteLength >> 1] as number) ^ 0x10
      }
      const taken = to.write(chunk)
      if (this.#rate !== undefined) {
        from.pause()
        setTimeout(resume, (chunk.byteLength / this.#rate) * 1_000).unref()
      } else if (!taken) {
        from.pause()
      }
      this.#pullTriggers()
    })
    to.on('drain', () => {
      if (this.#rate === undefined) resume()
    })
    from.on('end', () => to.end())
    from.on('error', () => this.#reset(connection))
    from.on('close', () => {
      to.end()
      this.#connections.delete(connection)
      this.#robbed.delete(connection)
    })
  }

  #pullTriggers(): void {
    for (const trigger of this.#triggers) {
      if (this.bytes < trigger.bytes) continue
      this.#triggers.delete(trigger)
      trigger.action()
    }
  }

  #reset({ near, far }: Connection): void {
    reset(near)
    reset(far)
  }
}

/** Node 20 never closes a socket that is reset after `end`, and spins. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
