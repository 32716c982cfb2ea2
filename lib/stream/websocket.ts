// A WebSocket of any maker (browsers, Node, `ws`, undici) as a Duplex of the bytes in its binary messages.

import { afterInput } from '#platform/loop'
import { Duplex } from '#platform/stream'
import { HawserError } from '../errors.ts'

/** What all WebSockets have. */
export interface WebSocketLike {
  binaryType: string
  readonly bufferedAmount: number
  readonly readyState: number
  send(data: Uint8Array<ArrayBuffer>): void
  close(code?: number): void
  // biome-ignore lint/suspicious/noExplicitAny: each maker has event types of its own
  addEventListener(type: string, listener: (event: any) => void): void
  // biome-ignore lint/suspicious/noExplicitAny: each maker has event types of its own
  removeEventListener(type: string, listener: (event: any) => void): void
  /** Some makers' own: stop and go on receiving, close at once. */
  pause?(): void
  resume?(): void
  terminate?(): void
}

export interface FromWebSocketOptions {
  /** Bytes that wait in each direction before backpressure sets in. @defaultValue 65,536 */
  highWaterMark?: number | undefined
  /**
   * A WebSocket without `pause` cannot hold back its peer. When so many received bytes wait to be read the stream is
   * destroyed with `ENOBUFS`. @defaultValue 67,108,864
   */
  receivedMax?: number | undefined
}

const OPEN = 1
const CONNECTING = 0
const NORMAL_CLOSURE = 1_000
/** No event tells that a WebSocket has sent what it was given: it is looked at after so long, then ever longer. */
const LOOK_AGAIN_MS = 1
const LOOK_AGAIN_MOST_MS = 32

/**
 * The bytes of a WebSocket. Text messages are ignored, but count as what was received when it is time to pause. `end` closes both directions, for WebSockets know no half-closed
 * state: what the other side sends after that is lost.
 */
export function fromWebSocket(socket: WebSocketLike, options: FromWebSocketOptions = {}): Duplex {
  return new WebSocketStream(socket, options)
}

class WebSocketStream extends Duplex {
  readonly #socket: WebSocketLike
  readonly #sendMax: number
  readonly #receivedMax: number
  /** Of text since the last pause for it. */
  #ignoredCharacters = 0
  /** What waits until it is open. */
  #whenOpen: (() => void) | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(socket: WebSocketLike, { highWaterMark = 65_536, receivedMax = 67_108_864 }: FromWebSocketOptions) {
    super({ highWaterMark, allowHalfOpen: false })
    this.#socket = socket
    this.#sendMax = highWaterMark
    this.#receivedMax = receivedMax
    socket.binaryType = 'arraybuffer'
    for (const [type, listener] of this.#listeners) socket.addEventListener(type, listener)
    if (socket.readyState > OPEN) this.destroy(closed('it is closed already'))
  }

  override _read(): void {
    this.#socket.resume?.()
  }

  override _write(chunk: Uint8Array<ArrayBuffer>, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const { readyState } = this.#socket
    if (readyState === CONNECTING) this.#whenOpen = () => this.#send(chunk, callback)
    else if (readyState === OPEN) this.#send(chunk, callback)
    else callback(closed('it is not open'))
  }

  override _final(callback: (error?: Error | null) => void): void {
    const close = () => {
      this.#socket.close(NORMAL_CLOSURE)
      callback()
    }
    if (this.#socket.readyState === CONNECTING) this.#whenOpen = close
    else this.#whenSent(0, close)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer)
    for (const [type, listener] of this.#listeners) this.#socket.removeEventListener(type, listener)
    this.#socket.addEventListener('error', ignore)
    if (error && this.#socket.terminate) this.#socket.terminate()
    else this.#socket.close()
    callback(error)
  }

  // biome-ignore lint/suspicious/noExplicitAny: each maker has event types of its own
  readonly #listeners: [string, (event: any) => void][] = [
    ['open', () => this.#whenOpen?.()],
    ['message', ({ data }: { data: unknown }) => this.#message(data)],
    ['error', ({ error }: { error?: Error }) => this.destroy(coded(error))],
    ['close', ({ code, wasClean }: { code: number; wasClean: boolean }) => this.#closed(code, wasClean)],
  ]

  #send(chunk: Uint8Array<ArrayBuffer>, callback: () => void): void {
    this.#socket.send(chunk)
    this.#whenSent(this.#sendMax, callback)
  }

  #message(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) this.#ignore((data as { length?: number }).length ?? 0)
    else if (data.byteLength > 0) this.#take(data)
  }

  /** Text costs time, too: a flood of it lets others have their turn as bytes do that wait to be read. */
  #ignore(characters: number): void {
    this.#ignoredCharacters += characters
    if (this.#ignoredCharacters < this.readableHighWaterMark || !this.#socket.pause) return
    this.#ignoredCharacters = 0
    this.#socket.pause()
    afterInput(() => {
      if (!this.destroyed && this.readableLength < this.readableHighWaterMark) this.#socket.resume?.()
    })
  }

  #take(data: ArrayBuffer): void {
    if (this.push(Buffer.from(data))) return
    if (this.#socket.pause) this.#socket.pause()
    else if (this.readableLength > this.#receivedMax) {
      this.destroy(new HawserError('ENOBUFS', 'link-closed', `${this.readableLength} received bytes wait to be read`))
    }
  }

  #closed(code: number, wasClean: boolean): void {
    if (!wasClean) this.destroy(closed(`it was closed with code ${code}`))
    else this.push(null)
  }

  /** Calls back once no more than `most` bytes wait in the WebSocket. */
  #whenSent(most: number, callback: () => void, delayMs = LOOK_AGAIN_MS): void {
    if (this.#socket.bufferedAmount <= most || this.#socket.readyState !== OPEN) callback()
    else this.#timer = setTimeout(() => this.#whenSent(most, callback, Math.min(2 * delayMs, LOOK_AGAIN_MOST_MS)), delayMs)
  }
}

function closed(how: string, cause?: Error): HawserError {
  return new HawserError('ECONNRESET', 'link-closed', `the WebSocket cannot be used: ${how}`, { cause })
}

/** Some makers tell nothing of the cause, or without a code. */
function coded(error: NodeJS.ErrnoException | undefined): Error {
  return error?.code === undefined ? closed(error?.message ?? 'it failed', error) : error
}

function ignore(): void {}
