// Which links may carry reliable messages as far as schedule and roles go, and which stand by, so that the peer must not
// use them either: that is told it by SetBlock, apart from what the application blocks.
//
// Both ends may have policies that contradict each other. A block that only says "rather another link" is therefore
// suspended when the peer blocks all that this side wants to use, or unblocks what this side holds back: for long on the side
// that accepted the connection, so that the one that opened it has its way. Nothing is held back, either, for links that
// the peer finds unfit, which nobody but its repeated tests of them tells: to an aggligator 0.10 they may be too slow beside
// the one that it must not use.

import type { EngineLink } from './engine-link.ts'
import { ActiveLink } from './handover.ts'
import type { SchedulePlan } from './schedulers/schedule.ts'

/** Until a link has worked for so long nobody knows whether what it acknowledges so quickly really arrives. */
export const HISTORY_MS = 1_000
/** Links that began to work within this time of each other are of one age. */
const OLDER_MS = 250
/** A secondary link joins when the primaries need longer than this for what waits. */
const OVERFLOW_MS = 50
/** A link that the peer tests again does not serve it for so long after each test; it repeats them every few seconds. */
const RETEST_MS = 10_000
/** How long blocks are suspended. */
const YIELD_OPENER_MS = 1_000
const YIELD_ACCEPTOR_MS = 60_000

export class Steering {
  readonly #links: readonly EngineLink[]
  readonly #yieldMs: number
  #plan: SchedulePlan
  /** Some link may have to stand by. */
  #steered = false
  /** Something happened since `refresh`. */
  #stale = true
  readonly #candidates: EngineLink[] = []
  readonly #active = new ActiveLink()
  #yieldUntilMs = Number.NEGATIVE_INFINITY
  #standbys = 0
  /** Since when something has been waiting, and when it was seen last. */
  #backlogSinceMs = 0
  #backlogSeenMs = Number.NEGATIVE_INFINITY
  #overflows = false
  #nowMs = 0

  constructor(links: readonly EngineLink[], plan: SchedulePlan, accepting: boolean) {
    this.#links = links
    this.#plan = plan
    this.#yieldMs = accepting ? YIELD_ACCEPTOR_MS : YIELD_OPENER_MS
  }

  /** Those that may carry reliable messages now, in the order in which they joined; as of the last `refresh`. */
  get candidates(): readonly EngineLink[] {
    return this.#candidates
  }

  /** Links stand by for others. */
  get hasStandbys(): boolean {
    return this.#standbys > 0
  }

  get oneLink(): boolean {
    return this.#plan.oneLink
  }

  set plan(plan: SchedulePlan) {
    this.#plan = plan
    this.#active.forget()
    this.policyChanged()
  }

