// Keeps every link that could exist connected: dials the tags of all transports and dials again what failed or was lost.
//
// Each tag is in one state, and `#enter` is the only place that changes it:
//
//   queued   -> dialing, disabled      waits for one of the `MAX_DIALS` places
//   dialing  -> linked, waiting, disabled
//   linked   -> waiting, disabled
//   waiting  -> queued, disabled       until its timer fires, or the set of tags or links changes if a filter refused it
//   disabled -> queued                 somebody does not want it
//
// While a link is silent its tag is dialed anew beside it (redialer.ts); the tag stays `linked`.
//
// A tag that its transport no longer lists is forgotten, from `linked` once that link is gone.

import type { Duplex } from '#platform/stream'
import { MAX_DURATION_MS } from '../config.ts'
import { checkDuplex } from '../duplex-check.ts'
import { HawserError } from '../errors.ts'
import { type DialedLink, Redialer } from './redialer.ts'
import type { ConnectTransport, LinkTag } from './transport.ts'

export type { DialedLink } from './redialer.ts'

/** Time and chance, so that tests can decide both. Timers may have `ref` and `unref`, as Node's do. */
export interface DialerClock {
  setTimer(callback: () => void, ms: number): unknown
  clearTimer(timer: unknown): void
  /** Monotonic. */
  nowMs(): number
  /** 0 to 1, as `Math.random`. */
  random(): number
}

export interface DialerOptions {
  readonly transports: readonly ConnectTransport[]
  /**
   * Time before a link that failed, was refused or was lost is tried again; the real one is 0.5 to 1.5 times as long, so
   * that many clients do not come back at once. A link that lived longer than this is first tried again within a second.
   * Milliseconds. @defaultValue 10,000, as in aggligator
   */
  readonly reconnectDelay?: number | undefined
  /** Longest time for one attempt, handshake included. Milliseconds. @defaultValue 60,000: transports and handshakes have shorter ones */
  readonly attemptTimeout?: number | undefined
  /**
   * Does the handshake over `stream` and adds the link to the connection. The stream is its own from the call on: it
   * must attach its listeners at once, and must settle soon after `signal` aborts. When it rejects the stream is destroyed.
   */
  establish(stream: Duplex, tag: LinkTag, transport: ConnectTransport, signal: AbortSignal): Promise<DialedLink>
  /**
   * A link could not be established, or, with `tag` undefined, a transport could not tell its tags. Never fatal: both are
   * tried again. `reason` `'link-refused'` says that a link filter did not want it. Lost links are not reported here.
   */
  onError(error: Error, tag: LinkTag | undefined, transport: ConnectTransport): void
  /**
   * Every transport has told its tags or failed to, each of those tags failed at least once, and no link ever came up.
   * Called at most once; dialing goes on until `stop`. `errors` holds the last one of each tag and transport, and is empty
   * when there was nothing to dial.
   */
  onInitialFailure(errors: readonly Error[]): void
  readonly clock?: DialerClock | undefined
}

/** Tags beyond these are ignored: a DNS answer may name hundreds of addresses. */
export const MAX_TAGS = 256
/** Attempts under way at once; a server takes 16 handshakes from one address. */
export const MAX_DIALS = 16

const RECONNECT_DELAY_MS = 10_000
/** A shorter delay would be a tight loop. */
const SHORTEST_DELAY_MS = 10
const ATTEMPT_TIMEOUT_MS = 60_000
/** A link that had worked for a while is first tried again after a tenth of this to all of it. */
const QUICK_RETRY_MS = 1_000
/** A link that filters keep refusing is tried less and less often, down to this many reconnect delays. */
const REFUSED_BACKOFF_MOST = 32

type TagState =
  | { readonly kind: 'queued' }
  | { readonly kind: 'dialing'; readonly controller: AbortController; readonly timer: unknown }
  | { readonly kind: 'linked'; readonly sinceMs: number; readonly redialer: Redialer }
  | { readonly kind: 'waiting'; readonly timer: unknown; readonly refused: boolean }
  | { readonly kind: 'disabled' }

