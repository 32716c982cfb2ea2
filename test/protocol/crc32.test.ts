import fc from 'fast-check'
import t from 'tap'
import { crc32, tableCrc32 } from '../../lib/protocol/crc32.ts'
import { bitwiseCrc32 } from './helpers.ts'
import { packetsOf, vectors } from './vectors.ts'

const sample = Uint8Array.from({ length: 1_024 }, (_, index) => (index * 167 + (index >>> 3)) & 0xff)

t.test('the check value of CRC-32/ISO-HDLC comes out', async t => {
  t.equal(crc32(Buffer.from('123456789')), 0xcbf43926)
  t.equal(crc32(new Uint8Array(0)), 0)
})

t.test('the checksums in the golden vectors are right by the definition', async t => {
  for (const vector of vectors) {
    const announced = vector.packets.map(([header]) => Number.parseInt(header.slice(-8), 16))
    t.same(packetsOf(vector).map(bitwiseCrc32), announced, vector.name)
  }
})

t.test('every length and alignment gives what the definition gives, by table and by native code', async t => {
  const wrong: string[] = []
  for (let start = 0; start < 9; start++) {
    for (let length = 0; length < 300; length++) {
      const expected = bitwiseCrc32(sample.subarray(start, start + length))
      if (crc32(sample, start, start + length) !== expected) wrong.push(`crc32 ${start} ${length}`)
      if (tableCrc32(sample, start, start + length, 0) !== expected) wrong.push(`table ${start} ${length}`)
    }
  }
  t.same(wrong, [])
})

t.test('the running value over pieces is the checksum of the whole', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.array(fc.nat(2_000), { maxLength: 8 }), (data, cuts) => {
        const at = [0, ...cuts.map(cut => Math.min(cut, data.length)).sort((a, b) => a - b), data.length]
        let value = 0
        for (let index = 1; index < at.length; index++) value = crc32(data, at[index - 1]!, at[index]!, value)
        return value === bitwiseCrc32(data)
      }),
    ),
  )
})
