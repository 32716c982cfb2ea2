// One Duplex as a channel of link messages: parses what arrives without copying, sends what is to go out as one
// vectored write, and keeps whatever a Duplex may do wrong away from the rest.
//
// The Duplex may call back at any moment, also from inside of what is called on it here. Such calls are only noted, and
// looked at in a turn of their own: a handler is never called from inside a method of the channel.

import { afterInput, soon } from '#platform/loop'
import type { Duplex } from '#platform/stream'
import type { LinkDecoder, LinkEncoder } from './protocol/codec.ts'
import { type LinkMessage, MessageType } from './protocol/messages.ts'
import { PacketDecoder } from './protocol/packet-decoder.ts'
import { PacketEncoder } from './protocol/packet-encoder.ts'
import { ProtocolError } from './protocol/protocol-error.ts'
import { StreamDecoder } from './protocol/stream-decoder.ts'
import { StreamEncoder } from './protocol/stream-encoder.ts'

/** One link reads so much in a turn of the event loop, then others get theirs. */
const TURN_BYTES = 262_144
/** What a message counts besides its payload: a turn ends after 1,024 small ones. */
const MESSAGE_BYTES = TURN_BYTES / 1_024
/** When so many bytes wait for their turn the Duplex is paused; that costs more than to hold a few. */
const STOP_BYTES = 262_144
/** What Node reads into is a multiple of this: 64 KiB of a socket, once this under TLS. A chunk that fills it has more behind it, ... */
const READ_BUFFER_BYTES = 16_384
/** ... and so much makes one batch, for to answer each chunk costs a system call. */
const BATCH_BYTES = 262_144
/** A Duplex that gives more than this although it was paused is not worth keeping. */
const HELD_BYTES_MAX = 16_777_216
/** Longest wait for the other end to close what was closed here in good order. */
const LINGER_MS = 5_000
/** High water mark of a Duplex that does not tell; that of `streamx`, and of Node before version 22. */
const USUAL_HIGH_WATER_MARK = 16_384

export type ChannelEnd = 'ended' | 'failed' | 'protocol-error'

/** Who listens to a channel. Calls come in order, none after `closed`, and none from inside a method of the channel. */
export interface ChannelHandler {
  /** A `ProtocolError` that it throws ends the channel. */
  message(message: LinkMessage): void
  /** A good many messages have been handed over, or all that were there. */
  batchEnd(): void
  /** The Duplex takes more again. */
  drained(): void
  /** Nothing comes and nothing goes any more; not called for `end` and `destroy` from this side. */
  closed(how: ChannelEnd, error: Error | undefined): void
}

/** What hawser needs of a Duplex, whoever made it: `node:stream`, `readable-stream`, `streamx`. */
interface AnyDuplex {
  readonly destroyed: boolean
  readonly errored?: Error | null
  /** Of a `tls.TLSSocket`, always. */
  readonly encrypted?: boolean
  readonly readableEnded?: boolean
  readonly readableObjectMode?: boolean
  readonly writableHighWaterMark?: number
  readonly writableNeedDrain?: boolean
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

/**
 * - `open`
 * - `over`: the Duplex gives and takes nothing more; what it gave before is still handed over, then `closed` is called
 * - `ending`: ended from this side, until the other end has ended, too; what still comes is thrown away
 * - `closed`
 */
type ChannelState = 'open' | 'over' | 'ending' | 'closed'

export class LinkChannel {
  /** The Duplex as it was given. */
  readonly stream: Duplex
  /** What the path damages is noticed before it becomes a message. */
  readonly checksummed: boolean
  /** The Duplex itself fails rather than deliver anything but what was sent. */
  readonly authenticated: boolean
  readonly #duplex: AnyDuplex
  readonly #encoder: LinkEncoder
  readonly #decoder: LinkDecoder
  readonly #flushAtBytes: number
  #handler: ChannelHandler
  #state: ChannelState = 'open'
  /** Of the states `over` and `closed`: what the handler is told. */
  #how: ChannelEnd = 'ended'
  #error: Error | undefined

