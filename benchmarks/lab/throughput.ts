// How much of what plain TCP carries over all links arrives.

import { goodput } from './arrivals.ts'
import type { Direction } from './messages.ts'
import type { Row, Target } from './rows.ts'
import { type Case, Collection, inTestbed, isHawser, type Setup } from './setup.ts'
import type { SubjectName } from './subjects.ts'
import type { Transfer } from './testbed.ts'

/** After the first bytes, by when every link is at its rate. */
const STEADY_FROM_MS = 2_000
const RUNS = 3

export interface ThroughputOptions {
  readonly name: string
  readonly specs: readonly string[]
  /** Least share of what TCP carries over all links. */
  readonly target: number
  /** Link that must never carry more alone. */
  readonly fastLink?: 1 | 2 | undefined
  readonly steadyMs?: number | undefined
  readonly directions?: readonly Direction[] | undefined
  readonly only?: readonly SubjectName[] | undefined
}

export function throughputCase(options: ThroughputOptions): Case {
  return { name: options.name, title: options.specs.join(' '), measure: setup => measure(options, setup) }
}

async function measure(options: ThroughputOptions, setup: Setup): Promise<Row[]> {
  const { specs, fastLink, steadyMs = 6_000, only } = options
  const alone: SubjectName | undefined = fastLink && `tcp-${fastLink}`
  const wanted = setup.subjects.filter(name => !only || only.includes(name))
  const names = wanted.filter(name => !name.startsWith('tcp-') || name === alone)
  const directions = options.directions ?? setup.directions
  const found = new Collection()
  await inTestbed(specs, names, setup, async testbed => {
    for (let run = 0; run < (setup.runs ?? RUNS); run++) {
      for (const direction of directions) {
        const rates = new Map<SubjectName, { steady: number; whole: number }>()
        for (const name of names) {
          try {
            const transfer = await testbed.transfer(name, { direction, durationMs: STEADY_FROM_MS + steadyMs + 500 })
            const steady = steadyGoodput(transfer, steadyMs)
            const whole = wholeGoodput(transfer)
            rates.set(name, { steady, whole })
            found.of('steady', name, direction).values.push(steady)
            found.of('whole', name, direction).values.push(whole)
            setup.progress(`${name} ${direction}: ${steady.toFixed(1)} Mbit/s ${describeLinks(transfer)}`)
          } catch (error) {
            found.of('steady', name, direction).failures.push((error as Error).message)
            setup.progress((error as Error).message)
          }
        }
        const base = rates.get('tcp')
        const fast = alone && rates.get(alone)
        for (const [name, { steady, whole }] of rates) {
          if (base) found.of('steady', name, direction).ratios.push(steady / base.steady)
          if (base) found.of('whole', name, direction).ratios.push(whole / base.whole)
          if (fast) found.of('alone', name, direction).values.push(Math.min(steady / fast.steady, whole / fast.whole))
        }
        if (!setup.speedTool || only) continue
        try {
          const rate = await testbed.speedTest(direction, (STEADY_FROM_MS + steadyMs) / 1_000)
          found.of('speed', direction).values.push(rate)
          if (base) found.of('speed', direction).ratios.push(rate / base.steady)
        } catch (error) {
          found.of('speed', direction).failures.push((error as Error).message)
        }
      }
    }
  })
  const rows: Row[] = []
  for (const direction of directions) {
    for (const name of names) {
      const targets: Target[] | undefined = isHawser(name) ? [{ of: 'median ratio', limit: options.target }] : undefined
      rows.push({
        subject: name,
        what: `${direction}, steady`,
        unit: 'Mbit/s',
        better: 'more',
        ...found.of('steady', name, direction),
        targets,
      })
      rows.push({
        subject: name,
        what: `${direction}, whole`,
        unit: 'Mbit/s',
        better: 'more',
        ...found.of('whole', name, direction),
      })
      if (!alone || !isHawser(name)) continue
      rows.push({
        subject: name,
        what: `${direction}, steady or whole`,
        unit: `x TCP over link ${fastLink} alone`,
        better: 'more',
        ...found.of('alone', name, direction),
        targets: [{ of: 'worst', limit: 1 }],
      })
    }
    if (!setup.speedTool || only) continue
    const speed = found.of('speed', direction)
    rows.push({ subject: 'agg-speed', what: `${direction}, as it tells itself`, unit: 'Mbit/s', better: 'more', ...speed })
  }
  return rows
}

export function steadyGoodput({ logs, startedMs }: Transfer, steadyMs: number): number {
  return goodput(logs, startedMs + STEADY_FROM_MS, startedMs + STEADY_FROM_MS + steadyMs)
}

/** From the client's first connect to the last byte; streams that are together each have an end of their own. */
function wholeGoodput({ logs, begunMs }: Transfer): number {
  return logs.reduce((sum, log) => sum + goodput([log], begunMs, log.timesMs.at(-1) ?? begunMs + 1), 0)
}

/** Megabytes that each link carried, round trips and resends. */
function describeLinks({ writerLinks, alarms }: Transfer): string {
  const links = writerLinks.map(({ bytesSent, resent, minRoundTripMs }) => {
    return `${(bytesSent / 1e6).toFixed(1)} MB (least round trip ${minRoundTripMs.toFixed(1)} ms, ${resent} resent)`
  })
  return [...links, ...(alarms.length > 0 ? [`${alarms.length} alarms`] : [])].join(', ')
}
