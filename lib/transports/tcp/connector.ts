// Outgoing TCP links: one per local interface and remote address, following changes of both.

import type { BlockList, LookupFunction, TcpSocketConnectOpts } from 'node:net'
import { Socket, type SocketConstructorOpts } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { MAX_DURATION_MS } from '../../config.ts'
import { HawserError } from '../../errors.ts'
import { boundSocket } from '../../platform/bind-interface.ts'
import type { ConnectTransport, LinkTag } from '../transport.ts'
import { type IpAddress, parseAddress } from './address.ts'
import { type Clock, systemClock, type Wait, wait } from './clock.ts'
import { dial } from './dial.ts'
import { systemError } from './errors.ts'
import { type Interfaces, type Route, routesTo } from './interfaces.ts'
import { acceptsLink, type FilteredLink, type TcpLinkFilterMode } from './link-filter.ts'
import { HostResolver, type LookupListener, parseTarget, type Remote, type Target } from './resolve.ts'
import { ignoreErrors, setUpSocket, TCP_HIGH_WATER_MARK, type TcpSocketOptions } from './socket-options.ts'
import { TcpLinkTag } from './tag.ts'

export interface TcpConnectorOptions extends TcpSocketOptions {
  /** Host name or address, or several; each may carry a port of its own: `name:5800`, `[::1]:5800`. @defaultValue 'localhost' */
  readonly host?: string | readonly string[] | undefined
  /** Further hosts. */
  readonly hosts?: readonly string[] | undefined
  /** Port of the hosts that carry none. */
  readonly port?: number | string | undefined
  /** IP version; 0 means both. @defaultValue 0 */
  readonly family?: 0 | 4 | 6 | 'IPv4' | 'IPv6' | undefined
  /** For `dns.lookup`. @defaultValue 0 */
  readonly hints?: number | undefined
  /** As for `net.connect`; called with `all: true`. @defaultValue dns.lookup */
  readonly lookup?: LookupFunction | undefined
  /** Addresses that are not connected to. */
  readonly blockList?: BlockList | undefined
  /** Connect from this address, and only over its interface. */
  readonly localAddress?: string | undefined
  /** Connect from this port. Only useful with a single link. */
  readonly localPort?: number | undefined
  /**
   * Make a link over every local interface; otherwise one to each address, over the interface that the system chooses.
   * @defaultValue true, on Android false
   */
  readonly multiInterface?: boolean | undefined
  /** Which interfaces to use. @defaultValue all but those whose name begins with `ifb` */
  readonly interfaceFilter?: ((name: string, addresses: readonly NetworkInterfaceInfo[]) => boolean) | undefined
  /**
   * Bind sockets to their interface where the system allows it, not only to its address. Without that Linux and macOS
   * send everything through the interface of the default route, unless they have rules by source address.
   * @defaultValue true
   */
  readonly bindInterface?: boolean | undefined
  /** @defaultValue 'interface-interface' */
  readonly linkFilter?: TcpLinkFilterMode | undefined
  /** How often host names and local interfaces are looked at again. Milliseconds. @defaultValue 10,000, as in aggligator */
  readonly resolveInterval?: number | undefined
  /** Milliseconds. @defaultValue 10,000 */
  readonly connectTimeout?: number | undefined
  /** Shorter, for the first attempt to each address but the one listed last. Milliseconds. @defaultValue `connectTimeout` */
  readonly firstConnectTimeout?: number | undefined
  /** Only the first address of every host. @defaultValue false */
  readonly firstAddressOnly?: boolean | undefined
  /** Told of what the connector does. */
  readonly observer?: TcpConnectObserver | undefined
}

/** Listeners must not throw. */
export interface TcpConnectObserver {
  /** Of the first lookup of a name, once for each address, or once with the error. */
  lookup?(error: Error | null, address: string | undefined, family: number | undefined, host: string): void
  connectionAttempt?(address: string, port: number, family: number): void
  connectionAttemptFailed?(address: string, port: number, family: number, error: Error): void
  connectionAttemptTimeout?(address: string, port: number, family: number): void
}

/** What the connector takes from the system, so that tests can decide it. */
export interface TcpSystem extends Clock {
  networkInterfaces(): Interfaces
}

