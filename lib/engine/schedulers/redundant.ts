// Every message over several links: the first copy to arrive counts, so a link that stalls holds nothing up.

import type { ScheduledLink, Scheduler } from './scheduler.ts'

/**
 * The scheduler of `schedule: 'redundant'`, with another number of links for each message.
 *
 * @param linksPerMessage - an integer of at least 1 @defaultValue Infinity: all links that are open
 */
export function redundant(linksPerMessage = Number.POSITIVE_INFINITY): Scheduler {
  return { choose: quickestOpen, linksPerMessage }
}

function quickestOpen(links: readonly ScheduledLink[]): ScheduledLink | null {
  let best: ScheduledLink | null = null
  let bestArrivalMs = Number.POSITIVE_INFINITY
  for (const link of links) {
    const arrivalMs = link.arrival
    if (arrivalMs >= bestArrivalMs || !link.open) continue
    best = link
    bestArrivalMs = arrivalMs
  }
  return best
}
