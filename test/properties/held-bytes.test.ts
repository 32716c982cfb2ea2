import { equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { Slabs } from '../../lib/engine/held-bytes.ts'
import { PieceList } from '../../lib/protocol/piece-list.ts'
import { holds } from './holds.ts'

const KIB = 1_024

/** Lengths of payloads and of the chunks that they are views of, and how many of the oldest are read before. */
const payloads = fc.array(
  fc.record({
    bytes: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 70 * KIB })),
    chunkBytes: fc.constantFrom(0, 64 * KIB, 256 * KIB),
    read: fc.nat(2),
  }),
  { maxLength: 120, size: 'max' },
)

const pinnedBy = (held: readonly Uint8Array[]) =>
  [...new Set(held.map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0)

holds(
  'what waits is what came, and keeps little more memory than its own size alive',
  fc.property(payloads, payloads => {
    const slabs = new Slabs()
    const held: Uint8Array[] = []
    const came: Uint8Array[] = []
    let heldBytes = 0
    for (const [index, { bytes, chunkBytes, read }] of payloads.entries()) {
      for (const piece of held.splice(0, read)) heldBytes -= piece.length
      came.splice(0, read)
      // A Buffer, as sockets give: its `slice` does not copy.
      const chunk = Buffer.from(new ArrayBuffer(Math.max(bytes, chunkBytes)))
      const payload = chunk.subarray(chunk.length - bytes).fill(index + 1)
      heldBytes += bytes
      const kept = slabs.keep(payload, heldBytes)
      equal(Buffer.compare(kept, payload), 0)
      held.push(kept)
      came.push(payload)
      // B1 of the threat model: 1.25 times the buffer, and a fixed part, here views of 128 KiB that pin 16 times as much, and of 1.4
      // MiB that pin three times as much.
      const fixedBytes = 16 * 128 * KIB + 3 * 1_408 * KIB + 1_024 * KIB + 2 * 64 * KIB
      ok(pinnedBy(held) <= 1.25 * heldBytes + fixedBytes, `${pinnedBy(held)} for ${heldBytes}`)
    }
    equal(Buffer.compare(Buffer.concat(held), Buffer.concat(came)), 0, 'a later one overwrites none')
  }),
  60,
)

holds(
  'two pieces are joined only if together they are the bytes of both',
  fc.property(
    fc.uint8Array({ minLength: 1, maxLength: 50 }),
    fc.nat(50),
    fc.nat(50),
    fc.nat(50),
    fc.boolean(),
    (bytes, a, b, c, other) => {
      const [start, middle, end] = [a, b, c].map(at => at % (bytes.length + 1)).sort((x, y) => x - y) as [number, number, number]
      const last = bytes.subarray(start, middle)
      const next = other ? bytes.slice(middle, end) : bytes.subarray(middle, end)
      const whole = Slabs.join(last, next)
      if (other) equal(whole, undefined)
      else equal(Buffer.compare(whole as Uint8Array, bytes.subarray(start, end)), 0)
    },
  ),
)

holds(
  'a piece list gives back what was put in, without keeping large chunks for short pieces',
  fc.property(
    fc.array(fc.array(fc.tuple(fc.oneof(fc.nat(30), fc.nat(3_000)), fc.nat(200)), { maxLength: 20 }), { maxLength: 4 }),
    rounds => {
      const list = new PieceList()
      for (const pieces of rounds) {
        const added: Uint8Array[] = []
        for (const [index, [bytes, before]] of pieces.entries()) {
          const chunk = new Uint8Array(before + bytes + 64 * KIB).fill(index + 1)
          list.add(chunk, before, before + bytes)
          added.push(chunk.slice(before, before + bytes))
          chunk.fill(bytes < KIB ? 0xff : index + 1)
        }
        const taken = list.take()
        ok(taken.every(piece => piece.length > 0))
        equal(Buffer.compare(Buffer.concat(taken), Buffer.concat(added)), 0)
        const slabs = taken.filter(({ buffer }) => buffer.byteLength < 64 * KIB)
        const copiedBytes = slabs.reduce((sum, { length }) => sum + length, 0)
        ok(pinnedBy(slabs) <= 2 * copiedBytes + 8 * KIB, `${pinnedBy(slabs)} for ${copiedBytes}`)
      }
    },
  ),
)