const RESOLVE_INTERVAL_MS = 10_000
const CONNECT_TIMEOUT_MS = 10_000
/** After a link failed interfaces and hosts are looked at again so soon, but once only. */
const RECHECK_MS = 1_000

/**
 * Makes a transport of outgoing TCP links.
 *
 * @throws {HawserError} for options that make no sense: no port, a port out of range, something that is no host
 */
export function tcpConnector(options: TcpConnectorOptions = {}): TcpConnector {
  return new TcpConnector(options)
}

/** May serve several connections at the same time. Its timers never keep the process alive; its sockets do. */
export class TcpConnector implements ConnectTransport {
  readonly name = 'tcp'
  readonly #options: TcpConnectorOptions
  readonly #system: TcpSystem
  readonly #targets: readonly Target[]
  readonly #family: 0 | 4 | 6
  readonly #localAddress: IpAddress | undefined
  readonly #filterMode: TcpLinkFilterMode
  readonly #resolveIntervalMs: number
  readonly #connectTimeoutMs: number
  readonly #firstConnectTimeoutMs: number
  /** The tag listed last in the first round, and those that were tried. */
  #lastKey: string | undefined
  readonly #triedKeys = new Set<string>()
  readonly #pauses = new Set<() => void>()

  constructor(options: TcpConnectorOptions, system: TcpSystem = nodeSystem) {
    this.#options = options
    this.#system = system
    this.#targets = targetsOf(options)
    this.#family = checkedFamily(options.family)
    this.#localAddress = checkedLocalAddress(options.localAddress)
    this.#filterMode = checkedFilter(options.linkFilter ?? 'interface-interface')
    this.#resolveIntervalMs = checkedDuration('resolveInterval', options.resolveInterval ?? RESOLVE_INTERVAL_MS)
    checkFunction('interfaceFilter', options.interfaceFilter)
    checkFunction('socketSetup', options.socketSetup)
    this.#connectTimeoutMs = checkedDuration('connectTimeout', options.connectTimeout ?? CONNECT_TIMEOUT_MS)
    this.#firstConnectTimeoutMs = checkedDuration('firstConnectTimeout', options.firstConnectTimeout ?? this.#connectTimeoutMs)
  }

