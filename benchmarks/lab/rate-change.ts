// One of two links becomes slow in a transfer, and quick again.

import { setTimeout as sleep } from 'node:timers/promises'
import { goodput, longestSilence } from './arrivals.ts'
import { nowMs } from './clock.ts'
import type { Row } from './rows.ts'
import { type Case, Collection, inTestbed, overAllLinks, type Setup } from './setup.ts'

const SPECS = ['100mbit@5ms', '50mbit@5ms']
const RATES = ['20mbit', '100mbit']
const PHASE_MS = 4_000
const RUNS = 4
const PHASES = ['before', 'while it is slow', 'after']

export function rateChangeCase({ name }: { readonly name: string }): Case {
  const title = `${SPECS.join(' ')}, the first at ${RATES.join(', then ')} from ${PHASE_MS / 1_000} s on`
  return { name, title, measure }
}

async function measure(setup: Setup): Promise<Row[]> {
  const names = overAllLinks(setup)
  const found = new Collection()
  await inTestbed(SPECS, names, setup, async testbed => {
    for (let run = 0; run < (setup.runs ?? RUNS); run++) {
      const direction = setup.directions[run % setup.directions.length] ?? 'up'
      const base = new Map<string, number>()
      for (const name of [...names].sort((a, b) => Number(b === 'tcp') - Number(a === 'tcp'))) {
        try {
          const durationMs = PHASE_MS * PHASES.length + 500
          const { logs, startedMs } = await testbed.transfer(name, { direction, durationMs }, async startedMs => {
            for (const [index, rate] of RATES.entries()) {
              await sleep(startedMs + (index + 1) * PHASE_MS - nowMs())
              await testbed.lab.change('rate', '1', rate)
            }
          })
          const rates = PHASES.map((_, index) => {
            return goodput(logs, startedMs + index * PHASE_MS, startedMs + (index + 1) * PHASE_MS)
          })
          for (const [index, rate] of rates.entries()) {
            const collected = found.of(PHASES[index] as string, name)
            collected.values.push(rate)
            if (name === 'tcp') base.set(`${index}`, rate)
            const baseRate = base.get(`${index}`)
            if (baseRate) collected.ratios.push(rate / baseRate)
          }
          const silences = logs.map(
            log => longestSilence(log, startedMs + PHASE_MS, startedMs + PHASES.length * PHASE_MS).lengthMs,
          )
          found.of('silence', name).values.push(Math.max(...silences))
          setup.progress(`${name} ${direction}: ${rates.map(rate => rate.toFixed(1)).join(', ')} Mbit/s`)
        } catch (error) {
          found.of(PHASES[0] as string, name).failures.push((error as Error).message)
          setup.progress((error as Error).message)
        }
      }
    }
  })
  return names.flatMap((name): Row[] => [
    ...PHASES.map((phase): Row => ({ subject: name, what: phase, unit: 'Mbit/s', better: 'more', ...found.of(phase, name) })),
    { subject: name, what: 'longest silence', unit: 'ms', better: 'less', ...found.of('silence', name) },
  ])
}