  #needsDrain: boolean
  #drainSeen = false
  #drainUntold = false
  /** The handler wants no messages. */
  #paused = false
  /** The Duplex was paused. */
  #stopped = false
  #heldBytes = 0
  /** Nothing is handed over before the turn. */
  #turnScheduled = false
  #turnLeftBytes = TURN_BYTES
  #handing = false
  /** Bytes of the batch that is being handed over, and whether the last chunk of it was short. */
  #batchBytes = 0
  #batchComplete = false
  /** Messages were handed over since the last batch ended. */
  #batchOpen = false
  #batchEndScheduled = false
  /** A method of the Duplex is running. */
  #calling = false
  #otherEnded = false
  #finished = false
  #lingerTimer: ReturnType<typeof setTimeout> | undefined

  /**
   * Takes over `stream`: from here on nobody else may read it or write to it. Whatever state it is in, the handler
   * that is set until the end of this turn learns everything.
   *
   * @param authenticated - whether it fails rather than deliver anything but what was sent; unless told, TLS does
   */
  constructor(stream: Duplex, handler: ChannelHandler, authenticated?: boolean) {
    this.stream = stream
    this.#duplex = stream as unknown as AnyDuplex
    const packets = this.#duplex.readableObjectMode === true
    this.checksummed = !packets
    this.authenticated = authenticated ?? this.#duplex.encrypted === true
    this.#encoder = packets ? new PacketEncoder() : new StreamEncoder()
    this.#decoder = packets ? new PacketDecoder() : new StreamDecoder()
    this.#flushAtBytes = packets ? 1 : Math.max(1, this.#duplex.writableHighWaterMark ?? USUAL_HIGH_WATER_MARK)
    this.#needsDrain = this.#duplex.writableNeedDrain === true
    this.#handler = handler
    this.#call(() => {
      this.#duplex.on('error', this.#onError)
      this.#duplex.on('close', this.#onClose)
      this.#duplex.on('end', this.#onEnd)
      this.#duplex.on('finish', this.#onFinish)
      this.#duplex.on('drain', this.#onDrain)
      this.#duplex.on('data', this.#onData)
      this.#duplex.resume()
    })
    this.#scheduleTurn(soon)
    const { destroyed, errored, readableEnded } = this.#duplex
    if (destroyed || errored) this.#endWith('failed', errored ?? undefined)
    else if (readableEnded) this.#endWith('ended', undefined)
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

