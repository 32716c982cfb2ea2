// What the demo found out, and whether that is good enough.
//
// Speeds are bytes that reached the reader, against bytes that the links can carry. So framing, acknowledgements and
// everything sent twice count against us.

import type { ArrivalLog } from './arrival-log.ts'
import { duration, megabytes, percent, seconds, speed } from './units.ts'

/** Share of the sum of the links that has to be reached while all of them work. */
export const TARGET_SHARE = 0.9

/** One end's view of the data. */
export interface Ledger {
  readonly bytes: number
  readonly digest: string
}

/** Raw facts of a run. Times are on one clock, in ms. */
export interface Facts {
  /** Bytes per second of all links, and of the one that was cut. */
  readonly sumRate: number
  readonly cutRate: number
  readonly cutName: string
  readonly sent: Ledger
  readonly received: Ledger
  readonly arrivals: ArrivalLog
  readonly startMs: number
  readonly cutMs: number
  readonly mendMs: number
  /** When the mended link was in use again, `undefined`: never. */
  readonly backMs: number | undefined
  readonly endMs: number
}

/** Bytes that arrived in some time, and those that the links could have carried in it. */
export interface Phase {
  readonly ms: number
  readonly bytes: number
  readonly capacityBytes: number
}

export interface Summary {
  readonly cutName: string
  readonly sentBytes: number
  readonly lostBytes: number
  readonly digestsMatch: boolean
  /** From the start to the cut, and from the return of the link to the end. */
  readonly allWork: Phase
  /** From the cut to the mending. */
  readonly oneCut: Phase
  readonly whole: Phase
  readonly silenceMs: number
  /** What the links that worked could have carried from the cut to the mending, but did not. */
  readonly costBytes: number
  readonly costMs: number
  /** From the mending until the link was in use again. */
  readonly backAfterMs: number | undefined
  readonly passed: boolean
}

export function summarize(facts: Facts): Summary {
  const { arrivals, sumRate, cutRate, cutName, startMs, cutMs, mendMs, endMs, sent, received } = facts
  const phase = (fromMs: number, toMs: number, rate: number): Phase => ({
    ms: toMs - fromMs,
    bytes: arrivals.bytesBetween(fromMs, toMs),
    capacityBytes: ((toMs - fromMs) / 1_000) * rate,
  })
  const restRate = sumRate - cutRate
  const backMs = facts.backMs ?? endMs
  const before = phase(startMs, cutMs, sumRate)
  const oneCut = phase(cutMs, mendMs, restRate)
  const comingBack = phase(mendMs, backMs, sumRate)
  const after = phase(backMs, endMs, sumRate)
  const allWork = add(before, after)
  const costBytes = Math.max(0, oneCut.capacityBytes - oneCut.bytes)
  const lostBytes = sent.bytes - received.bytes
  const digestsMatch = sent.digest === received.digest
  return {
    cutName,
    sentBytes: sent.bytes,
    lostBytes,
    digestsMatch,
    allWork,
    oneCut,
    whole: add(allWork, add(oneCut, comingBack)),
    silenceMs: arrivals.longestSilence(cutMs, mendMs),
    costBytes,
    costMs: (costBytes / restRate) * 1_000,
    backAfterMs: facts.backMs === undefined ? undefined : facts.backMs - mendMs,
    passed: lostBytes === 0 && digestsMatch && facts.backMs !== undefined && share(allWork) >= TARGET_SHARE,
  }
}

export function formatSummary(summary: Summary): string[] {
  const { cutName, sentBytes, lostBytes, digestsMatch, allWork, oneCut, whole } = summary
  const back =
    summary.backAfterMs === undefined ? 'not used again' : `in use again ${duration(summary.backAfterMs)} after it was mended`
  return [
    `data            ${megabytes(sentBytes)}, ${lostBytes} bytes lost, SHA-256 ${digestsMatch ? 'the same at both ends' : 'DIFFERS'}`,
    `all links work  ${formatPhase(allWork)}, target ${percent(TARGET_SHARE)}`,
    `${cutName} cut`.padEnd(16) + formatPhase(oneCut),
    `whole           ${formatPhase(whole)}`,
    `the cut cost    ${megabytes(summary.costBytes)}, or ${duration(summary.costMs)} of the other links; longest silence ${duration(summary.silenceMs)}`,
    `${cutName} mended`.padEnd(16) + back,
    `result          ${summary.passed ? 'passed' : 'FAILED'}`,
  ]
}

export const share = ({ bytes, capacityBytes }: Phase): number => (capacityBytes > 0 ? bytes / capacityBytes : 0)

const add = (a: Phase, b: Phase): Phase => ({
  ms: a.ms + b.ms,
  bytes: a.bytes + b.bytes,
  capacityBytes: a.capacityBytes + b.capacityBytes,
})

function formatPhase(phase: Phase): string {
  const perSecond = (bytes: number): number => (phase.ms > 0 ? (bytes / phase.ms) * 1_000 : 0)
  return `${speed(perSecond(phase.bytes))} of ${speed(perSecond(phase.capacityBytes))} in ${seconds(phase.ms)}: ${percent(share(phase))}`
}
