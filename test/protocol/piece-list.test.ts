import t from 'tap'
import { PieceList } from '../../lib/protocol/piece-list.ts'
import { hex } from './helpers.ts'

t.test('long pieces are views, short ones are copied together between them, in order', async t => {
  const pieces = new PieceList()
  const long = new Uint8Array(3_000).fill(1)
  const short = new Uint8Array(10).fill(2)
  pieces.add(short, 0, 10)
  pieces.add(short, 0, 5)
  pieces.add(long, 500, 3_000)
  pieces.add(short, 5, 10)
  const taken = pieces.take()
  short.fill(9)
  t.same(
    taken.map(piece => piece.length),
    [15, 2_500, 5],
  )
  t.equal(taken[1]?.buffer, long.buffer)
  t.equal(hex(...taken), '02'.repeat(15) + '01'.repeat(2_500) + '02'.repeat(5))
  t.same(pieces.take(), [], 'taken only once')
})

t.test('any number of short pieces takes few slabs', async t => {
  const pieces = new PieceList()
  const chunk = Uint8Array.from({ length: 1_000 }, (_, index) => index & 0xff)
  let expected = ''
  for (let round = 0; round < 100; round++) {
    pieces.add(chunk, round, round + 900)
    expected += hex(chunk.subarray(round, round + 900))
  }
  const taken = pieces.take()
  t.ok(taken.length < 20, `${taken.length} pieces`)
  t.equal(hex(...taken), expected)
})
