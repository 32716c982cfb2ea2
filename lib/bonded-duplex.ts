// The part of the interface of `net.Socket` that needs little of the connection: addresses and options of the sockets below,
// the idle timeout, and the types of the events.

import { Duplex } from '#platform/stream'
import { type Addresses, addressesOf } from './addresses.ts'
import { HawserError } from './errors.ts'
import { IdleTimer } from './idle-timer.ts'
import type { Link } from './link.ts'
import { type KeepAliveOptions, LinkSettings } from './link-settings.ts'
import type { AnyListener, SocketEvents } from './socket-events.ts'

export abstract class BondedDuplex extends Duplex {
  readonly #settings = new LinkSettings()
  #addresses: Addresses | undefined
  readonly #idle = new IdleTimer(
    () => this.emit('timeout'),
    () => this.queuedBytes,
  )

  /** The present links. */
  abstract get links(): readonly Link[]

  /** @internal Bytes of a long write under way. */
  protected abstract get queuedBytes(): number

  /** @internal Somebody listens to `stats`. */
  protected abstract startStats(): void

  /** @internal A link joined: it gets the settings, and the first one that has addresses gives them. */
  protected takeLink({ stream }: Link): void {
    this.#settings.apply(stream)
    this.#addresses ??= addressesOf(stream)
  }

  /** @internal Bytes moved. */
  protected markActive(): void {
    this.#idle.touch()
  }

  /** @internal */
  protected stopTimeout(): void {
    this.#idle.stop()
  }

  /** @internal */
  protected forgetAddresses(): void {
    this.#addresses = undefined
  }

  /** Addresses are those of the first link that has any; they stay readable after the end. */
  get remoteAddress(): string | undefined {
    return this.#addresses?.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.#addresses?.remotePort
  }

  get remoteFamily(): string | undefined {
    return this.#addresses?.remoteFamily
  }

  get localAddress(): string | undefined {
    return this.#addresses?.localAddress
  }

  get localPort(): number | undefined {
    return this.#addresses?.localPort
  }

  get localFamily(): string | undefined {
    return this.#addresses?.localFamily
  }

  address(): { address: string; family: string; port: number } | Record<string, never> {
    const { localAddress: address, localFamily: family, localPort: port } = this
    return address !== undefined && family !== undefined && port !== undefined ? { address, family, port } : {}
  }

  setNoDelay(noDelay = true): this {
    this.#settings.setNoDelay(Boolean(noDelay))
    return this.#applySettings()
  }

  /** Times in milliseconds; `interval` and `count` reach links whose `setKeepAlive` knows them: sockets of Node 24.19, 26.4 and later. */
  setKeepAlive(options: KeepAliveOptions): this
  setKeepAlive(enable?: boolean, initialDelay?: number, interval?: number, count?: number): this
  setKeepAlive(first: boolean | KeepAliveOptions = false, initialDelay?: number, interval?: number, count?: number): this {
    const options = typeof first === 'object' && first !== null ? first : { enable: first, initialDelay, interval, count }
    this.#settings.setKeepAlive(options)
    return this.#applySettings()
  }

  /** What was set, 0 at first; whether a link carries it is up to Node (24.15, 25.6 and later) and the system. */
  getTypeOfService(): number {
    return this.#settings.typeOfService
  }

  /**
   * Sets the field of the same name of IPv4 packets, the traffic class of IPv6 packets. What the system does not take is
   * not reported.
   *
   * @param tos - 0 to 255
   * @throws {HawserError} `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`
   */
  setTypeOfService(tos: number): this {
    this.#settings.setTypeOfService(tos)
    return this.#applySettings()
  }

  #applySettings(): this {
    for (const { stream } of this.links) this.#settings.apply(stream)
    return this
  }

  get timeout(): number | undefined {
    return this.#idle.timeoutMs
  }

  /** Emits `timeout` after `timeoutMs` without reading or writing; 0 stops that. Never closes anything by itself. */
  setTimeout(timeoutMs: number, callback?: () => void): this {
    if (this.destroyed) return this
    if (callback !== undefined && typeof callback !== 'function') {
      throw new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', 'The "callback" argument must be of type function')
    }
    this.#idle.set(timeoutMs)
    if (callback && timeoutMs === 0) this.removeListener('timeout', callback)
    else if (callback) this.once('timeout', callback)
    return this
  }

  override on<Name extends keyof SocketEvents>(name: Name, listener: (...args: SocketEvents[Name]) => void): this
  override on(name: string | symbol, listener: AnyListener): this
  override on(name: string | symbol, listener: AnyListener): this {
    super.on(name, listener)
    if (name === 'stats') this.startStats()
    return this
  }

  override addListener<Name extends keyof SocketEvents>(name: Name, listener: (...args: SocketEvents[Name]) => void): this
  override addListener(name: string | symbol, listener: AnyListener): this
  override addListener(name: string | symbol, listener: AnyListener): this {
    return this.on(name, listener)
  }

  override once<Name extends keyof SocketEvents>(name: Name, listener: (...args: SocketEvents[Name]) => void): this
  override once(name: string | symbol, listener: AnyListener): this
  override once(name: string | symbol, listener: AnyListener): this {
    return super.once(name, listener)
  }
}
