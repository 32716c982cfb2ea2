// All links for the most bandwidth.
//
// In bulk every open link is used, the one where the message arrives first before the others. When little is left to
// send, or little credit, a message rather waits for a quicker link than that the stream waits for a slow one: the
// questions of ECF (Lim et al., 2017) and BLEST (Ferlin et al., 2016) as one comparison of arrival times.

import type { Demand, ScheduledLink, Scheduler } from './scheduler.ts'

export const aggregate: Scheduler = {
  choose(links, demand) {
    let best: ScheduledLink | undefined
    let bestArrivalMs = Number.POSITIVE_INFINITY
    let open: ScheduledLink | null = null
    let openArrivalMs = Number.POSITIVE_INFINITY
    for (const link of links) {
      const arrivalMs = link.arrival
      if (arrivalMs < bestArrivalMs) {
        best = link
        bestArrivalMs = arrivalMs
      }
      if (arrivalMs < openArrivalMs && link.open) {
        open = link
        openArrivalMs = arrivalMs
      }
    }
    if (!open || open === best) return open
    return isWorthWaiting(links, open, openArrivalMs, demand) ? null : open
  },
}

/** Whether the links that are quicker than `open` do better with what is to be sent than `open` would. */
function isWorthWaiting(links: readonly ScheduledLink[], open: ScheduledLink, openArrivalMs: number, demand: Demand): boolean {
  const surelyMs = openArrivalMs + 2 * open.arrivalDeviation
  let meanwhileBytes = 0
  let surelyMeanwhileBytes = 0
  for (const link of links) {
    if (link === open) continue
    const freeMs = link.ready
    const rateBytesPerMs = link.deliveryRate / 1_000
    meanwhileBytes += rateBytesPerMs * Math.max(0, openArrivalMs - freeMs)
    surelyMeanwhileBytes += rateBytesPerMs * Math.max(0, surelyMs - freeMs)
  }
  if (surelyMeanwhileBytes > demand.credit) return true
  return !demand.more && meanwhileBytes > demand.waiting
}
