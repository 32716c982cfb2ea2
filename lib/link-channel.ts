// One Duplex as a channel of link messages: parses what arrives without copying, sends what is to go out as one
// vectored write, and keeps whatever a Duplex may do wrong away from the rest.

import { afterInput } from '#platform/loop'
import type { Duplex } from '#platform/stream'
import type { LinkDecoder, LinkEncoder } from './protocol/codec.ts'
import type { LinkMessage } from './protocol/messages.ts'
import { PacketDecoder } from './protocol/packet-decoder.ts'
import { PacketEncoder } from './protocol/packet-encoder.ts'
import { ProtocolError } from './protocol/protocol-error.ts'
import { StreamDecoder } from './protocol/stream-decoder.ts'
import { StreamEncoder } from './protocol/stream-encoder.ts'

/** One link hands over so many messages in a turn of the event loop, then others get theirs. */
const MESSAGES_PER_TURN = 1_000
/** Longest wait for the other end to close what was closed here in good order. */
const LINGER_MS = 5_000
/** High water mark of a Duplex that does not tell; that of `streamx`, and of Node before version 22. */
const USUAL_HIGH_WATER_MARK = 16_384

export type ChannelEnd = 'ended' | 'failed' | 'protocol-error'

/** Who listens to a channel. Calls come in order and none after `closed`. */
export interface ChannelHandler {
  message(message: LinkMessage): void
  /** All messages that were there have been handed over. */
  batchEnd(): void
  /** The Duplex takes more again. */
  drained(): void
  /** Nothing comes and nothing goes any more; not called for `end` and `destroy` from this side. */
  closed(how: ChannelEnd, error: Error | undefined): void
}

/** What hawser needs of a Duplex, whoever made it: `node:stream`, `readable-stream`, `streamx`. */
interface AnyDuplex {
  readonly destroyed: boolean
  readonly readableObjectMode?: boolean
  readonly writableHighWaterMark?: number
  write(chunk: Uint8Array): boolean
  end(): unknown
  destroy(error?: Error): unknown
  pause(): unknown
  resume(): unknown
  cork?(): void
  uncork?(): void
  on(event: string, listener: (...args: never[]) => void): unknown
  removeListener(event: string, listener: (...args: never[]) => void): unknown
}

type ChannelState = 'open' | 'ending' | 'closed'

export class LinkChannel {
  /** The Duplex as it was given. */
  readonly stream: Duplex
  readonly #duplex: AnyDuplex
  readonly #encoder: LinkEncoder
  readonly #decoder: LinkDecoder
  readonly #flushAtBytes: number
  #handler: ChannelHandler
  #state: ChannelState = 'open'
  #needsDrain = false
  #paused = false
  #resuming = false
  #handing = false
  #lingerTimer: ReturnType<typeof setTimeout> | undefined

