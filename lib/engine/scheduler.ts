// Which link carries the next message.
//
// In bulk every link with an open window is used, the one where the message arrives first before the others. When
// little is left to send, or little credit, a message rather waits for a quicker link than that the stream waits for a
// slow one: the questions of ECF (Lim et al., 2017) and BLEST (Ferlin et al., 2016) as one comparison of arrival times.

import type { EngineLink } from './engine-link.ts'

/** What is to be sent. */
export interface Demand {
  /** Payload bytes that wait, in this message and behind it. */
  readonly waitingBytes: number
  /** The application has more: `waitingBytes` is not all. */
  readonly moreWaiting: boolean
  /** Bytes that the peer still takes. */
  readonly creditBytes: number
}

/** Bytes of the message that `link` would carry. */
export type SizeOn = (link: EngineLink) => number

/** The link that should carry the next message now, or `undefined`: none is open, or waiting is better. */
export function chooseLink(links: readonly EngineLink[], demand: Demand, sizeOn: SizeOn, nowMs: number): EngineLink | undefined {
  let best: EngineLink | undefined
  let bestArrivalMs = Number.POSITIVE_INFINITY
  let open: EngineLink | undefined
  let openArrivalMs = Number.POSITIVE_INFINITY
  for (const link of links) {
    if (!link.usable) continue
    const bytes = sizeOn(link)
    const arrivalMs = link.path.arrivalMs(bytes, nowMs) + link.stuckMs(nowMs)
    if (arrivalMs < bestArrivalMs) {
      best = link
      bestArrivalMs = arrivalMs
    }
    if (link.writable && arrivalMs < openArrivalMs && link.path.isOpen(bytes, nowMs)) {
      open = link
      openArrivalMs = arrivalMs
    }
  }
  if (!open || open === best) return open
  return isWorthWaiting(links, open, openArrivalMs, demand, nowMs) ? undefined : open
}

/** Whether the links that are quicker than `open` do better with what is to be sent than `open` would. */
function isWorthWaiting(
  links: readonly EngineLink[],
  open: EngineLink,
  openArrivalMs: number,
  demand: Demand,
  nowMs: number,
): boolean {
  const surelyMs = openArrivalMs + 2 * open.path.predictionDeviationMs
  let meanwhileBytes = 0
  let surelyMeanwhileBytes = 0
  for (const link of links) {
    if (link === open || !link.usable) continue
    const freeMs = link.path.arrivalMs(0, nowMs) + link.stuckMs(nowMs)
    const rate = link.path.rateBytesPerMs
    meanwhileBytes += rate * Math.max(0, openArrivalMs - freeMs)
    surelyMeanwhileBytes += rate * Math.max(0, surelyMs - freeMs)
  }
  if (surelyMeanwhileBytes > demand.creditBytes) return true
  return !demand.moreWaiting && meanwhileBytes > demand.waitingBytes
}