  /**
   * The links that could exist, again whenever hosts or interfaces change.
   *
   * Throws when there is none to begin with: the error of the lookup, or `ENETUNREACH`. Later an empty list says so.
   */
  async *tags(signal: AbortSignal): AsyncGenerator<readonly TcpLinkTag[], void, void> {
    const { hints, lookup, firstAddressOnly, observer } = this.#options
    const onLookup: LookupListener = (...outcome) => observer?.lookup?.(...outcome)
    const resolve = { family: this.#family, hints, lookup, all: !firstAddressOnly, onLookup }
    const resolver = new HostResolver(this.#targets, resolve, this.#system)
    let before: string | undefined
    while (!signal.aborted) {
      const remotes = await resolver.resolve(signal)
      if (signal.aborted) return
      const tags = this.#tagsTo(remotes)
      if (tags.length === 0 && before === undefined) throw this.#unreachable(remotes, resolver.error)
      this.#lastKey ??= tags.at(-1)?.key
      const now = tags.map(tag => `${tag.key} ${tag.localAddress}`).join('\n')
      if (now !== before) yield tags
      before = now
      await this.#pause(signal)
    }
  }

  /**
   * Connects. The socket is handed over connected, not flowing, with nothing lost; from then on it is the caller's. A
   * listener for `error` stays on it, so it never throws by itself: look at `errored` or `destroyed` when taking it over.
   * Rejects with Node's own error, or `connect-timeout`; leaves nothing open then.
   */
  async connect(tag: LinkTag, signal: AbortSignal): Promise<Socket> {
    const socket = await this.#connected(tag, signal).catch((error: unknown) => {
      this.#checkSoon()
      throw error
    })
    socket.once('close', () => this.#checkSoon())
    return socket
  }

  filter(link: FilteredLink, existing: readonly FilteredLink[]): boolean {
    return acceptsLink(this.#filterMode, link, existing)
  }

  async #connected(tag: LinkTag, signal: AbortSignal): Promise<Socket> {
    if (!(tag instanceof TcpLinkTag) || tag.remoteAddress === undefined || tag.remotePort === undefined) {
      throw new TypeError(`not a tag of an outgoing TCP link: ${tag}`)
    }
    const route = this.#routeOf(tag, tag.remoteAddress)
    const { socket, localAddress } = await this.#socketFor(route, tag.family ?? 4)
    ignoreErrors(socket)
    const { localPort } = this.#options
    const to: TcpSocketConnectOpts = {
      host: route?.remoteAddress ?? tag.remoteAddress,
      port: tag.remotePort,
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(localPort === undefined ? {} : { localPort }),
    }
    await this.#dial(socket, tag, to, signal)
    try {
      setUpSocket(socket, tag, this.#options)
    } catch (error) {
      socket.destroy()
      throw error
    }
    return socket
  }

  async #dial(socket: Socket, tag: TcpLinkTag, to: TcpSocketConnectOpts, signal: AbortSignal): Promise<void> {
    const { observer } = this.#options
    const attempt = [to.host ?? '', to.port, tag.family ?? 4] as const
    observer?.connectionAttempt?.(...attempt)
    try {
      await dial(socket, to, this.#timeoutMsOf(tag), this.#system, signal)
    } catch (error) {
      if (!signal.aborted) {
        const timedOut = error instanceof HawserError && error.reason === 'connect-timeout'
        if (timedOut) observer?.connectionAttemptTimeout?.(...attempt)
        else observer?.connectionAttemptFailed?.(...attempt, error as Error)
      }
      throw error
    }
  }

  #timeoutMsOf({ key }: TcpLinkTag): number {
    if (key === this.#lastKey || this.#triedKeys.has(key)) return this.#connectTimeoutMs
    this.#triedKeys.add(key)
    return Math.min(this.#firstConnectTimeoutMs, this.#connectTimeoutMs)
  }

  /** The addresses of the interface may have changed since the tag was made. */
  #routeOf(tag: TcpLinkTag, remoteAddress: string): Route | undefined {
    if (tag.interface === undefined) return undefined
    const remote = parseAddress(remoteAddress)
    const route = remote && this.#routesTo(this.#interfaces(), remote).find(candidate => candidate.interface === tag.interface)
    if (!route) throw systemError('bind', 'EADDRNOTAVAIL', tag.localAddress)
    return route
  }

  /**
   * A socket bound to the interface, if possible, and the local address it needs to be bound to besides. If the interface
   * has only one the socket gets that as well, for the sake of routes by source; otherwise the system knows better.
   */
  async #socketFor(route: Route | undefined, family: 4 | 6): Promise<{ socket: Socket; localAddress?: string | undefined }> {
    const highWaterMark = this.#options.highWaterMark ?? TCP_HIGH_WATER_MARK
    const options = { highWaterMark } as SocketConstructorOpts // Duplex takes it, the types do not know
    const { localAddress, bindInterface = true } = this.#options
    if (!route || route.internal) return { socket: new Socket(options), localAddress }
    const bound = bindInterface ? await boundSocket(route.interface, family, options) : undefined
    if (!bound) return { socket: new Socket(options), localAddress: localAddress ?? route.localAddress }
    return { socket: bound, localAddress: localAddress ?? (route.onlyAddress ? route.localAddress : undefined) }
  }

  #tagsTo(remotes: readonly Remote[]): TcpLinkTag[] {
    const { blockList, multiInterface = process.platform !== 'android' } = this.#options
    const interfaces = multiInterface ? this.#interfaces() : undefined
    return remotes
      .filter(remote => !isBlocked(remote, blockList))
      .flatMap(remote => {
        const tags = this.#routesTo(interfaces, remote).map(route => tagOver(route, remote))
        return tags.length > 0 || (interfaces && !this.#localAddress) ? tags : this.#tagOverAny(remote)
      })
  }

  /** No interface is known to have the local address, or none was asked for. */
  #tagOverAny({ address, zone, port: remotePort, family }: Remote): TcpLinkTag[] {
    if (this.#localAddress && this.#localAddress.family !== family) return []
    const { localAddress } = this.#options
    const remoteAddress = zone === undefined ? address : `${address}%${zone}`
    return [new TcpLinkTag({ direction: 'outgoing', localAddress, remoteAddress, remotePort, family })]
  }

  #routesTo(interfaces: Interfaces | undefined, remote: IpAddress): Route[] {
    return interfaces ? routesTo(interfaces, remote, this.#localAddress) : []
  }

  /** `undefined` where the system does not tell: some sandboxes do not. */
  #interfaces(): Interfaces | undefined {
    const { interfaceFilter = isUseful } = this.#options
    let all: Interfaces
    try {
      all = this.#system.networkInterfaces()
    } catch {
      return undefined
    }
    return Object.fromEntries(Object.entries(all).filter(([name, addresses = []]) => interfaceFilter(name, addresses)))
  }