  /** A role or a budget is another, or a link is new. */
  policyChanged(): void {
    const steered = this.#plan.oneLink || this.#links.some(link => link.role !== 'primary' || link.byteBudget !== null)
    if (this.#steered && !steered) this.#release()
    this.#steered = steered
    this.#stale = true
  }

  /** Links may be in another state than they were. */
  changed(): void {
    this.#stale = true
  }

  /**
   * Decides anew; true if links may be held back now that were not before, or no more.
   *
   * @param waitingBytes - payload that waits
   * @param more - that is not all
   */
  refresh(waitingBytes: number, more: boolean, nowMs: number): boolean {
    this.#nowMs = nowMs
    if (this.#steered) this.#select(waitingBytes, more)
    else if (this.#stale) this.#takeUsable()
    this.#stale = false
    return this.#steered
  }

  /** In place: this happens all the time, and an array that is emptied lets go of its room. */
  #takeUsable(): void {
    const candidates = this.#candidates
    let count = 0
    for (const link of this.#links) if (link.usable) candidates[count++] = link
    if (candidates.length > count) candidates.length = count
  }

  /** When `refresh` may have another result by itself. */
  nextDeadlineMs(nowMs: number): number {
    if (!this.#steered) return Number.POSITIVE_INFINITY
    let earliest = Math.min(after(this.#yieldUntilMs, nowMs), after(this.#active.nextMs, nowMs))
    if (this.#backlogSeenMs >= this.#nowMs) earliest = Math.min(earliest, after(this.#backlogSinceMs + OVERFLOW_MS, nowMs))
    for (const { workingSinceMs, retestedMs } of this.#links) {
      if (workingSinceMs !== undefined) earliest = Math.min(earliest, after(workingSinceMs + HISTORY_MS, nowMs))
      earliest = Math.min(earliest, after(retestedMs + RETEST_MS, nowMs))
    }
    return earliest
  }

  /** The peer blocked or unblocked a link. True if what carries messages now should be looked at. */
  remoteBlockChanged(link: EngineLink, nowMs: number): boolean {
    if (!this.#steered) return false
    const last = this.#candidates.includes(link) && !this.#candidates.some(candidate => candidate.usable)
    const lost = link.remotelyBlocked && last && this.#links.some(isHeldBackForAnother)
    const wanted = !link.remotelyBlocked && link.standby === 'other-link'
    if (lost || wanted) this.#yieldUntilMs = nowMs + this.#yieldMs
    return wanted
  }

  #release(): void {
    this.#standbys = 0
    for (const link of this.#links) {
      link.standby = 'no'
      link.heldBack = false
    }
  }

  #select(waitingBytes: number, more: boolean): void {
    const candidates = this.#candidates
    candidates.length = 0
    const primaries = this.#serves('primary', true)
    const secondaries = this.#serves('secondary', false)
    const withSecondaries = !primaries || this.#isOverflowing(waitingBytes, more)
    const withBackups = !primaries && !secondaries
    for (const link of this.#links) {
      if (!link.usable || link.duty === 'never') continue
      if ((link.duty === 'secondary' && !withSecondaries) || (link.duty === 'backup' && !withBackups)) continue
      candidates.push(link)
    }
    if (this.#plan.oneLink) this.#keepOne()
    const someServes = candidates.some(({ retestedMs }) => this.#nowMs >= retestedMs + RETEST_MS)
    const yields = this.#nowMs < this.#yieldUntilMs
    this.#standbys = 0
    for (const link of this.#links) {
      if (link.status.kind === 'leaving') continue
      const forAnother =
        someServes && !candidates.includes(link) && (this.#plan.oneLink || (link.duty === 'backup' && !withBackups))
      if (link.duty === 'never') link.standby = 'never'
      else link.standby = forAnother ? 'other-link' : 'no'
      link.heldBack = link.standby === 'never' || (forAnother && !yields)
      if (forAnother) this.#standbys++
    }
  }

  #keepOne(): void {
    const active = this.#active.choose(this.#candidates, this.#isProven, this.#nowMs)
    this.#candidates.length = 0
    if (active) this.#candidates.push(active)
  }

  /**
   * Whether links of a role can do without those of lesser ones. Newcomers cannot while there is an older lesser link with
   * a history: they might carry off everything.
   */
  #serves(role: 'primary' | 'secondary', forSecondaries: boolean): boolean {
    let oldestMs = Number.POSITIVE_INFINITY
    let lesserMs = Number.POSITIVE_INFINITY
    for (const link of this.#links) {
      if (!link.usable) continue
      const { duty, workingSinceMs = this.#nowMs } = link
      if (duty === role) oldestMs = Math.min(oldestMs, workingSinceMs)
      else if (duty === 'backup' || (forSecondaries && duty === 'secondary')) lesserMs = Math.min(lesserMs, workingSinceMs)
    }
    if (oldestMs === Number.POSITIVE_INFINITY) return false
    const provenMs = this.#nowMs - HISTORY_MS
    return oldestMs <= provenMs || lesserMs > provenMs || lesserMs > oldestMs - OLDER_MS
  }

  readonly #isProven = ({ workingSinceMs }: EngineLink): boolean =>
    workingSinceMs !== undefined && this.#nowMs - workingSinceMs >= HISTORY_MS

  /** More waits than the primaries carry away soon; a writer that is always ahead of them counts, however little it shows. */
  #isOverflowing(waitingBytes: number, more: boolean): boolean {
    const nowMs = this.#nowMs
    if (waitingBytes > 0 || more) {
      if (nowMs > this.#backlogSeenMs + OVERFLOW_MS) this.#backlogSinceMs = nowMs
      this.#backlogSeenMs = nowMs
    } else if (nowMs > this.#backlogSeenMs + OVERFLOW_MS) this.#overflows = false
    let bytesPerMs = 0
    for (const link of this.#links) if (link.usable && link.duty === 'primary') bytesPerMs += link.path.serviceRate(nowMs)
    const much = waitingBytes > OVERFLOW_MS * bytesPerMs
    const long = this.#backlogSeenMs === nowMs && nowMs >= this.#backlogSinceMs + OVERFLOW_MS
    if (much || long) this.#overflows = true
    return this.#overflows
  }
}

function isHeldBackForAnother(link: EngineLink): boolean {
  return link.heldBack && link.standby === 'other-link'
}

function after(timeMs: number, nowMs: number): number {
  return timeMs > nowMs ? timeMs : Number.POSITIVE_INFINITY
}
