// The library's engine with peers that break every rule: it keeps its own promises and its bounds, and it ends.

import t from 'tap'
import { attacks } from './hostile-attacks.ts'
import { fight } from './hostile-duel.ts'

const SEEDS = 1_200

t.test(`${SEEDS} hostile peers: bounds hold, every connection ends with its reason`, async t => {
  const launched = new Map<string, number>()
  const ends = new Map<string | undefined, number>()
  const secondBuffers = { less: 0, 'less, and more was sent': 0, more: 0, 'more, and the first was full': 0 }
  for (let seed = 0; seed < SEEDS; seed++) {
    const { hostile, victim, survived, firstBuffer, laterBuffers, mostUnconsumed } = fight(seed)
    if (laterBuffers.some(bytes => bytes < firstBuffer)) secondBuffers.less++
    if (laterBuffers.some(bytes => bytes < mostUnconsumed)) secondBuffers['less, and more was sent']++
    if (laterBuffers.some(bytes => bytes > firstBuffer)) secondBuffers.more++
    // But for what is too little for a message.
    if (laterBuffers.some(bytes => bytes > firstBuffer) && mostUnconsumed > firstBuffer * 0.9) {
      secondBuffers['more, and the first was full']++
    }
    for (const { attack } of hostile.launched) launched.set(attack.name, (launched.get(attack.name) ?? 0) + 1)
    for (const name of survived) t.fail(`seed ${seed}: a link outlived ${name}`)
    const failure = victim.closure?.failure
    ends.set(failure, (ends.get(failure) ?? 0) + 1)
  }
  for (const { name } of attacks) t.ok((launched.get(name) ?? 0) > 10, `${name}: ${launched.get(name)} times`)
  for (const [what, count] of Object.entries(secondBuffers)) t.ok(count > 10, `A14 a later buffer is ${what}: ${count} times`)
  t.same([...ends.keys()].sort(), ['no-links-timeout', 'protocol-error', 'terminated'])
})

t.test('the same seed is the same fight', async t => {
  const outcome = (seed: number) => {
    const { victim, hostile, endMs } = fight(seed)
    return `${endMs} ${victim.closure?.failure} ${hostile.launched.map(({ attack }) => attack.name)}`
  }
  for (let seed = 0; seed < 10; seed++) t.equal(outcome(seed), outcome(seed))
})
