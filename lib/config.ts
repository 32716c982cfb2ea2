// Configuration of a connection and its links: types, defaults, validation.

import { HawserError } from './errors.ts'

/** When a link that is working is pinged. */
export interface PingConfig {
  /**
   * `periodic`: every `interval`; `whenIdle`: `interval` after the last message sent; `whenTimedOut`: only after an
   * acknowledgement is overdue. @defaultValue 'whenIdle'
   */
  mode: 'periodic' | 'whenIdle' | 'whenTimedOut'
  /** Milliseconds. @defaultValue 15,000, as in aggligator */
  interval: number
}

/** Configuration of one link. Durations are milliseconds, sizes bytes. */
export interface LinkConfig {
  /**
   * Shortest time to wait for an acknowledgement before a link counts as not working; the wait is
   * `max(ackTimeoutMin, ackTimeoutFactor * roundTrip)`, at most `ackTimeoutMax`. Lower finds dead links sooner but
   * resends needlessly on jittery ones. @defaultValue 1,000, as in aggligator
   */
  ackTimeoutMin: number
  /** See `ackTimeoutMin`. @defaultValue 5, as in aggligator 0.9.7 */
  ackTimeoutFactor: number
  /** See `ackTimeoutMin`; half of it is the longest acceptable answer time of a link test. @defaultValue 30,000 */
  ackTimeoutMax: number
  /** Bytes a new link may have in flight before anything is known about it. @defaultValue 32,768 */
  windowInit: number
  /** Most bytes a link may ever have in flight. @defaultValue 33,554,432 */
  windowLimit: number
  ping: PingConfig
  /** A link whose ping stays unanswered, or that takes no data, for so long is removed. @defaultValue 40,000 */
  pingTimeout: number
  /** A link with a longer round trip is not used while a shorter one works; `null`: no limit. @defaultValue null */
  maxPing: number | null
  /** Bytes of test data that a link must carry before it is used. @defaultValue 8,192 */
  testDataLimit: number
  /** A failed link test is repeated after this time. @defaultValue 3,000, as in aggligator 0.10 */
  retestInterval: number
  /** A link that has not worked for so long is removed. @defaultValue 20,000, as in aggligator 0.10 */
  nonWorkingTimeout: number
}

/** Configuration of one connection. Durations are milliseconds, sizes bytes. */
export interface Config {
  /** Largest payload of one Data message. @defaultValue 65,536 */
  chunkSize: number
  /** Most bytes sent and not yet acknowledged. @defaultValue 16,777,216 */
  sendBuffer: number
  /** Most bytes received and not yet taken by the application; told to the peer. @defaultValue 16,777,216 */
  recvBuffer: number
  /** Time without any working link that ends the connection. @defaultValue 90,000, as in aggligator 0.9.7 */
  noLinkTimeout: number
  /** Longest wait for the peer once both directions are finished here. @defaultValue 60,000 */
  terminationTimeout: number
  /**
   * Server: incoming links that may wait for `authorize` and link filters at once; further ones are refused, event `drop`.
   * `limits.maxHandshakes` counts them, too. @defaultValue 128
   */
  connectQueue: number
  /** End the connection when no link reaches the server it began with. @defaultValue true */
  disconnectOnServerIdMismatch: boolean
  /** Links whose round trip exceeds the shortest one this many times are not used; `null`: no limit. @defaultValue null */
  maxPingSpread: number | null
  /** Lengths of the statistics intervals. @defaultValue [100, 1000, 5000, 10000] */
  statsIntervals: readonly number[]
  link: LinkConfig
}

/** Configuration as users give it: every key may be left out. */
export type LinkConfigInput = Partial<Omit<LinkConfig, 'ping'>> & { ping?: Partial<PingConfig> }
export type ConfigInput = Partial<Omit<Config, 'link'>> & { link?: LinkConfigInput }

/** The defaults of every configuration key. */
export const defaults: Config = deepFreeze({
  chunkSize: 65_536,
  sendBuffer: 16_777_216,
  recvBuffer: 16_777_216,
  noLinkTimeout: 90_000,
  terminationTimeout: 60_000,
  connectQueue: 128,
  disconnectOnServerIdMismatch: true,
  maxPingSpread: null,
  statsIntervals: [100, 1_000, 5_000, 10_000],
  link: {
    ackTimeoutMin: 1_000,
    ackTimeoutFactor: 5,
    ackTimeoutMax: 30_000,
    windowInit: 32_768,
    windowLimit: 33_554_432,
    ping: { mode: 'whenIdle', interval: 15_000 },
    pingTimeout: 40_000,
    maxPing: null,
    testDataLimit: 8_192,
    retestInterval: 3_000,
    nonWorkingTimeout: 20_000,
  },
})

/** Largest delay that `setTimeout` takes; a larger one would fire at once. */
export const MAX_DURATION_MS = 2 ** 31 - 1
const MAX_U32 = 2 ** 32 - 1
/** The wire allows packets of 8 MiB; the payload of a Data message is one packet. */
const MAX_CHUNK_SIZE = 8_388_608

