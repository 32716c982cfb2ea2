// A scheduler of the application, kept from doing harm: it sees links through views, and what it throws or returns
// wrongly ends its service, not the connection.

import { HawserError } from '../../errors.ts'
import type { EngineLink } from '../engine-link.ts'
import type { LinkRole } from '../link-policy.ts'
import type { Demand, MessageDemand, ScheduledLink, Scheduler } from './scheduler.ts'

export class ForeignScheduler {
  readonly #scheduler: Scheduler
  readonly #views = new WeakMap<EngineLink, LinkView>()
  readonly #shown: LinkView[] = []
  readonly #demand: DemandView

  constructor(scheduler: Scheduler, demand: MessageDemand) {
    this.#scheduler = scheduler
    this.#demand = new DemandView(demand)
  }

  /** @throws {HawserError} `ERR_INVALID_RETURN_VALUE`: the scheduler threw, or returned something that is no link of `links` */
  choose(links: readonly EngineLink[]): EngineLink | undefined {
    const shown = this.#shown
    shown.length = 0
    for (const link of links) if (link.usable) shown.push(this.#viewOf(link))
    if (shown.length === 0) return undefined
    const view = this.#ask(shown)
    if (view === null) return undefined
    // The list is the application's to change: what counts is what the link is.
    const link = links.find(candidate => candidate.usable && this.#views.get(candidate) === view)
    if (!link) throw failure('returned something that is neither null nor one of the links it was given')
    return link.open ? link : undefined
  }

  #ask(shown: readonly LinkView[]): unknown {
    try {
      return this.#scheduler.choose(shown, this.#demand)
    } catch (error) {
      throw failure('threw an error', error)
    }
  }

  #viewOf(link: EngineLink): LinkView {
    const known = this.#views.get(link)
    if (known) return known
    const view = new LinkView(link)
    this.#views.set(link, view)
    return view
  }
}

function failure(what: string, cause?: unknown): HawserError {
  const text = `the scheduler ${what}; 'aggregate' takes its place`
  return new HawserError('ERR_INVALID_RETURN_VALUE', 'scheduler-failed', text, cause === undefined ? undefined : { cause })
}

class DemandView implements Demand {
  readonly #demand: MessageDemand

  constructor(demand: MessageDemand) {
    this.#demand = demand
  }

  get waiting(): number {
    return this.#demand.waiting
  }

  get more(): boolean {
    return this.#demand.more
  }

  get credit(): number {
    return this.#demand.credit
  }
}

class LinkView implements ScheduledLink {
  readonly #link: EngineLink

  constructor(link: EngineLink) {
    this.#link = link
  }

  get id(): number {
    return this.#link.id
  }

  get tag(): string {
    return this.#link.tag
  }

  get role(): LinkRole {
    return this.#link.role
  }

  get weight(): number {
    return this.#link.weight
  }

  get open(): boolean {
    return this.#link.open
  }

  get arrival(): number {
    return this.#link.arrival
  }

  get ready(): number {
    return this.#link.ready
  }

  get arrivalDeviation(): number {
    return this.#link.arrivalDeviation
  }

  get inFlight(): number {
    return this.#link.inFlight
  }

  get window(): number {
    return this.#link.window
  }

  get deliveryRate(): number {
    return this.#link.deliveryRate
  }

  get roundTrip(): number {
    return this.#link.roundTrip
  }

  get roundTripDeviation(): number {
    return this.#link.roundTripDeviation
  }

  get minRoundTrip(): number {
    return this.#link.minRoundTrip
  }
}