interface Entry {
  /** As listed last; while `dialing` or `linked` an older version with the same key may be in use. */
  tag: LinkTag
  transport: ConnectTransport
  /** A transport lists it. Only entries that are `dialing` or `linked` outlive that. */
  wanted: boolean
  state: TagState
  /** Of the last attempt that failed; `undefined` before the first one did. */
  error: Error | undefined
  attemptMs: number
  /** Times in a row that a filter refused it. */
  refusals: number
}

/** A transport and what it told so far. */
interface Source {
  readonly transport: ConnectTransport
  tags: readonly LinkTag[]
  /** It listed its tags at least once, or failed to. */
  heard: boolean
  error: Error | undefined
  iterator: AsyncIterator<readonly LinkTag[]> | undefined
}

export class Dialer {
  readonly #options: DialerOptions
  readonly #clock: DialerClock
  readonly #reconnectDelayMs: number
  readonly #sources: readonly Source[]
  readonly #entries = new Map<string, Entry>()
  /** Entries in the state `queued`, oldest first. */
  readonly #queue = new Set<Entry>()
  readonly #dialing = new Set<Entry>()
  readonly #disabled = new Set<string>()
  readonly #timers = new Set<unknown>()
  readonly #controller = new AbortController()
  #hadLink = false
  #toldInitialFailure = false
  #referenced = true
  #started = false

