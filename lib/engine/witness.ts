// Silence is a link's own only if another one, its witness, answers meanwhile: a stall of either event loop hits all.

import type { EngineLink } from './engine-link.ts'

/** Times of both ends of a comparison may differ so much. */
const WITNESS_SLACK_MS = 2
/** Shortest time that a link is given to answer a ping, or to follow another one that answers again. */
export const SHORTEST_ANSWER_MS = 30

/** A ping goes out unless one is out already. */
export function askPing(link: EngineLink, nowMs: number): void {
  link.pingAskedMs ??= nowMs
}

/** Whether `witness` answered something that was sent after the ping of `link` was asked for. */
export function hasProven(witness: EngineLink, link: EngineLink): boolean {
  return link.pingAskedMs !== undefined && witness.provenMs >= link.pingAskedMs - WITNESS_SLACK_MS
}

/** Whether another link has. */
export function isWitnessed(link: EngineLink, links: readonly EngineLink[]): boolean {
  return links.some(other => other !== link && other.trusted && hasProven(other, link))
}

/** Pings the others that have not. */
export function askWitnesses(link: EngineLink, links: readonly EngineLink[], nowMs: number): void {
  for (const other of links) if (other !== link && other.trusted && !hasProven(other, link)) askPing(other, nowMs)
}

/** When a link last answered after a silence: what had silenced it may have silenced others, and they need time to answer, too. */
export function lastResumedMs(links: readonly EngineLink[]): number {
  let latest = Number.NEGATIVE_INFINITY
  for (const { resumedMs } of links) latest = Math.max(latest, resumedMs)
  return latest
}
