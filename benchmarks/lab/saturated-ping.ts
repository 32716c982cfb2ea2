// Whether a link that a transfer fills stays usable for others: a ping beside it.

import { setTimeout as sleep } from 'node:timers/promises'
import { median, quantile } from '../report.ts'
import { goodput } from './arrivals.ts'
import { nowMs } from './clock.ts'
import { roundTrips } from './pings.ts'
import type { Row } from './rows.ts'
import { type Case, Collection, inTestbed, isHawser, overAllLinks, type Setup } from './setup.ts'

const RUNS = 4
const IDLE_MS = 1_500
const RAMP_UP_MS = 1_000
const SATURATED_MS = 6_000
/** What a ping may take on the full link, beyond twice its time on the idle one. */
const MARGIN_MS = 20

export interface PingOptions {
  readonly name: string
  readonly spec: string
}

export function pingCase({ name, spec }: PingOptions): Case {
  return { name, title: `ping beside a transfer over ${spec}`, measure: setup => measure(spec, setup) }
}

async function measure(spec: string, setup: Setup): Promise<Row[]> {
  const names = overAllLinks(setup)
  const found = new Collection()
  const base = found.of('idle')
  await inTestbed([spec], names, setup, async testbed => {
    for (let run = 0; run < (setup.runs ?? RUNS); run++) {
      const direction = setup.directions[run % setup.directions.length] ?? 'up'
      const idle = await testbed.pings(() => sleep(IDLE_MS))
      base.values.push(median(roundTrips(idle)))
      for (const name of names) {
        let fromMs = 0
        let toMs = 0
        try {
          const pings = await testbed.pings(async () => {
            const transfer = await testbed.transfer(name, { direction, durationMs: RAMP_UP_MS + SATURATED_MS })
            fromMs = transfer.startedMs + RAMP_UP_MS
            toMs = Math.min(fromMs + SATURATED_MS, nowMs())
            found.of(name, 'rate').values.push(goodput(transfer.logs, fromMs, toMs))
          })
          const sorted = roundTrips(pings, fromMs, toMs)
          for (const q of [0.5, 0.95, 1]) found.of(name, `${q}`).values.push(quantile(sorted, q))
          setup.progress(
            `${name} ${direction}: p50 ${quantile(sorted, 0.5).toFixed(1)}, p95 ${quantile(sorted, 0.95).toFixed(1)} ms`,
          )
        } catch (error) {
          found.of(name, '0.95').failures.push((error as Error).message)
          setup.progress((error as Error).message)
        }
      }
    }
  })
  const limit = 2 * median(base.values.map(Number)) + MARGIN_MS
  const row = (subject: string, what: string, key: readonly string[]): Row => {
    return { subject, what, unit: 'ms', better: 'less', ...found.of(...key) }
  }
  return [
    row('nobody', 'median', ['idle']),
    ...names.flatMap((name): Row[] => [
      row(name, 'median', [name, '0.5']),
      { ...row(name, '95 % are below', [name, '0.95']), ...(isHawser(name) && { targets: [{ of: 'median', limit } as const] }) },
      row(name, 'longest', [name, '1']),
      { subject: name, what: 'carried meanwhile', unit: 'Mbit/s', better: 'more', ...found.of(name, 'rate') },
    ]),
  ]
}
