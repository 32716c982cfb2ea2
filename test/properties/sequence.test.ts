import fc from 'fast-check'
import { addSequence, nextSequence, sequenceDistance } from '../../lib/protocol/sequence.ts'
import { holds } from './holds.ts'

const HALF = 2 ** 31
const sequence = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 1, HALF - 1, HALF, HALF + 1, 0xffff_ffff))
const distance = fc.integer({ min: -HALF, max: HALF - 1 })

/** The wire's arithmetic by the book: whole numbers, cut to 32 bits. */
const wrapped = (value: number) => Number(BigInt.asUintN(32, BigInt(value)))

holds(
  'sequence numbers wrap at 2^32',
  fc.property(sequence, distance, (from, count) => {
    return addSequence(from, count) === wrapped(from + count) && nextSequence(from) === wrapped(from + 1)
  }),
  2_000,
)

holds(
  'the distance is what was added, anywhere and either way, as far as 2^31 numbers tell',
  fc.property(sequence, distance, (from, count) => sequenceDistance(from, addSequence(from, count)) === count),
  2_000,
)

holds(
  'the distance back is the negative one',
  fc.property(sequence, fc.integer({ min: -HALF + 1, max: HALF - 1 }), (from, count) => {
    return sequenceDistance(addSequence(from, count), from) + count === 0
  }),
  2_000,
)

holds(
  'numbers near each other are in the same order wherever they lie',
  fc.property(sequence, fc.array(fc.nat(65_536), { maxLength: 40 }), (first, offsets) => {
    const sorted = offsets.map(offset => addSequence(first, offset)).sort((a, b) => sequenceDistance(b, a))
    const expected = [...offsets].sort((a, b) => a - b).map(offset => addSequence(first, offset))
    return sorted.every((value, index) => value === expected[index])
  }),
)
