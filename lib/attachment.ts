// Moves bytes between a Duplex and the bond of one connection: the stream half of a socket, from `connect` to `close`.
// A socket that connects again gets a new one.

import type { Duplex } from '#platform/stream'
import { Bond, type BondHandler, type BondOptions } from './bond.ts'
import type { Config } from './config.ts'
import { connectionError, writeRefusedError } from './connection-error.ts'
import type { ConnectionFailure, LinkCloseReason } from './engine/events.ts'
import type { Link } from './link.ts'
import type { OnRead } from './on-read.ts'

/** Calls what it is given once, like those that a Duplex hands to its methods. */
type Callback = (error?: Error | null) => void

/** What the owner of the Duplex is told. */
export interface AttachmentObserver {
  /** Bytes moved. */
  active(): void
  /** Also after `detach`. */
  linkClosed(link: Link, reason: LinkCloseReason, error: Error | undefined): void
  /** The connection is over; also after `detach`. Once. */
  closed(): void
  schedulerFailed(error: Error): void
}

export class Attachment implements BondHandler {
  readonly bond: Bond
  readonly #duplex: Duplex
  readonly #observer: AttachmentObserver
  /** Gets the bytes instead of the Duplex. */
  readonly #onRead: OnRead | undefined
  /** The Duplex takes bytes as they come. */
  #readWanted: boolean
  #bytesRead = 0
  /** The end came while bytes before it still waited, or nobody wanted to know. */
  #endWaiting = false
  #acceptedBytes = 0
  /** Of the write that the bond has not put on its way yet. */
  #writingBytes = 0
  #writeCallback: Callback | undefined
  #finalCallback: Callback | undefined
  #finishSent = false
  #writeRefused = false
  #detached = false

  /** @param readAtOnce - false: take no bytes before the Duplex asks for them */
  constructor(
    duplex: Duplex,
    config: Config,
    observer: AttachmentObserver,
    readAtOnce: boolean,
    bondOptions: BondOptions,
    onRead?: OnRead,
  ) {
    this.#duplex = duplex
    this.#observer = observer
    this.#readWanted = readAtOnce
    this.#onRead = onRead
    this.bond = new Bond(config, this, bondOptions)
  }

  /** Bytes handed to the Duplex, or to who gets them instead. */
  get bytesRead(): number {
    return this.#bytesRead - (this.#onRead?.waitingBytes ?? 0)
  }

  /** Bytes that the Duplex took for writing, those that wait in it included. */
  get bytesWritten(): number {
    return this.#acceptedBytes + this.#waitingBytes
  }

  // ---------------------------------------------------------------- of the Duplex

  read(): void {
    if (this.#onRead) {
      this.#resumeOnRead(this.#onRead)
      return
    }
    this.#readWanted = true
    this.#takeOne()
  }

  write(chunks: readonly Uint8Array[], bytes: number, callback: Callback): void {
    if (this.#writeRefused) {
      callback(writeRefusedError())
      return
    }
    this.#writeCallback = callback
    this.#writingBytes = bytes
    this.#acceptedBytes += bytes
    this.bond.write(chunks)
    this.#observer.active()
  }

  finish(callback: Callback): void {
    this.bond.finish()
    if (this.#finishSent || this.#writeRefused) callback()
    else this.#finalCallback = callback
  }

  /**
   * The Duplex is gone. The bond lives on until the peer has what it took over, and knows that nobody reads here. If
   * bytes that were written are lost the peer must not take what it got for all there was: it gets a forced end.
   *
   * @param error - for the write under way
   */
  detach(error: Error): void {
    const losesBytes = !this.#writeRefused && this.#waitingBytes > 0
    this.#detached = true
    this.#finalCallback = undefined
    this.bond.handler = new Nobody(this.#observer)
    this.#onRead?.drop()
    if (losesBytes) this.bond.terminate()
    this.bond.dropRead()
    this.bond.finish()
    this.bond.linger()
    this.#writeDone(error)
  }

  /** Bytes written that the bond has not been given. */
  get #waitingBytes(): number {
    return Math.max(0, this.#duplex.writableLength - this.#writingBytes)
  }

  #takeOne(): void {
    const piece = this.bond.read()
    if (piece) this.#push(piece)
  }

  /** Whether more is wanted. */
  #push(piece: Uint8Array): boolean {
    this.#bytesRead += piece.byteLength
    this.#observer.active()
    this.#readWanted = false
    if (this.#duplex.push(asBuffer(piece)) && !this.#detached) this.#readWanted = true
    return this.#readWanted
  }

  #resumeOnRead(onRead: OnRead): void {
    this.#guarded(() => onRead.resume())
    this.#readToOnRead(onRead)
    if (this.#endWaiting) this.ended()
  }

  #readToOnRead(onRead: OnRead): void {
    while (onRead.open && onRead.waitingBytes === 0) {
      const piece = this.bond.read()
      if (!piece) return
      this.#bytesRead += piece.byteLength
      this.#observer.active()
      this.#guarded(() => onRead.take(piece))
    }
  }

  /** Without a buffer there is no place for what was received. */
  #guarded(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#duplex.destroy(error as Error)
    }
  }

  #writeDone(error: Error | null): void {
    const callback = this.#writeCallback
    this.#writeCallback = undefined
    this.#writingBytes = 0
    callback?.(error)
  }

  // ---------------------------------------------------------------- of the bond

  readable(): void {
    if (this.#onRead) this.#readToOnRead(this.#onRead)
    if (!this.#readWanted) return
    for (let piece = this.bond.read(); piece; piece = this.bond.read()) {
      if (!this.#push(piece)) return
    }
  }

  ended(): void {
    this.#endWaiting = this.#onRead !== undefined && (this.#onRead.waitingBytes > 0 || !this.#onRead.open)
    if (this.#endWaiting) return
    this.#duplex.push(null)
    // Without it a socket that nobody reads would never emit 'end'.
    this.#duplex.read(0)
  }

  writable(): void {
    this.#observer.active()
    this.#writeDone(null)
  }

  finished(): void {
    this.#finishSent = true
    const callback = this.#finalCallback
    this.#finalCallback = undefined
    callback?.()
  }

  writeRefused(): void {
    this.#writeRefused = true
    this.#writeDone(writeRefusedError())
  }

  linkClosed(link: Link, reason: LinkCloseReason, error: Error | undefined): void {
    this.#observer.linkClosed(link, reason, error)
  }

  closed(failure: ConnectionFailure | undefined, detail: string | undefined): void {
    this.#observer.closed()
    if (failure) this.#duplex.destroy(connectionError(failure, detail))
  }

  hasMore(): boolean {
    return this.#waitingBytes > 0 || this.#duplex.writableNeedDrain
  }

  schedulerFailed(error: Error): void {
    this.#observer.schedulerFailed(error)
  }
}

/** Listens to a bond whose Duplex is gone. */
class Nobody implements BondHandler {
  readonly #observer: AttachmentObserver

  constructor(observer: AttachmentObserver) {
    this.#observer = observer
  }

  readable(): void {}
  ended(): void {}
  writable(): void {}
  finished(): void {}
  writeRefused(): void {}

  linkClosed(link: Link, reason: LinkCloseReason, error: Error | undefined): void {
    this.#observer.linkClosed(link, reason, error)
  }

  closed(): void {
    this.#observer.closed()
  }

  hasMore(): boolean {
    return false
  }

  schedulerFailed(): void {}
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
