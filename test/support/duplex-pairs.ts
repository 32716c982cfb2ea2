// Connected pairs of Duplexes of every kind that a link can be: what is written to one end is read at the other.
//
// All of them behave like a socket: `end` ends one direction, and an end that is destroyed before both directions have
// ended closes the other one, too.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import * as core from 'node:stream'
import * as readableStream from 'readable-stream'
import * as streamx from 'streamx'
import { Random } from '../simulation/random.ts'

export interface DuplexPair {
  readonly client: core.Duplex
  readonly server: core.Duplex
}

export interface PairOptions {
  /** Of both ends, each direction; that of the kind's class if left out. */
  readonly highWaterMark?: number
  /** One chunk is one packet. */
  readonly objectMode?: boolean
  /** Writes take effect, and call back, in a later turn of the event loop, instead of at once. */
  readonly later?: boolean
  /** Chunks are cut at random places on their way. */
  readonly cutBy?: Random
}

type WriteCallback = (error?: Error | null) => void

/** Two core Duplexes. */
export function corePair(options: PairOptions = {}): DuplexPair {
  return pairOfClass(core.Duplex, options)
}

/** The same made by the package `readable-stream`. */
export function readableStreamPair(options: PairOptions = {}): DuplexPair {
  return pairOfClass(readableStream.Duplex as unknown as typeof core.Duplex, options)
}

function pairOfClass(DuplexClass: typeof core.Duplex, options: PairOptions): DuplexPair {
  const { later, cutBy, ...streamOptions } = options
  return joined(() => {
    const end = new DuplexClass({
      ...streamOptions,
      read: () => half.takeMore(),
      write: (chunk, _encoding, callback) => half.send(chunk, callback),
      final: callback => half.finish(callback),
      destroy: (error, callback) => {
        half.destroyed()
        callback(error)
      },
    })
    const half = new Half(end, { later, cutBy })
    return half
  })
}

function joined(makeHalf: () => Half): DuplexPair {
  const client = makeHalf()
  const server = makeHalf()
  client.other = server
  server.other = client
  return { client: client.end, server: server.end }
}

interface Wire {
  readonly later?: boolean | undefined
  readonly cutBy?: Random | undefined
}

/** What is below one end: takes what is written there and gives what is read there. */
class Half {
  readonly end: core.Duplex
  readonly #wire: Wire
  other!: Half
  /** Whoever wrote last at the other end waits until there is room here. */
  #waiting: WriteCallback | undefined
  #ended = false
  #destroyed = false

  constructor(end: core.Duplex, wire: Wire) {
    this.end = end
    this.#wire = wire
  }

  send(chunk: Uint8Array, callback: WriteCallback): void {
    this.#deliver(() => this.other.#take(chunk, callback))
  }

  finish(callback: WriteCallback): void {
    this.#deliver(() => {
      this.other.#ended = true
      if (!this.other.#destroyed) this.other.end.push(null)
      callback()
    })
  }

  takeMore(): void {
    const callback = this.#waiting
    this.#waiting = undefined
    callback?.()
  }

  destroyed(): void {
    this.#destroyed = true
    this.takeMore()
    if (this.other.#destroyed || (this.other.#ended && this.#ended)) return
    setImmediate(() => this.other.end.destroy())
  }

  #take(chunk: Uint8Array, callback: WriteCallback): void {
    if (this.#destroyed) {
      callback(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
      return
    }
    let room = true
    for (const piece of this.#wire.cutBy ? randomlyCut(chunk, this.#wire.cutBy) : [chunk]) room = this.end.push(piece)
    if (room) callback()
    else this.#waiting = callback
  }

  #deliver(action: () => void): void {
    if (this.#wire.later) setImmediate(action)
    else action()
  }
}

function randomlyCut(chunk: Uint8Array, random: Random): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < chunk.length; ) {
    const end = at + random.logBetween(1, 20_000)
    pieces.push(chunk.subarray(at, end))
    at = end
  }
  return pieces
}

/** Two Duplexes of the package `streamx`. */
export function streamxPair(options: Pick<PairOptions, 'highWaterMark'> = {}): DuplexPair {
  return joined(() => {
    const end: streamx.Duplex = new streamx.Duplex({
      ...options,
      read: callback => {
        half.takeMore()
        callback(null)
      },
      write: (chunk: Uint8Array, callback) => half.send(chunk, callback as WriteCallback),
      final: callback => half.finish(callback as WriteCallback),
      destroy: callback => {
        half.destroyed()
        callback(null)
      },
    })
    const half = new Half(end as unknown as core.Duplex, {})
    return half
  })
}

/** Two PassThroughs, one for each direction, joined to Duplexes. */
export function passThroughPair(): DuplexPair {
  const up = new core.PassThrough()
  const down = new core.PassThrough()
  return {
    client: core.Duplex.from({ readable: down, writable: up }),
    server: core.Duplex.from({ readable: up, writable: down }),
  }
}

/** Two sockets over the loopback interface. */
export async function tcpPair(): Promise<{ client: Socket; server: Socket }> {
  const listener = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const [[server]] = await Promise.all([once(listener, 'connection'), once(client, 'connect')])
  listener.close()
  return { client, server }
}

/** A kind of Duplex that a link can be. */
export interface PairKind {
  readonly name: string
  make(): DuplexPair | Promise<DuplexPair>
}

export const pairKinds: readonly PairKind[] = [
  { name: 'core Duplex', make: () => corePair() },
  { name: 'core Duplex, highWaterMark 0', make: () => corePair({ highWaterMark: 0 }) },
  { name: 'core Duplex, highWaterMark 1, later', make: () => corePair({ highWaterMark: 1, later: true }) },
  { name: 'core Duplex with reads cut anywhere', make: () => corePair({ cutBy: new Random(43) }) },
  { name: 'core Duplex of packets', make: () => corePair({ objectMode: true }) },
  {
    name: 'core Duplex of packets, highWaterMark 1, later',
    make: () => corePair({ objectMode: true, highWaterMark: 1, later: true }),
  },
  { name: 'readable-stream', make: () => readableStreamPair() },
  { name: 'readable-stream, later', make: () => readableStreamPair({ later: true }) },
  { name: 'readable-stream of packets', make: () => readableStreamPair({ objectMode: true }) },
  { name: 'streamx', make: () => streamxPair() },
  { name: 'streamx, highWaterMark 0', make: () => streamxPair({ highWaterMark: 0 }) },
  { name: 'Duplex.from of PassThroughs', make: () => passThroughPair() },
  { name: 'TCP socket', make: () => tcpPair() },
]
