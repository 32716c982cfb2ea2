// Runs cases in turn, round by round: neighbours in time share what else the machine does.

import { type Case, type Figure, Unavailable } from './case.ts'
import type { Series } from './report.ts'

/** @param progress - is told each run that begins */
export async function runRounds(
  cases: readonly Case[],
  rounds: number,
  progress: (text: string) => void = () => {},
): Promise<Series[]> {
  const all = cases.map(one => ({ case: one, rounds: [] as Figure[][], leftOut: undefined as string | undefined }))
  for (let round = 0; round < rounds; round++) {
    for (const series of all) {
      if (series.leftOut !== undefined || round >= (series.case.rounds ?? rounds)) continue
      progress(`round ${round + 1} of ${rounds}: ${series.case.name}`)
      try {
        series.rounds.push(await series.case.measure())
      } catch (error) {
        if (!(error instanceof Unavailable)) throw new Error(`${series.case.name} failed`, { cause: error })
        series.leftOut = error.message
      }
    }
  }
  return all
}

/** The cases whose name has one of `parts`, all when there are none, and what they are compared with. */
export function selectCases(cases: readonly Case[], parts: readonly string[]): Case[] {
  for (const part of parts) {
    if (!cases.some(({ name }) => name.includes(part))) throw new RangeError(`no case ${part}: --list tells their names`)
  }
  const wanted = cases.filter(({ name }) => parts.length === 0 || parts.some(part => name.includes(part)))
  const baselines = new Set(wanted.map(({ baseline }) => baseline))
  return cases.filter(one => wanted.includes(one) || baselines.has(one.name))
}