type Check = (value: unknown, name: string) => void

const integer =
  (least: number, most: number): Check =>
  (value, name) => {
    if (typeof value !== 'number') throw wrongType(name, 'a number', value)
    if (!Number.isInteger(value) || value < least || value > most)
      throw outOfRange(name, `an integer from ${least} to ${most}`, value)
  }

const duration: Check = (value, name) => {
  if (typeof value !== 'number') throw wrongType(name, 'a number', value)
  if (!(value > 0 && value <= MAX_DURATION_MS)) throw outOfRange(name, `more than 0 and at most ${MAX_DURATION_MS} ms`, value)
}

const factor: Check = (value, name) => {
  if (typeof value !== 'number') throw wrongType(name, 'a number', value)
  if (!(value >= 1 && value <= 1_000)) throw outOfRange(name, 'from 1 to 1000', value)
}

const orNull =
  (check: Check): Check =>
  (value, name) => {
    if (value !== null) check(value, name)
  }

const flag: Check = (value, name) => {
  if (typeof value !== 'boolean') throw wrongType(name, 'a boolean', value)
}

const intervals: Check = (value, name) => {
  if (!Array.isArray(value)) throw wrongType(name, 'an array', value)
  if (value.length > 16) throw outOfRange(name, 'at most 16 intervals', value.length)
  for (const [index, item] of value.entries()) duration(item, `${name}[${index}]`)
}

const pingMode: Check = (value, name) => {
  if (value !== 'periodic' && value !== 'whenIdle' && value !== 'whenTimedOut') {
    throw new HawserError(
      'ERR_INVALID_ARG_VALUE',
      'invalid-argument',
      `${name} must be 'periodic', 'whenIdle' or 'whenTimedOut', not ${show(value)}`,
    )
  }
}

const pingChecks = { mode: pingMode, interval: duration }

const linkChecks = {
  ackTimeoutMin: duration,
  ackTimeoutFactor: factor,
  ackTimeoutMax: duration,
  windowInit: integer(1, MAX_U32),
  windowLimit: integer(1, MAX_U32),
  pingTimeout: duration,
  maxPing: orNull(duration),
  testDataLimit: integer(0, MAX_U32),
  retestInterval: duration,
  nonWorkingTimeout: duration,
}

const connectionChecks = {
  chunkSize: integer(1, MAX_CHUNK_SIZE),
  sendBuffer: integer(1, MAX_U32),
  recvBuffer: integer(1, MAX_U32),
  noLinkTimeout: duration,
  terminationTimeout: duration,
  connectQueue: integer(1, MAX_U32),
  disconnectOnServerIdMismatch: flag,
  maxPingSpread: orNull(factor),
  statsIntervals: intervals,
}

/**
 * Fills what `input` leaves out from `base`.
 *
 * @throws {HawserError} `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE` or, for an unknown key, `ERR_INVALID_ARG_VALUE`;
 * the message names the key
 */
export function resolveConfig(input: ConfigInput = {}, base: Config = defaults): Config {
  const { link, ...rest } = checkedObject(input, 'config')
  const own = merge(base, rest, connectionChecks, 'config.')
  return { ...own, link: resolveLinkConfig(link as LinkConfigInput | undefined, base.link, 'config.link') }
}

/** The same for the configuration of one link. */
export function resolveLinkConfig(input: LinkConfigInput = {}, base: LinkConfig = defaults.link, name = 'config'): LinkConfig {
  const { ping, ...rest } = checkedObject(input, name)
  const own = merge(base, rest, linkChecks, `${name}.`)
  const resolved = {
    ...own,
    ping: merge(base.ping, checkedObject(ping === undefined ? {} : ping, `${name}.ping`), pingChecks, `${name}.ping.`),
  }
  if (resolved.ackTimeoutMin > resolved.ackTimeoutMax) {
    throw outOfRange(`${name}.ackTimeoutMin`, `at most ackTimeoutMax (${resolved.ackTimeoutMax})`, resolved.ackTimeoutMin)
  }
  return resolved
}

function merge<T extends object>(base: T, input: Record<string, unknown>, checks: Record<string, Check>, prefix: string): T {
  const result = { ...base } as Record<string, unknown>
  for (const [key, value] of Object.entries(input)) {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined
    if (!check) throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', `unknown configuration key ${prefix}${key}`)
    if (value === undefined) continue
    check(value, prefix + key)
    result[key] = Array.isArray(value) ? Object.freeze([...value]) : value
  }
  return result as T
}

function checkedObject(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(name, 'an object', value)
  return value as Record<string, unknown>
}

function wrongType(name: string, wanted: string, value: unknown): HawserError {
  return new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', `${name} must be ${wanted}, not ${show(value)}`)
}

function outOfRange(name: string, wanted: string, value: unknown): HawserError {
  return new HawserError('ERR_OUT_OF_RANGE', 'invalid-argument', `${name} must be ${wanted}, not ${show(value)}`)
}

/** Never runs code of the value, as its `toString` would be. */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 64))
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  return Array.isArray(value) ? 'an array' : 'an object'
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  return Object.freeze(value)
}
