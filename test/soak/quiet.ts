// Moments at which nothing new is written: what memory holds then is no data under way. The clock of the machine makes
// them, so that processes need not talk about it.

import { setTimeout as sleep } from 'node:timers/promises'

const PERIOD_MS = 4_000
const QUIET_MS = 900
/** Into the quiet, for the last of what is under way to arrive. */
const SETTLED_MS = 450

function phaseMs(): number {
  return Date.now() % PERIOD_MS
}

/** Returns at once, but in a quiet moment only once that is over. */
export async function untilLoud(): Promise<void> {
  if (phaseMs() < QUIET_MS) await sleep(QUIET_MS - phaseMs())
}

/** Calls `sample` late in each quiet moment until `signal` aborts. */
export async function whenSettled(sample: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(PERIOD_MS - ((phaseMs() - SETTLED_MS + PERIOD_MS) % PERIOD_MS), undefined, { signal }).catch(() => {})
    if (!signal.aborted) await sample()
  }
}
