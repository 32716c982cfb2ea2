// Properties that hold for all inputs, checked with inputs drawn at random: the same ones each time, unless told otherwise.
//
//   HAWSER_PROPERTY_RUNS    so many times as many inputs as usual
//   HAWSER_PROPERTY_SEED    other inputs
//   HAWSER_PROPERTY_ONLY    only the property of this title
//   HAWSER_PROPERTY_PATH    only the input at this place among those of the seed
//
// A failure names the last three, so that it is replayed with one command.

import { basename } from 'node:path'
import fc from 'fast-check'
import t from 'tap'

const { HAWSER_PROPERTY_RUNS: factor = '1', HAWSER_PROPERTY_SEED: seed = '1' } = process.env
const { HAWSER_PROPERTY_ONLY: only, HAWSER_PROPERTY_PATH: path } = process.env

/** A test of one property. */
export function holds<T>(title: string, property: fc.IRawProperty<T>, runs = 200): void {
  if (only !== undefined && title !== only) return
  t.test(title, async t => {
    const numRuns = Math.max(1, Math.round(runs * Number(factor)))
    const result = await fc.check(property, { seed: Number(seed), numRuns, ...(path && { path, endOnFailure: true }) })
    t.notOk(result.failed, result.failed ? reportOf(title, result) : `${result.numRuns} inputs`)
  })
}

function reportOf<T>(title: string, result: fc.RunDetails<T>): string {
  const { seed, counterexamplePath, errorInstance } = result
  const which = `HAWSER_PROPERTY_ONLY=${JSON.stringify(title)} HAWSER_PROPERTY_SEED=${seed} HAWSER_PROPERTY_PATH=${counterexamplePath}`
  const file = basename(process.argv[1] ?? '', '.js')
  return `${fc.defaultReportMessage(result)}\n${errorInstance ?? ''}\nreplay: ${which} node test/run.mjs properties/${file}`
}
