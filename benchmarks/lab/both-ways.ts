// One stream that is full in both directions: the acks of one wait behind the data of the other.

import { goodput } from './arrivals.ts'
import type { Row } from './rows.ts'
import { type Case, Collection, inTestbed, overAllLinks, type Setup } from './setup.ts'
import type { SubjectName } from './subjects.ts'

const RUNS = 4
/** After the first bytes, by when every link is at its rate. */
const RAMP_UP_MS = 2_000
const STEADY_MS = 8_000
const WHAT = ['up', 'down', 'both together'] as const

export interface BothWaysOptions {
  readonly name: string
  readonly specs: readonly string[]
}

export function bothWaysCase({ name, specs }: BothWaysOptions): Case {
  return { name, title: `both ways at once over ${specs.join(' ')}`, measure: setup => measure(specs, setup) }
}

async function measure(specs: readonly string[], setup: Setup): Promise<Row[]> {
  const names = overAllLinks(setup)
  const found = new Collection()
  await inTestbed(specs, names, setup, async testbed => {
    for (let run = 0; run < (setup.runs ?? RUNS); run++) {
      const rates = new Map<SubjectName, readonly number[]>()
      for (const name of names) {
        try {
          const { logs, startedMs } = await testbed.transfer(name, {
            direction: 'both',
            durationMs: RAMP_UP_MS + STEADY_MS + 500,
          })
          const fromMs = startedMs + RAMP_UP_MS
          const [up = 0, down = 0] = (['server', 'client'] as const).map(reader => {
            const arrived = logs.filter(({ side }) => side === reader)
            return goodput(arrived, fromMs, fromMs + STEADY_MS)
          })
          rates.set(name, [up, down, up + down])
          setup.progress(`${name}: ${up.toFixed(1)} Mbit/s up, ${down.toFixed(1)} down`)
        } catch (error) {
          found.of(name, WHAT[0]).failures.push((error as Error).message)
          setup.progress((error as Error).message)
        }
      }
      const base = rates.get('tcp')
      for (const [name, values] of rates) {
        for (const [index, what] of WHAT.entries()) {
          const value = values[index] as number
          found.of(name, what).values.push(value)
          if (base) found.of(name, what).ratios.push(value / (base[index] as number))
        }
      }
    }
  })
  return names.flatMap(name =>
    WHAT.map((what): Row => ({ subject: name, what, unit: 'Mbit/s', better: 'more', ...found.of(name, what) })),
  )
}
