// Every message against the bytes derived by hand, through every encoder and decoder.

import t from 'tap'
import { MessageType } from '../../lib/protocol/messages.ts'
import { PacketDecoder } from '../../lib/protocol/packet-decoder.ts'
import { PacketEncoder } from '../../lib/protocol/packet-encoder.ts'
import { StreamDecoder } from '../../lib/protocol/stream-decoder.ts'
import { StreamEncoder } from '../../lib/protocol/stream-encoder.ts'
import { wireSize } from '../../lib/protocol/wire-size.ts'
import { cut, encodeAll, feed, hex, plain } from './helpers.ts'
import { packetsOf, streamOf, vectors } from './vectors.ts'

t.test('the vectors cover all sixteen messages', async t => {
  const covered = new Set(vectors.map(vector => vector.message.type))
  t.same([...covered].sort(), Object.values(MessageType).sort())
})

for (const vector of vectors) {
  const { name, message } = vector
  t.test(`${name}: encoded for a stream link it has exactly the bytes of the page`, async t => {
    const encoder = new StreamEncoder()
    encoder.encode(message)
    t.equal(encoder.pendingBytes, streamOf(vector).length)
    t.equal(hex(...encoder.take()), hex(streamOf(vector)))
    t.equal(encoder.pendingBytes, 0)
    t.equal(wireSize(message), streamOf(vector).length)
  })

  t.test(`${name}: encoded for a packet link it has exactly the packets of the page`, async t => {
    const packets = encodeAll(new PacketEncoder(), [message])
    t.same(
      packets.map(packet => hex(packet)),
      packetsOf(vector).map(packet => hex(packet)),
    )
  })

  t.test(`${name}: decoded from a stream link, whole, byte by byte and cut in two anywhere`, async t => {
    const whole = streamOf(vector)
    t.same(feed(new StreamDecoder(), [whole]), [plain(message)], 'whole')
    t.same(feed(new StreamDecoder(), cut(whole, [1])), [plain(message)], 'byte by byte')
    for (let at = 1; at < whole.length; at++) {
      const decoded = feed(new StreamDecoder(), [whole.subarray(0, at), whole.subarray(at)])
      if (JSON.stringify(decoded) !== JSON.stringify([plain(message)])) t.same(decoded, [plain(message)], `cut at ${at}`)
    }
  })

  t.test(`${name}: decoded from Buffers as they come from a socket`, async t => {
    t.same(feed(new StreamDecoder(), [Buffer.from(streamOf(vector))]), [plain(message)])
  })

  t.test(`${name}: decoded from a packet link`, async t => {
    t.same(feed(new PacketDecoder(), packetsOf(vector)), [plain(message)])
  })
}
