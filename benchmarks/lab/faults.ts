// What a reader notices when one of two equal links fails in a transfer, and when it comes back.

import { setTimeout as sleep } from 'node:timers/promises'
import { longestSilence, rateReached } from './arrivals.ts'
import { nowMs } from './clock.ts'
import type { Direction } from './messages.ts'
import type { Row, Target } from './rows.ts'
import { type Case, Collection, inTestbed, isHawser, type Setup } from './setup.ts'
import type { SubjectName } from './subjects.ts'
import type { Testbed } from './testbed.ts'
import { steadyGoodput } from './throughput.ts'

const SPECS = ['50mbit@10ms', '50mbit@10ms']
const FAULT_AFTER_MS = 2_500
const OBSERVED_MS = 3_500
/** After a link is back. */
const COMEBACK_OBSERVED_MS = 5_500
const BASELINE_STEADY_MS = 2_000
/** Between runs, for what is under way to leave the links. */
const SETTLE_MS = 300

/** Does something to a link. */
type Change = (testbed: Testbed, link: number) => Promise<void>

export interface FaultOptions {
  readonly name: string
  readonly title: string
  readonly fault: Change
  /** Takes the fault back, after the transfer or, with `backAfterMs`, in it. */
  readonly mend: Change
  readonly runs: number
  readonly only?: readonly SubjectName[] | undefined
  readonly silence?: readonly Target[] | undefined
  /** Of the time until 80 % of what the link that is left carries. */
  readonly recovery?: readonly Target[] | undefined
  /** So long after the fault the link comes back. */
  readonly backAfterMs?: number | undefined
  /** Of the time until 85 % of what both links carry, from then on. */
  readonly comeback?: readonly Target[] | undefined
}

export const cut: Change = (testbed, link) => testbed.lab.change('cut', `${link}`)
export const mend: Change = (testbed, link) => testbed.lab.change('mend', `${link}`)
export const unplug: Change = (testbed, link) => testbed.lab.change('unplug', `${link}`)
export const plug: Change = (testbed, link) => testbed.lab.change('plug', `${link}`)
/** Resets what is connected over the link, at the server. */
export const reset: Change = async (testbed, link) => {
  await testbed.lab.run('server', 'ss', '-tK', 'dst', `10.77.${link}.1`)
}
export const nothing: Change = async () => {}

export function faultCase(options: FaultOptions): Case {
  return { name: options.name, title: `${options.title}, ${SPECS.join(' ')}`, measure: setup => measure(options, setup) }
}

async function measure(options: FaultOptions, setup: Setup): Promise<Row[]> {
  const { only } = options
  const names = setup.subjects.filter(name => !name.startsWith('tcp') && (!only || only.includes(name)))
  const found = new Collection()
  await inTestbed(SPECS, [...names, 'tcp'], setup, async testbed => {
    const plain = await testbed.transfer('tcp', { direction: 'up', durationMs: 2_500 + BASELINE_STEADY_MS })
    const fullRate = steadyGoodput(plain, BASELINE_STEADY_MS)
    for (let run = 0; run < (setup.runs ?? options.runs); run++) {
      // Both links and both directions take turns.
      const link = 1 + (run % 2)
      const direction = setup.directions[(run >> 1) % setup.directions.length] ?? 'up'
      for (const name of names) {
        try {
          await measureOne(options, testbed, { name, link, direction, fullRate }, found, setup)
        } catch (error) {
          found.of('silence', name).failures.push((error as Error).message)
          setup.progress((error as Error).message)
        }
        await sleep(SETTLE_MS)
      }
    }
  })
  return names.flatMap(name => rowsOf(options, name, found))
}

async function measureOne(
  { fault, mend, backAfterMs }: FaultOptions,
  testbed: Testbed,
  { name, link, direction, fullRate }: { name: SubjectName; link: number; direction: Direction; fullRate: number },
  found: Collection,
  setup: Setup,
): Promise<void> {
  let faultMs = 0
  let backMs = 0
  let mended = false
  const durationMs = FAULT_AFTER_MS + (backAfterMs === undefined ? OBSERVED_MS : backAfterMs + COMEBACK_OBSERVED_MS)
  try {
    const transfer = await testbed.transfer(name, { direction, durationMs }, async startedMs => {
      await sleep(startedMs + FAULT_AFTER_MS - nowMs())
      faultMs = nowMs()
      await fault(testbed, link)
      if (backAfterMs === undefined) return
      await sleep(faultMs + backAfterMs - nowMs())
      backMs = nowMs()
      await mend(testbed, link)
      mended = true
    })
    const [log] = transfer.logs
    if (!log) throw new Error('nothing arrived')
    const untilMs = faultMs + (backAfterMs ?? OBSERVED_MS - 500)
    const silence = longestSilence(log, faultMs, untilMs)
    // Before its end nothing has recovered, though what was held back then comes at once.
    const heardMs = Math.max(faultMs, silence.startMs + silence.lengthMs)
    const recoveryMs = since(faultMs, rateReached(log, 0.8 * (fullRate / 2), heardMs, untilMs))
    found.of('silence', name).values.push(silence.lengthMs)
    found.of('recovery', name).values.push(recoveryMs)
    let text = `silence ${silence.lengthMs.toFixed(0)} ms, 80 % after ${recoveryMs?.toFixed(0) ?? 'never'} ms`
    if (backAfterMs !== undefined) {
      const comebackMs = since(backMs, rateReached(log, 0.85 * fullRate, backMs, backMs + COMEBACK_OBSERVED_MS - 500))
      found.of('comeback', name).values.push(comebackMs)
      text += `, 85 % again after ${comebackMs?.toFixed(0) ?? 'never'} ms`
    }
    const alarms = transfer.alarms.map(({ tag, reason, atMs }) => `${tag} ${reason} after ${(atMs - faultMs).toFixed(0)} ms`)
    setup.progress([`${name} ${direction}, link ${link}: ${text}`, ...alarms].join('; '))
  } finally {
    if (!mended) await mend(testbed, link)
  }
}

const since = (fromMs: number, atMs: number | undefined): number | null => (atMs === undefined ? null : atMs - fromMs)

function rowsOf(options: FaultOptions, name: SubjectName, found: Collection): Row[] {
  const row = (what: string, key: string, targets: readonly Target[] | undefined): Row => {
    const own = isHawser(name) ? targets : undefined
    return { subject: name, what, unit: 'ms', better: 'less', ...found.of(key, name), targets: own }
  }
  const rows = [
    row('longest silence', 'silence', options.silence),
    row('until 80 % of the rate that is left', 'recovery', options.recovery),
  ]
  if (options.backAfterMs !== undefined) rows.push(row('back, until 85 % of the full rate', 'comeback', options.comeback))
  return rows
}
