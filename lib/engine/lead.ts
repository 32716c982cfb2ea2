// How far ahead in the stream a slower link takes its messages: by what the quicker ones bring until such a message
// arrives, so that the reader does not wait for it.

import type { EngineLink } from './engine-link.ts'

/** A message that arrives so little later than on the quickest link is in order, or nearly. */
const NOTABLE_MS = 10
/** While the rate of a link is not known its message may come so much later than its ack is expected, but for short round trips. */
const UNCERTAIN_MS = 30

/** Bytes that `links` bring before a message that `chosen` is given now. */
export function leadBytes(links: readonly EngineLink[], chosen: EngineLink, nowMs: number): number {
  let earliestMs = Number.POSITIVE_INFINITY
  for (const link of links) if (link !== chosen) earliestMs = Math.min(earliestMs, expectedMs(link))
  const arrivalMs = expectedMs(chosen)
  // Nobody but the quickest would take what comes next.
  if (arrivalMs <= earliestMs) return 0
  const latestMs = arrivalMs + errorMs(chosen) + 2 * chosen.path.predictionDeviationMs
  if (latestMs < earliestMs + NOTABLE_MS) return 0
  let bytes = 0
  for (const link of links) {
    if (link === chosen) continue
    const { path } = link
    const rateBytesPerMs = path.isRateKnown ? link.deliveryRate / 1_000 : path.serviceRate(nowMs)
    bytes += Math.max(0, latestMs - link.ready - errorMs(link)) * rateBytesPerMs
  }
  return bytes
}

/** When a message arrives; while the rate is not known: when its ack has told it, or later if what is in flight is much. */
function expectedMs({ path, arrival }: EngineLink): number {
  if (path.isRateKnown) return arrival
  return Math.max(arrival + path.answerMs() + Math.min(UNCERTAIN_MS, path.minRoundTripMs / 2), path.latestArrivalMs())
}

/** How much later than predicted messages arrive, on average. */
function errorMs({ path }: EngineLink): number {
  return path.isRateKnown ? path.predictionErrorMs : 0
}
