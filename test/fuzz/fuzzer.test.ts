import { setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Coverage } from './coverage.ts'
import { type Crash, Fuzzer } from './fuzzer.ts'
import { minimise } from './minimise.ts'
import { parsePlanted } from './planted.ts'
import { type FuzzTarget, judge } from './target.ts'

const MOST_BATCHES = 600
const planted: FuzzTarget = {
  name: 'planted',
  bytesMax: 64,
  batch: 256,
  seeds: [new Uint8Array(8)],
  run(input) {
    parsePlanted(input)
  },
}

/** Fuzzes until a crash, but not for ever. */
async function crashOf(t: Test, target: FuzzTarget, scripts = /fuzz\/planted\.js/): Promise<Crash | undefined> {
  const coverage = new Coverage(scripts)
  t.teardown(() => coverage.close())
  const crashes: Crash[] = []
  const fuzzer = new Fuzzer({ target, coverage, seed: 7, crashed: crash => crashes.push(crash) })
  process.on('unhandledRejection', fuzzer.uncaught)
  t.teardown(() => process.removeListener('unhandledRejection', fuzzer.uncaught))
  await fuzzer.addSeeds()
  for (let batch = 0; batch < MOST_BATCHES && crashes.length === 0; batch++) await fuzzer.batch()
  return crashes[0]
}

t.test('coverage leads to a bug behind four bytes that must all be right, and the input is made small', async t => {
  const crash = await crashOf(t, planted)
  t.equal(Buffer.from(crash?.input ?? []).toString(), 'abcd')
  t.equal(crash?.error.message, 'planted, 4 bytes')
  t.match(crash?.signature, /^RangeError: planted, # bytes \(test\/fuzz\/planted\.[jt]s\)$/)
})

t.test('without coverage the same effort does not find it', async t => {
  t.equal(await crashOf(t, planted, /nothing/), undefined)
})

t.test('what a target notes leads on like coverage', async t => {
  const target: FuzzTarget = {
    ...planted,
    run(input, note) {
      const right = ['a', 'b', 'c'].findIndex((letter, index) => input[index] !== letter.charCodeAt(0))
      note(String(right))
      judge(right >= 0, 'all three are right')
    },
  }
  const crash = await crashOf(t, target, /nothing/)
  t.equal(Buffer.from(crash?.input ?? []).toString(), 'abc')
})

t.test('what nobody catches is a failure of the input that ran', async t => {
  const target: FuzzTarget = {
    ...planted,
    async run(input) {
      if (input.includes(7)) Promise.reject(new TypeError('lost'))
      await nextTurn()
    },
  }
  const crash = await crashOf(t, target, /nothing/)
  t.same(crash?.input, [7])
  t.equal(crash?.error.message, 'lost')
})

t.test('an input is made as short and as plain as it can be', async t => {
  const input = Uint8Array.from({ length: 100 }, (_, index) => index + 1)
  const fails = async (candidate: Uint8Array) => candidate.includes(50) && candidate.length >= 3
  t.same([...(await minimise(input, fails))].sort(), [0, 0, 50])
})