  #unreachable(remotes: readonly Remote[], lookupError: Error | undefined): Error {
    const [remote] = remotes
    if (!remote) return lookupError ?? new HawserError('ERR_MISSING_ARGS', 'invalid-argument', 'no host given')
    if (isBlocked(remote, this.#options.blockList)) return blocked(remote)
    return systemError('connect', 'ENETUNREACH', remote.address, remote.port)
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const pause = wait(this.#system, this.#resolveIntervalMs, signal)
    let recheck: Wait | undefined
    const checkSoon = () => {
      if (recheck) return
      recheck = wait(this.#system, Math.min(RECHECK_MS, this.#resolveIntervalMs), signal)
      void recheck.over.then(pause.end)
    }
    this.#pauses.add(checkSoon)
    await pause.over
    this.#pauses.delete(checkSoon)
    recheck?.end()
  }

  /** A link failed: perhaps its interface or the server's address is gone. */
  #checkSoon(): void {
    for (const checkSoon of this.#pauses) checkSoon()
  }
}

const nodeSystem: TcpSystem = { ...systemClock, networkInterfaces }

function tagOver({ interface: name, localAddress, remoteAddress }: Route, { port: remotePort, family }: Remote): TcpLinkTag {
  return new TcpLinkTag({ direction: 'outgoing', interface: name, localAddress, remoteAddress, remotePort, family })
}

/** Intermediate functional blocks shape incoming traffic; nothing goes out through them. */
function isUseful(interfaceName: string): boolean {
  return !interfaceName.startsWith('ifb')
}

function isBlocked({ address, family }: Remote, blockList: BlockList | undefined): boolean {
  return blockList?.check(address, family === 4 ? 'ipv4' : 'ipv6') ?? false
}

function blocked({ address }: Remote): NodeJS.ErrnoException {
  return Object.assign(new Error(`IP(${address}) is blocked by net.BlockList`), { code: 'ERR_IP_BLOCKED' })
}

function targetsOf({ host, hosts = [], port }: TcpConnectorOptions): Target[] {
  const first = Array.isArray(host) ? host : host ? [host] : []
  const all = [...first, ...hosts]
  return (all.length === 0 ? ['localhost'] : all).map(text => parseTarget(text, port))
}

function checkedFilter(mode: TcpLinkFilterMode): TcpLinkFilterMode {
  if (mode === 'interface-interface' || mode === 'interface-ip' || mode === 'none') return mode
  throw invalid(`linkFilter must be 'interface-interface', 'interface-ip' or 'none', not ${JSON.stringify(mode)}`)
}

function checkedFamily(family: TcpConnectorOptions['family']): 0 | 4 | 6 {
  if (family === undefined || family === 0) return 0
  if (family === 4 || family === 'IPv4') return 4
  if (family === 6 || family === 'IPv6') return 6
  throw invalid(`family must be 0, 4 or 6, not ${JSON.stringify(family)}`)
}

function checkedLocalAddress(text: string | undefined): IpAddress | undefined {
  if (text === undefined) return undefined
  const ip = parseAddress(text)
  if (!ip) throw new HawserError('ERR_INVALID_IP_ADDRESS', 'invalid-argument', `Invalid IP address: ${text}`)
  return ip
}

function checkedDuration(name: string, ms: number): number {
  if (ms > 0 && ms <= MAX_DURATION_MS) return ms
  throw new HawserError(
    'ERR_OUT_OF_RANGE',
    'invalid-argument',
    `${name} must be more than 0 and at most ${MAX_DURATION_MS}, not ${ms}`,
  )
}

function checkFunction(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return
  throw new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', `${name} must be a function`)
}

function invalid(message: string): HawserError {
  return new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', message)
}
