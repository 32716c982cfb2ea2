// Plants one bug after the other into a copy of the library and demands of the tests named for it that they fail.
//
//   npm run test:mutation [-- <part of a name> ...]
//
// Before that the same tests must pass on the library as it is. One line for each bug; the last line is always
// `N passed, N failed`: bugs that were caught by all tests named for them, and bugs that were not.

import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { LibraryCopy, type TestRun } from './library-copy.ts'
import type { PlantedBug } from './planted-bug.ts'
import { plantedBugs } from './planted-bugs.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const parallel = Math.max(1, Math.min(2, availableParallelism()))

const wanted = process.argv.slice(2)
const bugs = plantedBugs.filter(({ name }) => wanted.length === 0 || wanted.some(part => name.includes(part)))
const tests = [...new Set(bugs.flatMap(bug => bug.tests))]
const copies = await Promise.all(Array.from({ length: parallel }, () => LibraryCopy.make(root)))
/** Test files that fail without any bug, and so say nothing about one. */
const broken = new Set<string>()
let passed = 0
let failed = 0

try {
  await share(tests, async (copy, test) => {
    const run = await copy.runTest(test)
    if (run.passed) return
    broken.add(test)
    console.log(`FAIL ${test} fails without any planted bug\n${indented(run)}`)
  })
  await share(bugs, async (copy, bug) => {
    const verdict = await judge(copy, bug)
    if (verdict.caught) passed++
    else failed++
    console.log(`${verdict.caught ? 'ok  ' : 'FAIL'} ${bug.name}: ${verdict.text}`)
  })
} finally {
  await Promise.all(copies.map(copy => copy.remove()))
}
if (bugs.length === 0) {
  console.log('no planted bug has such a name')
  failed = 1
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

async function judge(copy: LibraryCopy, bug: PlantedBug): Promise<{ caught: boolean; text: string }> {
  const catches: string[] = []
  try {
    await copy.with(bug, async () => {
      for (const test of bug.tests) {
        if (broken.has(test)) throw new Error(`${test} fails without it, too`)
        const run = await copy.runTest(test)
        if (run.passed) throw new Error(`not caught by ${test}`)
        if (run.failure === undefined) throw new Error(`${test} never came to a verdict\n${indented(run)}`)
        catches.push(`${test} ("${run.failure}")`)
      }
    })
  } catch (error) {
    return { caught: false, text: (error as Error).message }
  }
  return { caught: true, text: `caught by ${catches.join(', ')}` }
}

/** Works through the list, one item on each copy at a time. */
async function share<T>(items: readonly T[], work: (copy: LibraryCopy, item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const worker = async (copy: LibraryCopy) => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(copy, item)
  }
  await Promise.all(copies.map(worker))
}

function indented({ output }: TestRun): string {
  return output.slice(-10_000).replace(/^/gm, '    ')
}
