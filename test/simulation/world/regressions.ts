// The plans that once failed, in regressions.txt beside the source of this file.

import { readFileSync } from 'node:fs'
import { drawPlan } from './draw-plan.ts'
import type { WorldPlan } from './plan.ts'
import { formatPlan, parsePlan } from './plan-text.ts'

const FILE = new URL('../../../../test/simulation/world/regressions.txt', import.meta.url)

export interface Regression {
  readonly title: string
  readonly plan: WorldPlan
}

export function readRegressions(): Regression[] {
  const lines = readFileSync(FILE, 'utf8').split('\n')
  return lines
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const [, title, what] = /^(.*?): (\d+|\{.*\})$/.exec(line) ?? []
      if (title === undefined || what === undefined) throw new Error(`not a regression: ${line}`)
      return { title, plan: what.startsWith('{') ? parsePlan(what) : drawPlan(Number(what)) }
    })
}

/** The command that runs a plan again. */
export function replayOf(plan: WorldPlan): string {
  return `npm run simulate -- --plan '${formatPlan(plan)}' --trace`
}