  /** Takes over `stream`: from here on nobody else may read it or write to it. */
  constructor(stream: Duplex, handler: ChannelHandler) {
    this.stream = stream
    this.#duplex = stream as unknown as AnyDuplex
    const packets = this.#duplex.readableObjectMode === true
    this.#encoder = packets ? new PacketEncoder() : new StreamEncoder()
    this.#decoder = packets ? new PacketDecoder() : new StreamDecoder()
    this.#flushAtBytes = packets ? 1 : Math.max(1, this.#duplex.writableHighWaterMark ?? USUAL_HIGH_WATER_MARK)
    this.#handler = handler
    this.#duplex.on('error', this.#onError)
    this.#duplex.on('close', this.#onClose)
    this.#duplex.on('end', this.#onEnd)
    this.#duplex.on('drain', this.#onDrain)
    this.#duplex.on('data', this.#onData)
    this.#guard(() => this.#duplex.resume())
    if (this.#duplex.destroyed) afterInput(() => this.#close('failed', undefined))
  }

  /** Another listener from the next message on, also of a batch that is being handed over. */
  set handler(handler: ChannelHandler) {
    this.#handler = handler
  }

  get open(): boolean {
    return this.#state === 'open'
  }

  /** Whether the Duplex takes more without a drain. */
  get writable(): boolean {
    return this.#state === 'open' && !this.#needsDrain
  }

  /** Queues a message for the next `flush`; flushes by itself when the Duplex would be full. */
  send(message: LinkMessage): void {
    if (this.#state !== 'open') return
    this.#encoder.encode(message)
    if (this.#encoder.pendingBytes >= this.#flushAtBytes) this.flush()
  }

  /** Gives everything queued to the Duplex at once. */
  flush(): void {
    if (this.#state !== 'open' || this.#encoder.pendingBytes === 0) return
    const chunks = this.#encoder.take()
    try {
      this.#write(chunks)
    } catch (error) {
      this.#close('failed', asError(error))
    }
  }

  /** Lifts the limits that hold for the handshake. */
  finishHandshake(): void {
    this.#decoder.finishHandshake()
  }

  /** Stops reading, so that the other end is stopped by its own backpressure. */
  pause(): void {
    if (this.#state !== 'open' || this.#paused) return
    this.#paused = true
    this.#guard(() => this.#duplex.pause())
  }

  resume(): void {
    if (this.#state !== 'open' || !this.#paused || this.#resuming) return
    this.#resuming = true
    afterInput(() => {
      this.#resuming = false
      this.#paused = false
      this.#handOver()
      if (this.#state === 'open' && !this.#paused) this.#guard(() => this.#duplex.resume())
    })
  }

  /** Closes in good order: what was sent still arrives. */
  end(): void {
    if (this.#state !== 'open') return
    this.flush()
    if (this.#state !== 'open') return
    this.#state = 'ending'
    // Closing with unread bytes would make TCP reset the link and throw away what the peer has not read yet.
    this.#lingerTimer = setTimeout(() => this.destroy(), LINGER_MS)
    this.#guard(() => {
      this.#duplex.end()
      this.#duplex.resume()
    })
  }

  /** Closes at once. */
  destroy(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#detach()
    try {
      this.#duplex.destroy()
    } catch {
      // A Duplex that cannot even be destroyed is none of ours any more.
    }
  }

  #write(chunks: readonly Uint8Array[]): void {
    const duplex = this.#duplex
    const many = chunks.length > 1
    let more = true
    if (many) duplex.cork?.()
    for (const chunk of chunks) more = duplex.write(chunk) && more
    if (many) duplex.uncork?.()
    if (!more && !duplex.destroyed) this.#needsDrain = true
  }

  readonly #onData = (chunk: unknown): void => {
    if (this.#state !== 'open') return
    if (!(chunk instanceof Uint8Array)) {
      const bytes = foreignBytes(chunk)
      if (!bytes) {
        this.#close('protocol-error', new ProtocolError('the link delivered something that is not bytes'))
        return
      }
      this.#decoder.push(bytes)
    } else this.#decoder.push(chunk)
    if (!this.#paused) this.#handOver()
  }

  #handOver(): void {
    if (this.#handing) return
    this.#handing = true
    let count = 0
    try {
      while (this.#state === 'open' && !this.#paused) {
        const message = this.#decoder.next()
        if (!message) break
        this.#handler.message(message)
        if (++count === MESSAGES_PER_TURN) {
          this.pause()
          this.resume()
        }
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#close('protocol-error', error)
    } finally {
      this.#handing = false
    }
    if (this.#state === 'open') this.#handler.batchEnd()
  }

  readonly #onDrain = (): void => {
    if (this.#state !== 'open' || !this.#needsDrain) return
    this.#needsDrain = false
    this.#handler.drained()
  }

  readonly #onEnd = (): void => {
    if (this.#state === 'ending') this.destroy()
    else this.#close('ended', undefined)
  }

  readonly #onClose = (): void => {
    if (this.#state === 'ending') this.destroy()
    else this.#close('ended', undefined)
  }

  readonly #onError = (error: unknown): void => {
    if (this.#state === 'ending') this.destroy()
    else this.#close('failed', asError(error))
  }

  #close(how: ChannelEnd, error: Error | undefined): void {
    if (this.#state !== 'open') return
    this.destroy()
    this.#handler.closed(how, error)
  }

  /** The error listener stays: a Duplex may fail again after it is closed, and nobody else listens. */
  #detach(): void {
    if (this.#lingerTimer) clearTimeout(this.#lingerTimer)
    this.#duplex.removeListener('data', this.#onData)
    this.#duplex.removeListener('drain', this.#onDrain)
    this.#duplex.removeListener('end', this.#onEnd)
    this.#duplex.removeListener('close', this.#onClose)
  }

  #guard(action: () => void): void {
    try {
      action()
    } catch (error) {
      if (this.#state === 'ending') this.destroy()
      else this.#close('failed', asError(error))
    }
  }
}

/** Bytes from another realm, where `instanceof` does not hold. */
function foreignBytes(chunk: unknown): Uint8Array | undefined {
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk)
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.byteLength)
  return undefined
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
