// Every target with what failed once, with its seeds, and with some changes of those, the same each time.

import t from 'tap'
import { Random } from '../simulation/random.ts'
import { Mutator } from './mutate.ts'
import { regressionsOf } from './regressions.ts'
import type { FuzzTarget } from './target.ts'
import { targets } from './targets.ts'

const SEED = 3
/** New inputs; each takes about 0.01, 0.01, 0.2 and 0.3 ms. */
const INPUTS: Record<string, number> = { 'frame-parser': 20_000, 'message-parser': 20_000, handshake: 600, engine: 1_500 }

/** Seeds as they are, then changed. */
function* inputsOf({ name, seeds, bytesMax, repair }: FuzzTarget): Generator<Uint8Array> {
  yield* seeds
  const random = new Random(SEED)
  const mutator = new Mutator(random, bytesMax)
  for (let count = 0; count < (INPUTS[name] as number); count++) {
    const input = mutator.mutate(random.pick(seeds), random.pick(seeds))
    if (random.chance(0.8)) repair?.(input)
    yield input
  }
}

for (const target of targets) {
  t.test(`${target.name}: nothing that failed once fails again`, async t => {
    for (const { name, input } of regressionsOf(target.name)) {
      await t.resolves(async () => target.run(input, () => {}), name)
    }
    t.ok(target.seeds.length > 0)
  })

  t.test(`${target.name}: neither a seed nor what is made of them fails`, async t => {
    const states = new Set<string>()
    let runs = 0
    for (const input of inputsOf(target)) {
      runs++
      try {
        await target.run(input, state => states.add(state))
      } catch (error) {
        t.fail(`${error instanceof Error ? error.stack : error}`, { input: Buffer.from(input).toString('hex') })
        return
      }
    }
    t.equal(runs, target.seeds.length + (INPUTS[target.name] as number))
    if (target.name === 'handshake') t.ok(states.has('success'), 'some succeed')
    if (target.name === 'engine')
      t.ok(
        [...states].some(state => state.endsWith('linkWorking')),
        'some get working links',
      )
  })
}
