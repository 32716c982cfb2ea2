// Dials the tag of a link anew, beside it, while the link is silent, and keeps whichever works first.
//
// When a path comes back after seconds the old TCP socket does not notice: its retransmission timer has backed off to
// about the length of the outage (RFC 6298, section 5.5), so that it may stay silent for as long again. A new socket is
// only as late as the next attempt to connect it.

/** What `establish` makes of a stream. */
export interface DialedLink {
  /** Settles once the link is gone, whatever the reason. */
  readonly closed: Promise<unknown>
  /** Tells from now on whether the link works. */
  watch?(watcher: LinkWatcher): void
  /** Time in ms until it will have brought nothing for so long that it is dead, not slow, if nothing comes meanwhile. */
  readonly silenceLeftMs?: number
  /** The link is not needed any more: another one has taken its place, or it came too late. */
  drop?(): void
}

export interface LinkWatcher {
  /**
   * The link has answered nothing for its ack timeout, a second or more, but may still bring something.
   *
   * @param roundTripMs - what it was before
   */
  silent(roundTripMs: number): void
  /** The link works, for the first time or again. */
  working(): void
}

export interface RedialerOptions {
  readonly clock: { setTimer(callback: () => void, ms: number): unknown; clearTimer(timer: unknown): void; nowMs(): number }
  /** Longest time for one attempt, in ms. */
  readonly longestAttemptMs: number
  /** One attempt at another link; rejects soon after `signal` aborts. */
  attempt(signal: AbortSignal): Promise<DialedLink>
  /** `link` is there in the place of the one before, which is gone. The last call. */
  replaced(link: DialedLink): void
}

/** An attempt has at least this long, ... */
const SHORTEST_ATTEMPT_MS = 300
/** ... so many round trips, for it takes three and a lost packet costs some more, ... */
const ATTEMPT_ROUND_TRIPS = 6
/** ... and this part of the time for which the link has been silent: what was away for long need not be back at once. */
const ATTEMPT_SHARE = 1 / 12
/** A new link that is there must work after this time, ... */
const SHORTEST_TRIAL_MS = 1_000
/** ... and so many times that of an attempt: its path may have gone again, and then it would stay in the way. */
const TRIAL_ATTEMPTS = 3

type State =
  /** The link works. */
  | { readonly kind: 'content' }
  /** The link does not work, but brings something: another one would only take its place in the same queue. */
  | { readonly kind: 'listening' }
  | { readonly kind: 'dialing'; readonly controller: AbortController }
  /** Until the time of the attempt that failed is over. */
  | { readonly kind: 'resting' }
  /** The new link is there, but nobody knows yet whether it works. */
  | { readonly kind: 'trying'; readonly link: DialedLink }
  /** The link is gone, or has a successor. */
  | { readonly kind: 'over' }

export class Redialer {
  readonly #link: DialedLink
  readonly #options: RedialerOptions
  #state: State = { kind: 'content' }
  #timer: unknown
  #silentSinceMs = 0
  #roundTripMs = 0

  constructor(link: DialedLink, options: RedialerOptions) {
    this.#link = link
    this.#options = options
    link.watch?.({
      silent: roundTripMs => this.#silent(roundTripMs),
      working: () => {
        if (this.#state.kind !== 'over') this.#enter({ kind: 'content' })
      },
    })
  }

  /** The link is gone, or no other is wanted in its place. A second call does nothing. */
  stop(): void {
    if (this.#state.kind === 'over') return
    this.#enter({ kind: 'over' })
  }

  /** The link is gone. Whether another one takes its place at once. */
  lost(): boolean {
    const { link } = this.#state.kind === 'trying' ? this.#state : {}
    this.#state = link ? { kind: 'content' } : this.#state
    this.stop()
    if (link) this.#options.replaced(link)
    return link !== undefined
  }

  #enter(state: State): void {
    const before = this.#state
    this.#state = state
    this.#options.clock.clearTimer(this.#timer)
    if (before.kind === 'dialing') before.controller.abort(new Error('the link works again, or is not wanted'))
    else if (before.kind === 'trying' && state.kind !== 'over') before.link.drop?.()
  }

  #silent(roundTripMs: number): void {
    if (this.#state.kind !== 'content') return
    this.#roundTripMs = roundTripMs
    this.#listen()
  }

  #listen(): void {
    const { silenceLeftMs = 0 } = this.#link
    if (silenceLeftMs > 0) {
      this.#enter({ kind: 'listening' })
      this.#timer = this.#options.clock.setTimer(() => this.#listen(), silenceLeftMs)
      return
    }
    this.#silentSinceMs = this.#options.clock.nowMs()
    void this.#dial()
  }

  async #dial(): Promise<void> {
    const { clock } = this.#options
    const controller = new AbortController()
    const state: State = { kind: 'dialing', controller }
    const endMs = clock.nowMs() + this.#attemptMs
    this.#enter(state)
    this.#timer = clock.setTimer(() => controller.abort(new Error('no answer in time')), this.#attemptMs)
    try {
      const link = await this.#options.attempt(controller.signal)
      if (this.#state === state) this.#try(link)
      else link.drop?.()
    } catch {
      if (this.#state === state) this.#rest(endMs - clock.nowMs())
    }
  }

  get #attemptMs(): number {
    const silentMs = this.#options.clock.nowMs() - this.#silentSinceMs
    const wantedMs = Math.max(SHORTEST_ATTEMPT_MS, ATTEMPT_ROUND_TRIPS * this.#roundTripMs, ATTEMPT_SHARE * silentMs)
    return Math.min(wantedMs, this.#options.longestAttemptMs)
  }

  #rest(ms: number): void {
    this.#enter({ kind: 'resting' })
    this.#timer = this.#options.clock.setTimer(() => void this.#dial(), Math.max(0, ms))
  }

  #try(link: DialedLink): void {
    const state: State = { kind: 'trying', link }
    this.#state = { kind: 'resting' }
    this.#enter(state)
    const gone = () => {
      if (this.#state === state) this.#rest(this.#attemptMs)
    }
    link.closed.then(gone, gone)
    const trialMs = Math.max(SHORTEST_TRIAL_MS, TRIAL_ATTEMPTS * this.#attemptMs)
    this.#timer = this.#options.clock.setTimer(() => void this.#dial(), trialMs)
    link.watch?.({
      silent: () => {},
      working: () => {
        if (this.#state !== state) return
        this.#state = { kind: 'over' }
        this.#options.clock.clearTimer(this.#timer)
        this.#options.replaced(link)
        this.#link.drop?.()
      },
    })
  }
}