  /** Queues a message for the next `flush`; flushes by itself when the Duplex would be full, and tells it. */
  send(message: LinkMessage): boolean {
    if (this.#state !== 'open') return false
    this.#encoder.encode(message)
    if (this.#encoder.pendingBytes < this.#flushAtBytes) return false
    this.flush()
    return true
  }

  /** Gives everything queued to the Duplex at once. */
  flush(): void {
    if (this.#state !== 'open' || this.#encoder.pendingBytes === 0) return
    const chunks = this.#encoder.take()
    const outer = this.#calling
    this.#calling = true
    try {
      this.#write(chunks)
    } catch (error) {
      this.#endWith('failed', asError(error))
    } finally {
      this.#calling = outer
    }
  }

  /**
   * Lifts the limits that hold for the handshake.
   *
   * @param authenticatedThere - the other end holds the link for authenticated, too: payload needs no checksum
   */
  finishHandshake(payloadBytesMax: number, authenticatedThere: boolean): void {
    const payloadChecked = !(this.authenticated && authenticatedThere)
    this.#decoder.finishHandshake(payloadBytesMax, payloadChecked)
    this.#encoder.finishHandshake(payloadChecked)
  }

  /** Stops reading, so that the other end is stopped by its own backpressure. */
  pause(): void {
    if (this.#state !== 'open' || this.#paused) return
    this.#paused = true
    this.#stop()
  }

  /** Goes on reading after a round of I/O. */
  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#scheduleTurn(afterInput)
  }

  /** Closes in good order: what was sent still arrives. */
  end(): void {
    this.flush()
    if (this.#state !== 'open') {
      if (this.#state === 'over') this.destroy()
      return
    }
    this.#state = 'ending'
    // Closing with unread bytes would make TCP reset the link and throw away what the peer has not read yet.
    this.#lingerTimer = setTimeout(() => this.destroy(), LINGER_MS)
    this.#lingerTimer.unref?.()
    this.#call(() => {
      this.#duplex.end()
      this.#duplex.resume()
    })
  }

  /** Closes at once. */
  destroy(): void {
    if (this.#state === 'closed') return
    const held = this.#state !== 'over'
    this.#state = 'closed'
    if (held) this.#letGo()
  }

  #write(chunks: readonly Uint8Array[]): void {
    const duplex = this.#duplex
    const many = chunks.length > 1
    let full = false
    this.#drainSeen = false
    if (many) duplex.cork?.()
    for (const chunk of chunks) if (duplex.write(chunk) === false) full = true
    if (many) duplex.uncork?.()
    // It need not tell: 'close' may be switched off.
    if (duplex.destroyed) this.#endWith('failed', duplex.errored ?? undefined)
    else if (full) this.#needsDrain = duplex.writableNeedDrain ?? !this.#drainSeen
  }

  // ---------------------------------------------------------------- handing over

  readonly #onData = (chunk: unknown): void => {
    if (this.#state !== 'open') return
    const bytes = chunk instanceof Uint8Array ? chunk : foreignBytes(chunk)
    if (bytes === undefined) {
      this.#endWith('protocol-error', new ProtocolError('the link delivered something that is not bytes'))
      return
    }
    this.#decoder.push(bytes)
    this.#batchBytes += bytes.length
    this.#batchComplete = bytes.length % READ_BUFFER_BYTES !== 0 || this.#batchBytes >= BATCH_BYTES
    if (this.#turnScheduled || this.#paused || this.#calling) this.#hold(bytes.length)
    // What is part of a longer message has been read, too.
    else if (!this.#handing && !this.#handOver()) this.#spend(bytes.length)
  }

  /** A chunk came that must wait. The Duplex is only paused when there are many of them, for that costs more. */
  #hold(bytes: number): void {
    if (!this.#paused) this.#scheduleTurn(this.#calling ? soon : afterInput)
    this.#heldBytes += bytes
    if (this.#heldBytes > HELD_BYTES_MAX) this.#endWith('failed', new Error('the link gives bytes although it is paused'))
    else if (this.#heldBytes >= STOP_BYTES && !this.#calling) this.#stop()
  }

  /** Returns whether there was a message. */
  #handOver(): boolean {
    let handed = false
    this.#handing = true
    try {
      while (this.#mayHandOver) {
        const message = this.#decoder.next()
        if (message === undefined) break
        handed = true
        const hasPayload = message.type === MessageType.Data || message.type === MessageType.TestData
        this.#handler.message(message)
        this.#spend(hasPayload ? MESSAGE_BYTES + message.bytes : MESSAGE_BYTES)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        // The handler's own mistake, which is for whoever catches it; the other messages must not wait for new ones.
        this.#scheduleTurn(afterInput)
        throw error
      }
      this.#endWith('protocol-error', error)
    } finally {
      this.#handing = false
    }
    if (!handed) return false
    this.#batchOpen = true
    if (this.#batchComplete) this.#endBatch()
    else if (!this.#batchEndScheduled) {
      this.#batchEndScheduled = true
      afterInput(this.#endBatchLater)
    }
    return true
  }

  #spend(bytes: number): void {
    this.#turnLeftBytes -= bytes
    if (this.#turnLeftBytes <= 0) this.#scheduleTurn(afterInput)
  }

  readonly #endBatchLater = (): void => {
    this.#batchEndScheduled = false
    if (this.#batchOpen) this.#endBatch()
  }

  #endBatch(): void {
    this.#batchBytes = 0
    this.#batchOpen = false
    if (this.#state === 'open' || this.#state === 'over') this.#handler.batchEnd()
  }

  get #mayHandOver(): boolean {
    if (this.#turnScheduled) return false
    // Whoever paused does it for the sake of a link that is there no more.
    return this.#state === 'open' ? !this.#paused : this.#state === 'over' && this.#how !== 'protocol-error'
  }

  #scheduleTurn(by: (task: () => void) => void): void {
    if (this.#turnScheduled) return
    this.#turnScheduled = true
    by(this.#takeTurn)
  }

  readonly #takeTurn = (): void => {
    this.#turnScheduled = false
    this.#turnLeftBytes = TURN_BYTES
    if (this.#drainUntold) this.#tellDrain()
    this.#handOver()
    if (this.#turnScheduled) return
    if (this.#state === 'over') this.#conclude()
    else if (this.#state === 'open' && !this.#paused) this.#goOn()
  }

  /** Lets the Duplex give no more for now. */
  #stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#call(() => this.#duplex.pause())
  }

  #goOn(): void {
    this.#heldBytes = 0
    if (!this.#stopped) return
    this.#stopped = false
    this.#call(() => this.#duplex.resume())
  }

  readonly #onDrain = (): void => {
    this.#drainSeen = true
    if (this.#state !== 'open' || !this.#needsDrain) return
    this.#needsDrain = false
    this.#drainUntold = true
    if (this.#calling) this.#scheduleTurn(soon)
    else this.#tellDrain()
  }

  #tellDrain(): void {
    this.#drainUntold = false
    if (this.writable) this.#handler.drained()
  }

  // ---------------------------------------------------------------- the end

  readonly #onEnd = (): void => {
    this.#otherEnded = true
    if (this.#state === 'open') this.#endWith('ended', undefined)
    else if (this.#finished) this.destroy()
  }

  readonly #onFinish = (): void => {
    this.#finished = true
    if (this.#state === 'ending' && this.#otherEnded) this.destroy()
  }

  readonly #onClose = (): void => {
    this.#endWith('failed', undefined)
  }

  readonly #onError = (error: unknown): void => {
    this.#endWith('failed', asError(error))
  }

  /** The Duplex is of no more use. */
  #endWith(how: ChannelEnd, error: Error | undefined): void {
    if (this.#state === 'ending') this.destroy()
    if (this.#state !== 'open' && (this.#state !== 'over' || how !== 'protocol-error')) return
    this.#how = how
    this.#error = error
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#letGo()
    this.#scheduleTurn(soon)
  }

  #conclude(): void {
    this.#state = 'closed'
    this.#handler.closed(this.#how, this.#error)
  }

  /** Leaves one listener: a Duplex may fail again after it is closed, and nobody else listens. */
  #letGo(): void {
    clearTimeout(this.#lingerTimer)
    const duplex = this.#duplex
    duplex.on('error', ignoreError)
    duplex.removeListener('error', this.#onError)
    duplex.removeListener('close', this.#onClose)
    duplex.removeListener('end', this.#onEnd)
    duplex.removeListener('finish', this.#onFinish)
    duplex.removeListener('drain', this.#onDrain)
    duplex.removeListener('data', this.#onData)
    try {
      duplex.destroy()
    } catch {
      // A Duplex that cannot even be destroyed is none of ours any more.
    }
  }

  #call(action: () => void): void {
    const outer = this.#calling
    this.#calling = true
    try {
      action()
    } catch (error) {
      this.#endWith('failed', asError(error))
    } finally {
      this.#calling = outer
    }
  }
}

function ignoreError(): void {}

/** Bytes of another kind or from another realm, where `instanceof` does not hold. */
function foreignBytes(chunk: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.byteLength)
  const kind = Object.prototype.toString.call(chunk)
  if (kind === '[object ArrayBuffer]' || kind === '[object SharedArrayBuffer]') return new Uint8Array(chunk as ArrayBuffer)
  return undefined
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
