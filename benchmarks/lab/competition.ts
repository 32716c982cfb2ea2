// How a link is shared with a plain TCP stream over it, and how long a ping takes meanwhile.

import { quantile } from '../report.ts'
import { goodput } from './arrivals.ts'
import { roundTrips } from './pings.ts'
import type { Row } from './rows.ts'
import { type Case, Collection, inTestbed, overAllLinks, type Setup } from './setup.ts'

const RUNS = 4
/** After both have begun, by when they have found their shares. */
const SETTLE_MS = 3_000
const SHARED_MS = 8_000

export interface CompetitionOptions {
  readonly name: string
  readonly spec: string
}

export function competitionCase({ name, spec }: CompetitionOptions): Case {
  return { name, title: `a plain TCP stream beside a transfer over ${spec}`, measure: setup => measure(spec, setup) }
}

async function measure(spec: string, setup: Setup): Promise<Row[]> {
  const names = overAllLinks(setup)
  const found = new Collection()
  await inTestbed([spec], [...names, 'tcp'], setup, async testbed => {
    for (let run = 0; run < (setup.runs ?? RUNS); run++) {
      const direction = setup.directions[run % setup.directions.length] ?? 'up'
      for (const name of names) {
        const options = { direction, durationMs: SETTLE_MS + SHARED_MS + 500 }
        let fromMs = 0
        try {
          const pings = await testbed.pings(async () => {
            const [own, other] = await Promise.all([testbed.transfer(name, options), testbed.transfer('tcp', options)])
            fromMs = Math.max(own.startedMs, other.startedMs) + SETTLE_MS
            const [ownRate, otherRate] = [own, other].map(({ logs }) => goodput(logs, fromMs, fromMs + SHARED_MS)) as [
              number,
              number,
            ]
            found.of(name, 'own').values.push(ownRate)
            found.of(name, 'other').values.push(otherRate)
            found.of(name, 'share').values.push((100 * ownRate) / (ownRate + otherRate))
          })
          const pingMs = quantile(roundTrips(pings, fromMs, fromMs + SHARED_MS), 0.5)
          found.of(name, 'ping').values.push(pingMs)
          const share = found.of(name, 'share').values.at(-1)
          setup.progress(`${name} ${direction}: ${share?.toFixed(0)} % of what arrives, ping ${pingMs.toFixed(1)} ms`)
        } catch (error) {
          found.of(name, 'share').failures.push((error as Error).message)
          setup.progress((error as Error).message)
        }
      }
    }
  })
  return names.flatMap((name): Row[] => [
    { subject: name, what: 'carried', unit: 'Mbit/s', better: 'more', ...found.of(name, 'own') },
    { subject: name, what: 'carried by TCP beside it', unit: 'Mbit/s', better: 'more', ...found.of(name, 'other') },
    { subject: name, what: 'its share', unit: '%', better: 'more', ...found.of(name, 'share') },
    { subject: name, what: 'median ping meanwhile', unit: 'ms', better: 'less', ...found.of(name, 'ping') },
  ])
}
