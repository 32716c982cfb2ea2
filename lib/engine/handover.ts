// Which link carries everything under `schedule: 'handover'`: the one with the least round trip, jitter included, until
// it fails or another has been clearly better for a while.

import type { EngineLink } from './engine-link.ts'

/** Another link is better if its round trip is no more than this share. */
const BETTER_SHARE = 0.7
/** For so long without a break. */
const BETTER_FOR_MS = 2_000
/** A link that moves more in `LOAD_SPAN_MS` measures its queue instead of its path. */
const LOAD_BYTES = 8_192
const LOAD_SPAN_MS = 500
/** Its jitter is then taken to be in proportion to its shortest round trip. */
const JITTER_ALLOWANCE = 1.25

export class ActiveLink {
  #link: EngineLink | undefined
  #rival: EngineLink | undefined
  #rivalSinceMs = 0
  /** Of the active link when it carried next to nothing. */
  #restingMs = 0
  /** Shortest round trip since then. */
  #shortestMs = 0
  #spanStartMs = 0
  #spanStartBytes = 0
  #loadedUntilMs = 0

  /** The link to use. @param isProven - has worked for long enough to be believed; others are taken only if there is no such */
  choose(candidates: readonly EngineLink[], isProven: (link: EngineLink) => boolean, nowMs: number): EngineLink | undefined {
    const current = this.#link
    if (!current || !candidates.includes(current)) return this.#moveTo(bestOf(candidates, undefined, isProven), nowMs)
    const ownMs = this.#ownMs(current, nowMs)
    const rival = bestOf(candidates, current, isProven)
    const better = rival !== undefined && isProven(rival) && tripMs(rival) <= BETTER_SHARE * ownMs
    if (!better) this.#rival = undefined
    else if (this.#rival === undefined) {
      this.#rival = rival
      this.#rivalSinceMs = nowMs
    } else if (nowMs >= this.#rivalSinceMs + BETTER_FOR_MS) return this.#moveTo(rival, nowMs)
    return current
  }

  forget(): void {
    this.#link = undefined
    this.#rival = undefined
  }

  /** When `choose` may change its mind by itself. */
  get nextMs(): number {
    return this.#rival ? this.#rivalSinceMs + BETTER_FOR_MS : Number.POSITIVE_INFINITY
  }

  #moveTo(link: EngineLink | undefined, nowMs: number): EngineLink | undefined {
    this.#link = link
    this.#rival = undefined
    if (!link) return undefined
    this.#restingMs = tripMs(link)
    this.#shortestMs = link.path.minRoundTripMs
    this.#spanStartMs = nowMs
    this.#spanStartBytes = link.totalBytes
    this.#loadedUntilMs = 0
    return link
  }

  /** Queues of its own load do not make the active link worse than an idle one. */
  #ownMs(link: EngineLink, nowMs: number): number {
    if (link.totalBytes - this.#spanStartBytes > LOAD_BYTES) this.#loadedUntilMs = nowMs + 2 * LOAD_SPAN_MS
    if (nowMs >= this.#spanStartMs + LOAD_SPAN_MS) {
      this.#spanStartMs = nowMs
      this.#spanStartBytes = link.totalBytes
    }
    const measuredMs = tripMs(link)
    const shortestMs = link.path.minRoundTripMs
    if (nowMs >= this.#loadedUntilMs) {
      this.#restingMs = measuredMs
      this.#shortestMs = shortestMs
      return measuredMs
    }
    this.#shortestMs = Math.min(this.#shortestMs, shortestMs)
    return Math.min(this.#restingMs, measuredMs, JITTER_ALLOWANCE * this.#shortestMs)
  }
}

function bestOf(
  candidates: readonly EngineLink[],
  besides: EngineLink | undefined,
  isProven: (link: EngineLink) => boolean,
): EngineLink | undefined {
  let best: EngineLink | undefined
  for (const link of candidates) {
    if (link === besides) continue
    const precedes = !best || (isProven(link) === isProven(best) ? tripMs(link) < tripMs(best) : isProven(link))
    if (precedes) best = link
  }
  return best
}

function tripMs({ path }: EngineLink): number {
  return path.roundTripMs + 4 * path.roundTripDeviationMs
}
