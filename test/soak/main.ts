// Real sockets and servers under faults, for as long as one likes.
//
//   npm run soak -- [--seconds N] [--seed N] [--only loopback|lab]
//
// Everything is drawn from the seed; what the machine's clock and scheduler do with it is not. The last line is
// `N passed, N failed`.

import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { LabPaths } from './lab-paths.ts'
import { LoopbackPaths } from './loopback-paths.ts'
import type { Paths } from './paths.ts'
import { MOST_BYTES_PER_MINUTE, Soak, type SoakResult } from './soak.ts'

const LEAST_FAULTS_PER_SECOND = 1
const LEAST_SECONDS = 45

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(randomInt(2 ** 32)) },
    only: { type: 'string' },
  },
})
const seconds = Number(values.seconds)
const seed = Number(values.seed)
if (!(seconds >= LEAST_SECONDS)) throw new RangeError(`--seconds must be ${LEAST_SECONDS} or more: memory has to warm up`)
if (!Number.isSafeInteger(seed)) throw new RangeError('--seed must be an integer')
if (values.only !== undefined && !['loopback', 'lab'].includes(values.only)) {
  throw new RangeError('--only must be loopback or lab')
}

let passed = 0
let failed = 0

function check(title: string, good: boolean, details: readonly string[] = []): void {
  if (good) passed++
  else failed++
  console.log(`${good ? 'ok    ' : 'FAIL  '}${title}`)
  if (good) return
  for (const detail of details.slice(0, 20)) console.log(`      ${detail}`)
  if (details.length > 20) console.log(`      and ${details.length - 20} more`)
}

function judge(result: SoakResult): void {
  const { judge, faults, begun, troubles, memory, leftovers } = result
  const { whole, abrupt, mortal, notConnected, unclaimed, bytes } = judge.counts
  const faultCount = [...faults.values()].reduce((sum, count) => sum + count, 0)
  console.log(`time:        ${Math.round(result.seconds)} s`)
  console.log(`connections: ${begun} begun, ${whole} ended in order, ${abrupt} abruptly, ${mortal} with a server to be killed,`)
  console.log(`             ${notConnected} found no way, ${unclaimed} were left before a word; ${megabytes(bytes)} checked`)
  console.log(
    `faults:      ${faultCount}: ${[...faults]
      .sort()
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  )
  check('every byte is right, every socket closes with what was due', judge.mistakes.length === 0, judge.mistakes)
  check('connections of every kind came to their end', whole > 0 && abrupt > 0 && mortal > 0)
  check(`at least ${LEAST_FAULTS_PER_SECOND} fault a second`, faultCount >= LEAST_FAULTS_PER_SECOND * result.seconds)
  check('every process ends by itself, with nothing said and nothing stuck', troubles.length === 0, troubles)
  for (const side of ['client', 'server'] as const) {
    const { slope, samples, first, last, mostResidentBytes } = memory[side]
    const grows = slope ? `${megabytes(slope.bytesPerMinute)} a minute (± ${megabytes(slope.errorBytesPerMinute)})` : 'unknown'
    const sizes = `${megabytes(first)} to ${megabytes(last)}, at most ${megabytes(mostResidentBytes)} resident`
    const title = `${side}: memory grows by less than 1 MB a minute: ${grows}, ${samples} samples, ${sizes}`
    check(title, slope !== undefined && slope.bytesPerMinute < MOST_BYTES_PER_MINUTE)
    const left = leftovers[side]
    const nothing = left && left.resources.length === 0 && Object.keys(left.objects).length === 0 && left.descriptors === 0
    check(`${side}: handles, objects and descriptors are back to where they began`, nothing === true, [JSON.stringify(left)])
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`
}

async function soak(paths: Paths): Promise<void> {
  console.log(`\n== ${paths.name}, ${seconds} s, seed ${seed}`)
  judge(await new Soak(paths, seed, seconds).run())
}

async function main(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  console.log(`npm run soak -- --seconds ${seconds} --seed ${seed}${values.only ? ` --only ${values.only}` : ''}`)
  if (values.only !== 'lab') await soak(new LoopbackPaths())
  if (values.only !== 'loopback') {
    let paths: LabPaths | undefined
    try {
      paths = new LabPaths()
    } catch (error) {
      console.log(`\n== laboratory: left out: ${(error as Error).message}`)
      if (values.only === 'lab') failed++
    }
    if (paths) await soak(paths)
  }
  console.log(`\n${passed} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
}

await main()
