// A TCP relay on the loopback that plays a network link: limited rate, delay, short queue; can be cut, reset, mended.
//
// All connections through one relay share its rate, as they share a real link. Backpressure is real: once the queue is
// full, the relay stops reading. The kernel's socket buffers on both sides come on top of the queue.

import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { type Parcel, RateShaper, type RateShaperOptions } from './rate-shaper.ts'

export interface RateLimitedRelayOptions extends RateShaperOptions {
  /** Where the connections go on to. */
  readonly target: { readonly port: number; readonly host?: string | undefined }
  /** Loopback address to listen on. @defaultValue '127.0.0.1' */
  readonly host?: string | undefined
  /** Port to listen on. @defaultValue 0: any free one */
  readonly port?: number | undefined
}

export class RateLimitedRelay {
  readonly #options: RateLimitedRelayOptions
  readonly #server: Server
  readonly #toTarget: Lane
  readonly #toClient: Lane
  readonly #sockets = new Set<Socket>()
  /** Accepted while the link was cut; they go on when it is mended. */
  #held: Socket[] = []
  #isCut = false

  /** Starts a relay; resolves once it listens. */
  static async listen(options: RateLimitedRelayOptions): Promise<RateLimitedRelay> {
    const relay = new RateLimitedRelay(options)
    relay.#server.listen(options.port ?? 0, options.host ?? '127.0.0.1')
    await once(relay.#server, 'listening')
    return relay
  }

  /** Use `listen`. */
  private constructor(options: RateLimitedRelayOptions) {
    this.#options = options
    this.#toTarget = new Lane(options)
    this.#toClient = new Lane(options)
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, socket => this.#accept(socket))
  }

  get host(): string {
    return (this.#server.address() as AddressInfo).address
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get isCut(): boolean {
    return this.#isCut
  }

  /** Bytes delivered to the target, over all connections. */
  get bytesToTarget(): number {
    return this.#toTarget.bytesDelivered
  }

  /** Bytes delivered back to the clients. */
  get bytesToClient(): number {
    return this.#toClient.bytesDelivered
  }

  /** Makes the link a silent black hole: nothing is read or delivered, not even endings; connections stay open. */
  cut(): void {
    if (this.#isCut) return
    this.#isCut = true
    this.#toTarget.cut()
    this.#toClient.cut()
  }

  /** Undoes `cut`: what was on the way arrives, and connections made in the meantime reach the target. */
  mend(): void {
    if (!this.#isCut) return
    this.#isCut = false
    for (const socket of this.#held.splice(0)) this.#open(socket)
    this.#toTarget.mend()
    this.#toClient.mend()
  }

  /** Resets every connection at both ends at once, cut or not. New ones are accepted as before. */
  reset(): void {
    this.#held = []
    this.#toTarget.clear()
    this.#toClient.clear()
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Stops listening and drops every connection; resolves when nothing is left. */
  async close(): Promise<void> {
    this.#held = []
    this.#toTarget.clear()
    this.#toClient.clear()
    const closed = [...this.#sockets].map(socket => new Promise(resolve => socket.once('close', resolve)))
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) {
      this.#server.close()
      closed.push(once(this.#server, 'close'))
    }
    await Promise.all(closed)
  }

  #accept(client: Socket): void {
    this.#track(client)
    if (this.#isCut) this.#held.push(client)
    else this.#open(client)
  }

  #open(client: Socket): void {
    if (client.destroyed) return
    const { port, host = '127.0.0.1' } = this.#options.target
    const target = connectTcp({ port, host, allowHalfOpen: true, noDelay: true })
    this.#track(target)
    this.#toTarget.join(client, target)
    this.#toClient.join(target, client)
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}) // 'close' follows and is passed on as a reset
    socket.on('close', () => this.#sockets.delete(socket))
  }
}

/** One direction of one connection. */
interface Stream {
  readonly from: Socket
  readonly to: Socket
  /** `to` wants no more until it drains. */
  blocked: boolean
  /** How `from` ended; passed on to `to` behind all its data. */
  ending: 'none' | 'end' | 'reset'
}

/** One direction of the link, with the streams that share it. */
class Lane {
  readonly #shaper: RateShaper<Stream>
  readonly #streams = new Set<Stream>()
  #timer: NodeJS.Timeout | undefined
  #isCut = false
  bytesDelivered = 0

  constructor(options: RateShaperOptions) {
    this.#shaper = new RateShaper(options, performance.now())
  }

  join(from: Socket, to: Socket): void {
    const stream: Stream = { from, to, blocked: false, ending: 'none' }
    this.#streams.add(stream)
    from.on('data', bytes => this.#push({ owner: stream, bytes }))
    from.on('end', () => this.#finish(stream, 'end'))
    from.on('close', () => {
      this.#streams.delete(stream)
      if (stream.ending === 'none') this.#finish(stream, 'reset')
    })
    to.on('drain', () => {
      stream.blocked = false
      this.#steer(stream)
    })
    this.#steer(stream)
  }

  cut(): void {
    this.#isCut = true
    this.#shaper.cut()
    this.#run()
  }

  mend(): void {
    this.#isCut = false
    this.#shaper.mend(performance.now())
    this.#run()
  }

  clear(): void {
    this.#shaper.clear()
    clearTimeout(this.#timer)
  }

  #finish(stream: Stream, ending: 'end' | 'reset'): void {
    stream.ending = ending
    this.#push({ owner: stream, bytes: undefined })
  }

  #push(parcel: Parcel<Stream>): void {
    this.#shaper.push(parcel, performance.now())
    this.#run()
  }

  /** Delivers what is due, lets the streams read or not, and arms the timer for what comes next. */
  #run(): void {
    const nowMs = performance.now()
    for (let parcel = this.#shaper.take(nowMs); parcel; parcel = this.#shaper.take(nowMs)) this.#deliver(parcel)
    for (const stream of this.#streams) this.#steer(stream)
    clearTimeout(this.#timer)
    const deadlineMs = this.#shaper.nextDeadlineMs
    if (deadlineMs !== undefined) this.#timer = setTimeout(() => this.#run(), Math.ceil(deadlineMs - nowMs))
  }

  #deliver({ owner: stream, bytes }: Parcel<Stream>): void {
    const { to } = stream
    if (to.destroyed) return
    if (bytes) {
      this.bytesDelivered += bytes.length
      if (!to.write(bytes)) stream.blocked = true
    } else if (stream.ending === 'reset') {
      to.resetAndDestroy()
    } else {
      to.end()
    }
  }

  #steer({ from, blocked }: Stream): void {
    if (this.#isCut || this.#shaper.full || blocked) from.pause()
    else from.resume()
  }
}
