import t from 'tap'
import { addSequence, nextSequence, sequenceDistance } from '../../lib/protocol/sequence.ts'

t.test('counting goes on over 2^31 as an unsigned number and from 2^32 - 1 to 0', async t => {
  t.equal(nextSequence(0), 1)
  t.equal(nextSequence(2 ** 31 - 1), 2 ** 31)
  t.equal(nextSequence(2 ** 31), 2 ** 31 + 1)
  t.equal(nextSequence(2 ** 32 - 1), 0)
})

t.test('adding wraps in both directions', async t => {
  t.equal(addSequence(2 ** 32 - 10, 20), 10)
  t.equal(addSequence(10, -20), 2 ** 32 - 10)
  t.equal(addSequence(2 ** 31 - 1, 1), 2 ** 31)
  t.equal(addSequence(5, 0), 5)
})

t.test('distances are right around 0, 2^31 and 2^32', async t => {
  for (const start of [0, 10, 2 ** 31 - 10, 2 ** 31, 2 ** 32 - 10, 2 ** 32 - 1]) {
    for (const distance of [0, 1, 20, 65_536, 131_072, 2 ** 30, 2 ** 31 - 1]) {
      const to = addSequence(start, distance)
      t.equal(sequenceDistance(start, to), distance, `${start} to ${to}`)
      t.equal(sequenceDistance(to, start), distance === 0 ? 0 : -distance, `${to} to ${start}`)
    }
  }
})

t.test('half way around counts as behind, from either side', async t => {
  t.equal(sequenceDistance(0, 2 ** 31), -(2 ** 31))
  t.equal(sequenceDistance(2 ** 31, 0), -(2 ** 31))
})
