// Schedulers that applications of the simulation bring along: one without a plan, one that hesitates, two that break.

import type { ScheduledLink, Scheduler } from '../../../lib/engine/schedulers/scheduler.ts'
import { Random } from '../random.ts'
import type { CustomSchedule } from './plan.ts'

export class CustomScheduler implements Scheduler {
  /** It threw, or returned what it was not given: it must not be asked again. */
  broken = false
  readonly #plan: CustomSchedule
  readonly #random: Random
  readonly #nowMs: () => number
  readonly #count: (what: string) => void
  #calls = 0
  #hesitatesUntilMs: number | undefined
  /** When it last chose a link that takes nothing now. */
  #choseClosedMs = Number.NEGATIVE_INFINITY

  constructor(plan: CustomSchedule, nowMs: () => number, count: (what: string) => void) {
    this.#plan = plan
    this.#random = new Random(plan.seed)
    this.#nowMs = nowMs
    this.#count = count
  }

  /** It lets nothing go out yet. */
  get hesitates(): boolean {
    return this.#nowMs() < Math.max(this.#hesitatesUntilMs ?? 0, this.#choseClosedMs) + ASKED_AGAIN_MS
  }

  choose(links: readonly ScheduledLink[]): ScheduledLink | null {
    const { custom, after } = this.#plan
    if (this.broken) throw new Error('asked again')
    if (links.length === 0) throw new Error('asked without a link')
    if (custom === 'idle') {
      this.#hesitatesUntilMs ??= this.#nowMs() + after
      if (this.#nowMs() < this.#hesitatesUntilMs) {
        if (links.some(({ open }) => open)) this.#count('scheduler idle')
        return null
      }
    }
    if (this.#calls++ >= after && (custom === 'throws' || custom === 'foreign')) {
      this.broken = true
      this.#count(`scheduler ${custom}`)
      if (custom === 'throws') throw new Error('simulated scheduler')
      return Object.create(links[0] as ScheduledLink)
    }
    if (custom === 'random') this.#count('scheduler random')
    const chosen = this.#random.pick(links)
    if (!chosen.open) this.#choseClosedMs = this.#nowMs()
    return chosen
  }
}

/** Who returns nothing, or a link that is not open, is asked again after so long at the latest, and timers fire a little late. */
const ASKED_AGAIN_MS = 12
