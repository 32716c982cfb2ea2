// Plays a scenario: transfers data over all links, cuts one, mends it, and judges what came of it.

import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { ArrivalLog } from './arrival-log.ts'
import { createDisplay, type Display, type Output } from './display.ts'
import { Network } from './network.ts'
import type { Scenario } from './scenario.ts'
import { type Facts, formatSummary, type Ledger, type Summary, summarize } from './summary.ts'
import type { Snapshot } from './table.ts'
import { receive, send } from './transfer.ts'
import { seconds, speed } from './units.ts'

/** How often it is looked whether a link works. */
const POLL_MS = 10
/** Every link must work within this time at the start. */
const LINK_UP_LIMIT_MS = 10_000

/** Resolves when all is closed again. Rejects when the connection cannot be made or is lost. */
export async function runDemo(scenario: Scenario, output: Output): Promise<Summary> {
  const display = await createDisplay(output)
  const network = await Network.open(scenario.links)
  const stop = new AbortController()
  try {
    const summary = await Promise.race([play(scenario, network, display, stop.signal), network.failed])
    display.done()
    for (const line of ['', ...formatSummary(summary)]) output.write(`${line}\n`)
    return summary
  } finally {
    stop.abort()
    await network.close()
  }
}

async function play(scenario: Scenario, network: Network, display: Display, signal: AbortSignal): Promise<Summary> {
  const accepted = await network.accepted
  if (!(await becomesTrue(() => network.allWork, performance.now() + LINK_UP_LIMIT_MS, signal)))
    throw new Error('not every link came up')
  display.tell(`${scenario.links.length} links are up, ${speed(sumRate(scenario))} in sum`)

  const arrivals = new ArrivalLog()
  const startMs = performance.now()
  const sending = send(network.client, startMs + scenario.endAt)
  const receiving = receive(accepted, arrivals)
  const progress = new AbortController()
  const showing = showProgress(scenario, network, arrivals, startMs, display, AbortSignal.any([signal, progress.signal]))
  const cutting = cutAndMend(scenario, network, startMs, display, signal)
  const [sent, received, cut] = await Promise.all([sending, receiving, cutting])
  progress.abort()
  await showing
  return summarize(factsOf(scenario, { startMs, sent, received, arrivals, ...cut }))
}

interface Cut {
  readonly cutMs: number
  readonly mendMs: number
  readonly backMs: number | undefined
}

async function cutAndMend(
  scenario: Scenario,
  network: Network,
  startMs: number,
  display: Display,
  signal: AbortSignal,
): Promise<Cut> {
  const { cutLink, cutAt, mendAt, links } = scenario
  const relay = network.relays[cutLink]
  const name = links[cutLink]?.name
  if (!relay || !name) throw new RangeError(`there is no link ${cutLink} to cut`)
  const tell = (text: string): void => display.tell(`${seconds(performance.now() - startMs).padStart(6)}  ${text}`)
  await sleep(startMs + cutAt - performance.now(), undefined, { signal })
  relay.cut()
  const cutMs = performance.now()
  tell(`${name} is cut: it delivers nothing more, but stays connected`)
  await sleep(startMs + mendAt - performance.now(), undefined, { signal })
  relay.mend()
  const mendMs = performance.now()
  tell(`${name} is mended`)
  const back = await becomesTrue(() => network.condition(cutLink) === 'works', startMs + scenario.endAt, signal)
  return { cutMs, mendMs, backMs: back ? performance.now() : undefined }
}

async function showProgress(
  scenario: Scenario,
  network: Network,
  arrivals: ArrivalLog,
  startMs: number,
  display: Display,
  signal: AbortSignal,
): Promise<void> {
  let before = { atMs: startMs, bytes: 0, carried: network.relays.map(({ bytesToTarget }) => bytesToTarget) }
  const takeSnapshot = (): Snapshot => {
    const now = {
      atMs: performance.now(),
      bytes: arrivals.bytes,
      carried: network.relays.map(({ bytesToTarget }) => bytesToTarget),
    }
    const perSecond = (bytes: number): number => (bytes / (now.atMs - before.atMs)) * 1_000
    const links = scenario.links.map(({ name, rate }, index) => ({
      name,
      rate,
      carried: perSecond((now.carried[index] ?? 0) - (before.carried[index] ?? 0)),
      condition: network.condition(index),
    }))
    const goodput = perSecond(now.bytes - before.bytes)
    before = now
    return { elapsedMs: now.atMs - startMs, links, goodput }
  }
  try {
    for (;;) {
      await sleep(display.interval, undefined, { signal })
      display.show(takeSnapshot())
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function factsOf(
  scenario: Scenario,
  run: Cut & { readonly startMs: number; readonly sent: Ledger; readonly received: Ledger; readonly arrivals: ArrivalLog },
): Facts {
  const cut = scenario.links[scenario.cutLink]
  return {
    ...run,
    sumRate: sumRate(scenario),
    cutRate: cut?.rate ?? 0,
    cutName: cut?.name ?? '',
    endMs: run.arrivals.lastMs ?? performance.now(),
  }
}

async function becomesTrue(condition: () => boolean, limitMs: number, signal: AbortSignal): Promise<boolean> {
  while (!condition()) {
    if (performance.now() > limitMs) return false
    await sleep(POLL_MS, undefined, { signal })
  }
  return true
}

const sumRate = ({ links }: Scenario): number => links.reduce((sum, { rate }) => sum + rate, 0)
