// A connection that behaves, beside those that do not: it sends what the server echoes, checks every byte, and tells
// whether anything happened to it.

import { once } from 'node:events'
import { connect, type Socket } from '../../lib/index.ts'
import { type Pattern, patternOf } from '../simulation/pattern.ts'

/** Real time, whatever happens to timers. */
const { setTimeout: setRealTimeout } = globalThis
const PAUSE_MS = 2

export class Honest {
  /** What happened to the connection that should not. */
  readonly noticed: string[] = []
  readonly #client: Socket
  readonly #exchangeBytes: number
  readonly #pattern: Pattern = patternOf(1)
  #sentBytes = 0
  #echoedBytes = 0
  #waiting: (() => void)[] = []

  /** @param exchangeBytes - it sends so much at once, then waits until it is back */
  static async connect(port: number, exchangeBytes = 65_536): Promise<Honest> {
    const client = connect({ port, host: '127.0.0.1' })
    const honest = new Honest(client, exchangeBytes)
    await once(client, 'connect')
    return honest
  }

  private constructor(client: Socket, exchangeBytes: number) {
    this.#client = client
    this.#exchangeBytes = exchangeBytes
    client.on('data', chunk => this.#check(chunk))
    this.watch(client)
  }

  /** Listens to what may happen to one end of the connection. */
  watch(socket: Socket): void {
    const note = (what: string) => {
      this.noticed.push(what)
      this.#wake()
    }
    socket.on('error', error => note(`error ${error.message}`))
    socket.on('linkerror', error => note(`linkerror ${error.message}`))
    socket.on('linkclose', (_link, reason) => note(`linkclose ${reason}`))
    socket.on('close', () => note('close'))
  }

  /** Sends so many bytes and waits until they are back. */
  async exchange(bytes = this.#exchangeBytes): Promise<void> {
    for (const slice of this.#pattern.slices(this.#sentBytes, bytes)) this.#client.write(slice)
    this.#sentBytes += bytes
    while (this.#echoedBytes < this.#sentBytes && this.noticed.length === 0) {
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  /** Goes on exchanging until `attack` is over, and once more. */
  async during<T>(attack: Promise<T>): Promise<T> {
    let over = false
    const done = attack.finally(() => {
      over = true
    })
    done.catch(() => {}) // awaited below
    while (!over && this.noticed.length === 0) {
      await this.exchange()
      await new Promise(resolve => setRealTimeout(resolve, PAUSE_MS))
    }
    const result = await done
    await this.exchange()
    return result
  }

  close(): void {
    this.#client.removeAllListeners()
    this.#client.destroy()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }

  #check(chunk: Buffer): void {
    const wrong = this.#pattern.firstWrong(this.#echoedBytes, chunk)
    if (wrong >= 0) this.noticed.push(`wrong byte at ${wrong}`)
    this.#echoedBytes += chunk.length
    this.#wake()
  }
}
