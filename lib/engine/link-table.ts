// The links of a connection and every move of theirs from one state to another, with all that goes with it.

import type { EngineLink } from './engine-link.ts'
import type { EngineEvent, LinkCloseReason, NotWorkingReason } from './events.ts'
import type { Fifo } from './fifo.ts'
import type { HealthActions } from './link-health.ts'

/** Who sends what links in doubt hold. */
export interface FlightOwner {
  /** Only links in doubt carry these messages now, as far as they are not carried elsewhere. */
  requeue(link: EngineLink): void
  /** What the link holds counts as being on its way again. */
  trustAgain(link: EngineLink): void
}

export class LinkTable implements HealthActions {
  readonly #links: EngineLink[]
  readonly #owner: FlightOwner
  readonly #events: Fifo<EngineEvent>
  #establishedMs: number | null = null
  #notWorkingSinceMs: number | null

  /** @param links - filled here, read by whoever needs the links */
  constructor(links: EngineLink[], owner: FlightOwner, events: Fifo<EngineEvent>, nowMs: number) {
    this.#links = links
    this.#owner = owner
    this.#events = events
    this.#notWorkingSinceMs = nowMs
  }

  /** When the first link worked; `null` before. */
  get establishedMs(): number | null {
    return this.#establishedMs
  }

  /** Since when no link works; `null` while one does. */
  get notWorkingSinceMs(): number | null {
    return this.#notWorkingSinceMs
  }

  add(link: EngineLink): void {
    this.#links.push(link)
    this.#shareBursts()
  }

  /** Its answers are overdue: what only it carries goes out elsewhere, too. */
  doubt(link: EngineLink): void {
    this.#owner.requeue(link)
    link.moveTo({ kind: 'suspect' })
  }

  /** It passed its test, or answers again. */
  confirm(link: EngineLink, nowMs: number): void {
    const wasWorking = link.working
    const isNew = link.notWorkingReason === 'new'
    this.#owner.trustAgain(link)
    if (!isNew) link.path.restart()
    link.moveTo({ kind: 'working' })
    link.workingSinceMs ??= nowMs
    if (!wasWorking) this.#events.push({ kind: 'linkWorking', link })
    this.#noteWorking(nowMs)
  }

  /** It is not used until it is confirmed. */
  unconfirm(link: EngineLink, reason: NotWorkingReason, nowMs: number): void {
    if (link.trusted) this.#owner.requeue(link)
    if (link.working) {
      link.hangs++
      // Those that failed their test may be better than nothing now.
      for (const other of this.#links) if (other.test.kind === 'failed') other.test = { kind: 'idle' }
    }
    const sinceMs = link.status.kind === 'unconfirmed' ? link.status.sinceMs : nowMs
    link.moveTo({ kind: 'unconfirmed', reason, sinceMs })
    this.#events.push({ kind: 'linkNotWorking', link, reason })
    this.#noteWorking(nowMs)
  }

  /** It is on its way out: no more data, then Goodbye. */
  leave(link: EngineLink, initiator: 'local' | 'remote', nowMs: number): void {
    if (link.closed || link.status.kind === 'leaving') return
    if (link.trusted) this.#owner.requeue(link)
    link.moveTo({ kind: 'leaving', initiator, sinceMs: nowMs })
    this.#events.push({ kind: 'linkNotWorking', link, reason: 'disconnecting' })
    this.#noteWorking(nowMs)
  }

  /** It is gone. `abrupt`: its Duplex must not be flushed any more. A second call does nothing. */
  close(link: EngineLink, reason: LinkCloseReason, nowMs: number, abrupt = !isOrderly(reason), detail?: string): void {
    if (link.closed) return
    if (link.trusted) this.#owner.requeue(link)
    for (let flight = link.flights.shift(); flight; flight = link.flights.shift()) link.path.forget(flight)
    link.moveTo({ kind: 'closed', reason })
    this.#links.splice(this.#links.indexOf(link), 1)
    this.#shareBursts()
    this.#events.push({ kind: 'linkClosed', link, reason, abrupt, detail })
    this.#noteWorking(nowMs)
  }

  #shareBursts(): void {
    for (const { path } of this.#links) path.linkCount = this.#links.length
  }

  #noteWorking(nowMs: number): void {
    if (this.#links.some(link => link.working)) {
      this.#notWorkingSinceMs = null
      this.#establishedMs ??= nowMs
    } else this.#notWorkingSinceMs ??= nowMs
  }
}

/** Both sides agreed that the link ends. */
function isOrderly(reason: LinkCloseReason): boolean {
  return (
    reason === 'locally-requested' || reason === 'remotely-requested' || reason === 'connection-closed' || reason === 'terminated'
  )
}
