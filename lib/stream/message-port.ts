// A MessagePort as a Duplex of bytes, between the two ends of a MessageChannel: workers, frames, service workers.
//
// Both ends must use this adapter, for ports know no backpressure: beside the chunks go how many bytes were taken, and
// an end. A message is a Uint8Array of data, a number of bytes taken, or null for the end.

import { Duplex } from '#platform/stream'
import { HawserError } from '../errors.ts'

/** What all MessagePorts have. */
export interface MessagePortLike {
  postMessage(message: unknown): void
  close(): void
  start?(): void
  ref?(): void
  unref?(): void
  // biome-ignore lint/suspicious/noExplicitAny: each maker has event types of its own
  addEventListener(type: string, listener: (event: any) => void): void
  // biome-ignore lint/suspicious/noExplicitAny: each maker has event types of its own
  removeEventListener(type: string, listener: (event: any) => void): void
}

export interface FromMessagePortOptions {
  /** Bytes that wait in each direction, and bytes under way, before backpressure sets in. @defaultValue 262,144 */
  highWaterMark?: number | undefined
}

/** The bytes that pass through a MessagePort whose other end uses this function, too. */
export function fromMessagePort(port: MessagePortLike, { highWaterMark = 262_144 }: FromMessagePortOptions = {}): Duplex {
  return new MessagePortStream(port, highWaterMark)
}

class MessagePortStream extends Duplex {
  readonly #port: MessagePortLike
  readonly #sendMax: number
  /** Sent and not taken by the other side. */
  #outstandingBytes = 0
  /** Received, and the other side does not know that they were taken. */
  #unreportedBytes = 0
  /** The other side said that nothing follows. */
  #endReceived = false
  #taken: ((error?: Error | null) => void) | undefined

  constructor(port: MessagePortLike, highWaterMark: number) {
    super({ highWaterMark })
    this.#port = port
    this.#sendMax = highWaterMark
    for (const [type, listener] of this.#listeners) port.addEventListener(type, listener)
    port.start?.()
  }

  /** Lets the port keep the process alive. */
  ref(): this {
    this.#port.ref?.()
    return this
  }

  /** Does not let the port keep the process alive. */
  unref(): this {
    this.#port.unref?.()
    return this
  }

  override _read(): void {
    if (this.#unreportedBytes === 0) return
    this.#port.postMessage(this.#unreportedBytes)
    this.#unreportedBytes = 0
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#outstandingBytes += chunk.byteLength
    // A view would take its whole buffer along.
    this.#port.postMessage(Uint8Array.from(chunk))
    if (this.#outstandingBytes < this.#sendMax) callback()
    else this.#taken = callback
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#port.postMessage(null)
    callback()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    for (const [type, listener] of this.#listeners) this.#port.removeEventListener(type, listener)
    this.#port.close()
    this.#taken?.(error)
    callback(error)
  }

  // biome-ignore lint/suspicious/noExplicitAny: each maker has event types of its own
  readonly #listeners: [string, (event: any) => void][] = [
    ['message', ({ data }: { data: unknown }) => this.#message(data)],
    ['messageerror', () => this.destroy(new HawserError('EPROTO', 'protocol-error', 'a message that cannot be read'))],
    ['close', () => this.#closed()],
  ]

  #message(data: unknown): void {
    if (data === null) {
      this.#endReceived = true
      this.push(null)
    } else if (data instanceof Uint8Array) {
      this.#unreportedBytes += data.byteLength
      this.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
    } else if (typeof data === 'number' && data > 0 && data <= this.#outstandingBytes) this.#tookBytes(data)
    else this.destroy(new HawserError('EPROTO', 'protocol-error', 'the other end of the MessagePort speaks something else'))
  }

  #tookBytes(bytes: number): void {
    this.#outstandingBytes -= bytes
    if (this.#outstandingBytes >= this.#sendMax) return
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
  }

  #closed(): void {
    if (!this.#endReceived || !this.writableFinished)
      this.destroy(new HawserError('ECONNRESET', 'link-closed', 'the other end of the MessagePort was closed'))
  }
}
