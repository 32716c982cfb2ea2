// Host names of a server: how they are written, and which addresses they have now.

import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { HawserError } from '../../errors.ts'
import { type IpAddress, parseAddress } from './address.ts'
import { type Clock, wait } from './clock.ts'

/** A host to reach and the port on it. */
export interface Target {
  readonly host: string
  readonly port: number
}

export interface Remote extends IpAddress {
  readonly port: number
}

export interface ResolveOptions {
  readonly family: 0 | 4 | 6
  readonly hints?: number | undefined
  readonly lookup?: LookupFunction | undefined
  /** Every address of a host name, not only the first. @defaultValue true */
  readonly all?: boolean | undefined
  /** Told of the first lookup of each name, once for each address. */
  readonly onLookup?: LookupListener | undefined
}

/** The arguments of event `lookup` of `net.Socket`. */
export type LookupListener = (error: Error | null, address: string | undefined, family: number | undefined, host: string) => void

/** Addresses beyond these are ignored: a DNS answer may name hundreds. */
export const MAX_REMOTE_ADDRESSES = 64

/** How long a round waits for host names that take longer once addresses of another, or older ones, are known. */
const PATIENCE_MS = 2_000

/**
 * Reads `name`, `name:port`, `address`, `[address]:port`.
 *
 * @param defaultPort - for hosts that name none
 * @throws {HawserError} `ERR_MISSING_ARGS` without a port, `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_VALUE`,
 * `ERR_INVALID_ARG_TYPE` for what is no text
 */
export function parseTarget(text: string, defaultPort: number | string | undefined): Target {
  if (typeof text !== 'string') throw new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', 'a host must be a string')
  if (parseAddress(text)) return { host: text, port: checkedPort(defaultPort, text) }
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) {
    throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', `not a host: ${JSON.stringify(text)}`)
  }
  return { host, port: checkedPort(match?.[3] ?? defaultPort, text) }
}

function checkedPort(port: number | string | undefined, host: string): number {
  if (port === undefined) {
    throw new HawserError('ERR_MISSING_ARGS', 'invalid-argument', `no port given for ${JSON.stringify(host)}`)
  }
  const number = typeof port === 'string' && port.trim() !== '' ? Number(port) : port
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 65_535) return number
  throw new HawserError('ERR_OUT_OF_RANGE', 'invalid-argument', `port must be from 0 to 65535, not ${port}`)
}

/** Looks up all targets, again and again. A host that cannot be resolved any more keeps the addresses it had. */
export class HostResolver {
  readonly #targets: readonly Target[]
  readonly #options: ResolveOptions
  readonly #clock: Clock
  readonly #known = new Map<Target, readonly Remote[]>()
  readonly #lookups = new Map<Target, Promise<void>>()
  /** Those whose first lookup was told of. */
  readonly #told = new Set<Target>()
  #error: Error | undefined

  constructor(targets: readonly Target[], options: ResolveOptions, clock: Clock) {
    this.#targets = targets
    this.#options = options
    this.#clock = clock
  }

  /** Why the host looked up last has no address. */
  get error(): Error | undefined {
    return this.#error
  }

  /**
   * The addresses of all targets, without duplicates, in the order of targets and answers.
   *
   * Never rejects. Waits for every host, but not long for slow ones if some address is known; their answers count in the
   * next round. When `signal` aborts it gives what is known.
   */
  async resolve(signal: AbortSignal): Promise<readonly Remote[]> {
    const lookups = Promise.all(this.#targets.map(target => this.#lookup(target)))
    let finished = false
    while (!finished && !signal.aborted) {
      const patience = wait(this.#clock, PATIENCE_MS, signal)
      const all = lookups.then(() => {
        finished = true
      })
      await Promise.race([all, patience.over])
      patience.end()
      if (this.#known.size > 0) break
    }
    return this.#addresses()
  }

  async #addressesOf(target: Target): Promise<IpAddress[]> {
    const literal = parseAddress(target.host)
    if (literal) return [literal]
    const { host } = target
    try {
      const answers = await lookedUp(host, this.#options)
      this.#tell(target, listener => {
        for (const { address, family } of answers) listener(null, address, family, host)
      })
      return usable(answers, target)
    } catch (error) {
      this.#tell(target, listener => listener(error as Error, undefined, undefined, host))
      throw error
    }
  }

  /** Of the first lookup only: those that follow repeat it to notice changes. */
  #tell(target: Target, tell: (listener: LookupListener) => void): void {
    const { onLookup } = this.#options
    if (!onLookup || this.#told.has(target)) return
    this.#told.add(target)
    tell(onLookup)
  }

  #addresses(): readonly Remote[] {
    const unique = new Map<string, Remote>()
    for (const target of this.#targets) {
      for (const remote of this.#known.get(target) ?? []) {
        const key = `${remote.address}%${remote.zone ?? ''} ${remote.port}`
        if (unique.size < MAX_REMOTE_ADDRESSES && !unique.has(key)) unique.set(key, remote)
      }
    }
    return [...unique.values()]
  }

  /** One at a time for each host: a system whose resolver hangs must not collect requests. */
  #lookup(target: Target): Promise<void> {
    const running = this.#lookups.get(target)
    if (running) return running
    const lookup = this.#update(target).finally(() => this.#lookups.delete(target))
    this.#lookups.set(target, lookup)
    return lookup
  }

  async #update(target: Target): Promise<void> {
    try {
      const { family } = this.#options
      const addresses = (await this.#addressesOf(target)).filter(ip => family === 0 || ip.family === family)
      if (addresses.length === 0) throw noAddress(target.host)
      const remotes = addresses.map(ip => ({ ...ip, port: target.port }))
      this.#known.set(target, remotes)
    } catch (error) {
      this.#error = error as Error
    }
  }
}

/** A `lookup` of the user's may answer with one address although all were asked for, and with what is none. */
function lookedUp(host: string, options: ResolveOptions): Promise<LookupAddress[]> {
  const { family, hints = 0, lookup = systemLookup, all = true } = options
  return new Promise((resolve, reject) => {
    lookup(host, all ? { all, family, hints } : { family, hints }, (error, address, addressFamily) => {
      if (error) reject(error)
      else if (Array.isArray(address)) resolve(address)
      else resolve([{ address, family: addressFamily ?? 0 }])
    })
  })
}

/** Answers that are none matter only if there is no other. */
function usable(answers: readonly LookupAddress[], { host, port }: Target): IpAddress[] {
  const addresses = answers.flatMap(({ address }) => parseAddress(String(address)) ?? [])
  const [first] = answers
  if (addresses.length > 0 || !first) return addresses
  const text = `Invalid IP address: ${first.address} for ${host}:${port}`
  throw new HawserError('ERR_INVALID_IP_ADDRESS', 'invalid-argument', text)
}

function noAddress(host: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`getaddrinfo ENOTFOUND ${host}`)
  return Object.assign(error, { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: host })
}
