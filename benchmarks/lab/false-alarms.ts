// Whether links that work are ever taken for links that do not: jitter, and event loops that stand still.

import type { Plan } from './messages.ts'
import type { Row } from './rows.ts'
import { type Case, Collection, inTestbed, isHawser, type Setup } from './setup.ts'

const SPECS = ['50mbit@20ms~10ms', '20mbit@40ms~20ms']
/** A transfer of its own at least so often. */
const MOST_TRANSFER_MS = 60_000

export interface FalseAlarmOptions {
  readonly name: string
  /** Whose event loop stands still for 250 ms every 2 s; they take turns. */
  readonly stalls: readonly Plan['stalls'][]
}

export function falseAlarmCase({ name, stalls }: FalseAlarmOptions): Case {
  const title = `false alarms, ${SPECS.join(' ')}${stalls.some(Boolean) ? ', event loops that stall' : ''}`
  return { name, title, measure: setup => measure(stalls, setup) }
}

async function measure(stalls: readonly Plan['stalls'][], setup: Setup): Promise<Row[]> {
  const names = setup.subjects.filter(isHawser)
  const found = new Collection()
  const transfers = Math.ceil((setup.minutes * 60_000) / MOST_TRANSFER_MS / stalls.length) * stalls.length
  const durationMs = (setup.minutes * 60_000) / transfers
  await inTestbed(SPECS, names, setup, async testbed => {
    for (let index = 0; index < transfers; index++) {
      const stallsNow = stalls[index % stalls.length]
      const direction = setup.directions[Math.floor(index / stalls.length) % setup.directions.length] ?? 'up'
      for (const name of names) {
        try {
          const { alarms, writerLinks, readerLinks } = await testbed.transfer(name, { direction, durationMs, stalls: stallsNow })
          const hangs = [...writerLinks, ...readerLinks].reduce((sum, link) => sum + link.hangs, 0)
          const resent = writerLinks.reduce((sum, link) => sum + link.resent, 0)
          found.of('alarms', name).values.push(Math.max(alarms.length, hangs))
          found.of('resent', name).values.push(resent)
          const reasons = alarms.map(({ tag, reason }) => `${tag} ${reason}`)
          const what = [`${alarms.length} alarms, ${hangs} hangs, ${resent} messages resent`, ...reasons].join('; ')
          setup.progress(`${name} ${direction}, ${stallsNow ?? 'nobody'} stalls, ${durationMs / 1_000} s: ${what}`)
        } catch (error) {
          found.of('alarms', name).failures.push((error as Error).message)
          setup.progress((error as Error).message)
        }
      }
    }
  })
  const length = `of ${(durationMs / 1_000).toFixed(0)} s each`
  return names.flatMap((name): Row[] => [
    {
      subject: name,
      what: 'false alarms',
      unit: length,
      better: 'less',
      ...found.of('alarms', name),
      targets: [{ of: 'worst', limit: 0 }],
    },
    { subject: name, what: 'messages resent', unit: length, better: 'less', ...found.of('resent', name) },
  ])
}
