// Hashes of the traces of some seeds, in trace-hashes.txt beside the source of this file: the same on every version of Node.

import { readFileSync, writeFileSync } from 'node:fs'
import { drawPlan } from './draw-plan.ts'
import { runWorld } from './load.ts'

const FILE = new URL('../../../../test/simulation/world/trace-hashes.txt', import.meta.url)
const SEEDS = 30

/** One line for each seed from 0 on. */
export async function hashesOfTraces(): Promise<string> {
  const lines: string[] = []
  for (let seed = 0; seed < SEEDS; seed++) {
    const { traceHash } = await runWorld(drawPlan(seed))
    lines.push(`${seed} ${traceHash.toString(16).padStart(8, '0')}\n`)
  }
  return lines.join('')
}

export function readHashes(): string {
  return readFileSync(FILE, 'utf8')
}

export async function writeHashes(): Promise<void> {
  writeFileSync(FILE, await hashesOfTraces())
}