  constructor(options: DialerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#reconnectDelayMs = Math.max(options.reconnectDelay ?? RECONNECT_DELAY_MS, SHORTEST_DELAY_MS)
    this.#sources = options.transports.map(transport => ({
      transport,
      tags: [],
      heard: false,
      error: undefined,
      iterator: undefined,
    }))
  }

  /** The tags that the transports list now, disabled ones included. */
  get tags(): readonly LinkTag[] {
    return [...this.#entries.values()].filter(entry => entry.wanted).map(entry => entry.tag)
  }

  /** Begins to dial. A second call does nothing. */
  start(): void {
    if (this.#started) return
    this.#started = true
    for (const source of this.#sources) void this.#follow(source)
  }

  /**
   * Ends everything under way; nothing is called back any more and no timer or listener remains. Links that exist are
   * left alone. Final; a second call does nothing.
   */
  stop(): void {
    if (this.#stopped) return
    this.#started = true
    this.#controller.abort(new Cancelled())
    for (const entry of this.#entries.values()) {
      if (entry.state.kind === 'dialing') entry.state.controller.abort(new Cancelled())
      else if (entry.state.kind === 'linked') entry.state.redialer.stop()
    }
    for (const timer of this.#timers) this.#clock.clearTimer(timer)
    this.#timers.clear()
    this.#entries.clear()
    this.#queue.clear()
    this.#dialing.clear()
    for (const { iterator } of this.#sources) void Promise.resolve(iterator?.return?.()).catch(ignore)
  }

  /** Does not dial the tag with this key any more. An attempt under way is given up; a link that exists is left alone. */
  disable(key: string): void {
    this.#disabled.add(key)
    const entry = this.#entries.get(key)
    if (!entry || this.#stopped) return
    if (entry.state.kind === 'dialing') entry.state.controller.abort(new Cancelled())
    else if (entry.state.kind === 'linked') entry.state.redialer.stop()
    else this.#enter(entry, { kind: 'disabled' })
    this.#judge()
  }

  /** Undoes `disable`: the tag is dialed at once. */
  enable(key: string): void {
    this.#disabled.delete(key)
    const entry = this.#entries.get(key)
    if (entry?.state.kind === 'disabled') this.#enter(entry, { kind: 'queued' })
    this.#dialQueued()
  }

  /** Its timers keep the process alive, as they do from the beginning. */
  ref(): void {
    this.#referenced = true
    for (const timer of this.#timers) setReferenced(timer, true)
  }

  /** Its timers do not keep the process alive. */
  unref(): void {
    this.#referenced = false
    for (const timer of this.#timers) setReferenced(timer, false)
  }

  get #stopped(): boolean {
    return this.#controller.signal.aborted
  }

  /** Takes the tags of one transport, again and again; a transport that fails is asked again after a while. */
  async #follow(source: Source): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#takeTags(source)
        return
      } catch (thrown) {
        if (this.#stopped) return
        source.heard = true
        source.error = asError(thrown)
        this.#options.onError(source.error, undefined, source.transport)
        this.#judge()
        if (this.#stopped) return // by one of these
      }
      await new Promise<void>(resolve => this.#setTimer(resolve, this.#jittered(this.#reconnectDelayMs)))
    }
  }

  async #takeTags(source: Source): Promise<void> {
    const iterator = source.transport.tags(this.#controller.signal)[Symbol.asyncIterator]()
    source.iterator = iterator
    while (!this.#stopped) {
      const { done, value } = await iterator.next()
      if (this.#stopped) return
      if (done !== true) source.tags = [...value]
      source.heard = true
      source.error = undefined
      this.#update()
      if (done === true) return
    }
  }

  /** Brings the entries in line with what the transports list. */
  #update(): void {
    const wanted = this.#wantedTags()
    let changed = false
    for (const [key, entry] of this.#entries) {
      const now = wanted.get(key)
      changed ||= now === undefined && entry.wanted
      entry.wanted = now !== undefined
      if (now) Object.assign(entry, now)
      else this.#abandon(entry)
    }
    for (const [key, { tag, transport }] of wanted) {
      if (this.#entries.has(key)) continue
      changed = true
      this.#add(key, tag, transport)
    }
    if (changed) this.#retryRefused()
    this.#dialQueued()
    this.#judge()
  }

  /** When two transports list the same key the first one has it. */
  #wantedTags(): Map<string, { tag: LinkTag; transport: ConnectTransport }> {
    const wanted = new Map<string, { tag: LinkTag; transport: ConnectTransport }>()
    for (const { tags, transport } of this.#sources) {
      for (const tag of tags) {
        if (wanted.size === MAX_TAGS) return wanted
        if (!wanted.has(tag.key)) wanted.set(tag.key, { tag, transport })
      }
    }
    return wanted
  }

  #add(key: string, tag: LinkTag, transport: ConnectTransport): void {
    const unborn: TagState = { kind: 'disabled' }
    const entry: Entry = { tag, transport, wanted: true, state: unborn, error: undefined, attemptMs: 0, refusals: 0 }
    this.#entries.set(key, entry)
    if (!this.#disabled.has(key)) this.#enter(entry, { kind: 'queued' })
  }

  /** Its transport lists it no more. */
  #abandon(entry: Entry): void {
    if (entry.state.kind === 'linked') return
    if (entry.state.kind === 'dialing') entry.state.controller.abort(new Cancelled())
    else this.#forget(entry)
  }

  #forget(entry: Entry): void {
    this.#leave(entry)
    this.#entries.delete(entry.tag.key)
  }

  #enter(entry: Entry, state: TagState): void {
    this.#leave(entry)
    entry.state = state
    if (state.kind === 'queued') this.#queue.add(entry)
    if (state.kind === 'dialing') this.#dialing.add(entry)
  }

  #leave(entry: Entry): void {
    this.#queue.delete(entry)
    this.#dialing.delete(entry)
    if (entry.state.kind === 'dialing' || entry.state.kind === 'waiting') this.#clearTimer(entry.state.timer)
    else if (entry.state.kind === 'linked') entry.state.redialer.stop()
  }

  #dialQueued(): void {
    for (const entry of this.#queue) {
      if (this.#dialing.size >= MAX_DIALS) return
      void this.#dial(entry)
    }
  }

  async #dial(entry: Entry): Promise<void> {
    const controller = new AbortController()
    const timer = this.#setTimer(() => controller.abort(attemptTimedOut(entry.tag)), this.#attemptTimeoutMs)
    this.#enter(entry, { kind: 'dialing', controller, timer })
    entry.attemptMs = this.#clock.nowMs()
    try {
      this.#linked(entry, await this.#attempt(entry.tag, entry.transport, controller.signal))
    } catch (thrown) {
      this.#failed(entry, asError(controller.signal.aborted ? controller.signal.reason : thrown))
    }
  }

  /** Does not outlast `signal` by more than `establish` does. */
  async #attempt(tag: LinkTag, transport: ConnectTransport, signal: AbortSignal): Promise<DialedLink> {
    const stream = await orAborted(connect(transport, tag, signal), signal, discard)
    stream.on('error', ignore) // whoever owns the stream listens, too; this one is for what comes before and after
    try {
      signal.throwIfAborted()
      return await this.#options.establish(stream, tag, transport, signal)
    } catch (thrown) {
      stream.destroy()
      throw thrown
    }
  }

  #linked(entry: Entry, link: DialedLink): void {
    if (this.#stopped) return
    this.#hadLink = true
    entry.error = undefined
    entry.refusals = 0
    const redialer = new Redialer(link, {
      clock: {
        setTimer: (callback, ms) => this.#setTimer(callback, ms),
        clearTimer: timer => this.#clearTimer(timer),
        nowMs: () => this.#clock.nowMs(),
      },
      longestAttemptMs: this.#reconnectDelayMs,
      attempt: signal => this.#redial(entry, signal),
      replaced: successor => this.#linked(entry, successor),
    })
    this.#enter(entry, { kind: 'linked', sinceMs: this.#clock.nowMs(), redialer })
    const lost = () => {
      if (entry.state.kind === 'linked' && entry.state.redialer === redialer) this.#lost(entry)
    }
    link.closed.then(lost, lost)
    this.#dialQueued()
  }

  /**
   * Another attempt for a tag whose link is silent. That it fails is no news. The tag need not be listed at the moment:
   * an interface that was unplugged may be back before anybody has looked.
   */
  async #redial(entry: Entry, signal: AbortSignal): Promise<DialedLink> {
    const { tag, transport } = entry
    if (this.#disabled.has(tag.key) || this.#dialing.size >= MAX_DIALS) throw new Cancelled()
    this.#dialing.add(entry)
    try {
      return await this.#attempt(tag, transport, signal)
    } finally {
      this.#dialing.delete(entry)
      this.#dialQueued()
    }
  }

  #lost(entry: Entry): void {
    if (this.#stopped || entry.state.kind !== 'linked' || entry.state.redialer.lost()) return
    const livedMs = this.#clock.nowMs() - entry.state.sinceMs
    this.#rest(entry, livedMs >= this.#reconnectDelayMs ? this.#quickRetryMs() : this.#jittered(this.#reconnectDelayMs), false)
    this.#retryRefused()
    this.#dialQueued()
  }

  #failed(entry: Entry, error: Error): void {
    if (this.#stopped) return
    const refused = error instanceof HawserError && error.reason === 'link-refused'
    entry.refusals = refused ? entry.refusals + 1 : 0
    const cancelled = error instanceof Cancelled
    if (!cancelled) entry.error = error
    const delays = refused ? Math.min(2 ** (entry.refusals - 1), REFUSED_BACKOFF_MOST) : 1
    const { tag, transport } = entry
    this.#rest(entry, cancelled ? 0 : this.#jittered(this.#reconnectDelayMs * delays), refused)
    if (!cancelled) this.#options.onError(error, tag, transport)
    this.#dialQueued()
    this.#judge()
  }

  /** Waits for its next turn, unless the tag has been disabled or dropped meanwhile. */
  #rest(entry: Entry, delayMs: number, refused: boolean): void {
    const again = () => {
      this.#enter(entry, { kind: 'queued' })
      this.#dialQueued()
    }
    if (!entry.wanted) this.#forget(entry)
    else if (this.#disabled.has(entry.tag.key)) this.#enter(entry, { kind: 'disabled' })
    else this.#enter(entry, { kind: 'waiting', timer: this.#setTimer(again, delayMs), refused })
  }

  /** The set of tags or links has changed: what a filter refused before it may take now. */
  #retryRefused(): void {
    for (const entry of this.#entries.values()) {
      if (entry.state.kind !== 'waiting' || !entry.state.refused) continue
      const restedMs = this.#clock.nowMs() - entry.attemptMs
      this.#rest(entry, restedMs >= this.#reconnectDelayMs ? 0 : this.#quickRetryMs(), false)
    }
  }

  /** Says once that there is no way through. */
  #judge(): void {
    if (this.#stopped || this.#hadLink || this.#toldInitialFailure) return
    if (this.#sources.some(source => !source.heard)) return
    const tried = [...this.#entries.values()].filter(entry => entry.wanted && !this.#disabled.has(entry.tag.key))
    if (tried.some(entry => !entry.error)) return
    this.#toldInitialFailure = true
    const errors = [...this.#sources, ...tried].map(({ error }) => error)
    this.#options.onInitialFailure(errors.filter(error => error !== undefined))
  }

  get #attemptTimeoutMs(): number {
    return this.#options.attemptTimeout ?? ATTEMPT_TIMEOUT_MS
  }

  /** 0.5 to 1.5 times `ms`. */
  #jittered(ms: number): number {
    return ms * (0.5 + this.#clock.random())
  }

  #quickRetryMs(): number {
    return Math.min(QUICK_RETRY_MS, this.#reconnectDelayMs) * (0.1 + 0.9 * this.#clock.random())
  }

  #setTimer(callback: () => void, ms: number): unknown {
    const fire = () => {
      this.#timers.delete(timer)
      callback()
    }
    const timer = this.#clock.setTimer(fire, Math.min(ms, MAX_DURATION_MS))
    this.#timers.add(timer)
    if (!this.#referenced) setReferenced(timer, false)
    return timer
  }

  #clearTimer(timer: unknown): void {
    if (this.#timers.delete(timer)) this.#clock.clearTimer(timer)
  }
}

/** An attempt that nobody waits for any more. Never leaves this module. */
class Cancelled extends Error {}

const systemClock: DialerClock = {
  setTimer: (callback, ms) => setTimeout(callback, ms),
  clearTimer: timer => clearTimeout(timer as ReturnType<typeof setTimeout>),
  nowMs: () => performance.now(),
  random: () => Math.random(),
}

/** In browsers a timer is a number and there is nothing to do. */
function setReferenced(timer: unknown, referenced: boolean): void {
  const handle = timer as { ref?(): void; unref?(): void }
  if (referenced) handle.ref?.()
  else handle.unref?.()
}

/** A transport that throws instead of rejecting is taken the same. */
async function connect(transport: ConnectTransport, tag: LinkTag, signal: AbortSignal): Promise<Duplex> {
  const stream = await transport.connect(tag, signal)
  checkDuplex(stream)
  return stream
}

/** Rejects as soon as `signal` aborts; what `promise` brings after that goes to `discardLate`. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal, discardLate: (late: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      signal.removeEventListener('abort', abort)
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort)
    const settle = (value: T) => {
      signal.removeEventListener('abort', abort)
      if (signal.aborted) discardLate(value)
      else resolve(value)
    }
    const fail = (reason: unknown) => {
      signal.removeEventListener('abort', abort)
      reject(reason)
    }
    promise.then(settle, fail)
  })
}

function discard(stream: Duplex): void {
  stream.on('error', ignore)
  stream.destroy()
}

function attemptTimedOut(tag: LinkTag): HawserError {
  return new HawserError('ETIMEDOUT', 'connect-timeout', `no link over ${tag} in time`)
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

function ignore(): void {}
