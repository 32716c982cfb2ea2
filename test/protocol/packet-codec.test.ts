// Packet links: what `PacketEncoder` makes and `PacketDecoder` takes; single messages are in `golden.test.ts`.

import t from 'tap'
import { type DataMessage, type LinkMessage, MessageType } from '../../lib/protocol/messages.ts'
import { PacketDecoder } from '../../lib/protocol/packet-decoder.ts'
import { PacketEncoder } from '../../lib/protocol/packet-encoder.ts'
import { bytes, drain, encodeAll, feed, plain, protocolError } from './helpers.ts'
import { vectors } from './vectors.ts'

const MIB = 1_048_576

t.test('all messages after one another arrive as they were sent, a packet each, Data as two', async t => {
  const messages = vectors.map(vector => vector.message)
  const encoder = new PacketEncoder()
  for (const message of messages) encoder.encode(message)
  const told = encoder.pendingBytes
  const packets = encoder.take()
  t.equal(packets.length, messages.length + 1)
  t.equal(
    told,
    packets.reduce((sum, packet) => sum + packet.length, 0),
  )
  t.equal(encoder.pendingBytes, 0)
  t.same(feed(new PacketDecoder(), packets), messages.map(plain))
})

t.test('payload of one piece is sent and handed out without a copy', async t => {
  const payload = new Uint8Array(10_000).fill(5)
  const [header, packet] = encodeAll(new PacketEncoder(), [
    { type: MessageType.Data, sequence: 3, payload: [payload], bytes: 10_000 },
  ])
  t.equal(packet, payload)
  const decoder = new PacketDecoder()
  decoder.push(header!)
  t.equal(decoder.next(), undefined, 'nothing before the payload')
  decoder.push(packet!)
  t.equal((decoder.next() as DataMessage).payload[0], payload)
})

t.test('payload of several pieces becomes one packet', async t => {
  const message: LinkMessage = { type: MessageType.Data, sequence: 3, payload: [bytes('0102'), bytes('03')], bytes: 3 }
  t.same(feed(new PacketDecoder(), encodeAll(new PacketEncoder(), [message])), [plain(message)])
})

t.test('thousands of packets that wait are taken in order', async t => {
  const decoder = new PacketDecoder()
  const expected = Array.from({ length: 5_000 }, (_, sequence) => sequence)
  for (const sequence of expected) decoder.push(bytes(`08 ${sequence.toString(16).padStart(8, '0')}`))
  t.same(
    drain(decoder).map(ack => ack.sequence),
    expected,
  )
  decoder.push(bytes('05'))
  t.same(drain(decoder), [{ type: MessageType.Ping }])
})

t.test('before the handshake is over a packet may have 65,617 bytes, not one more', async t => {
  const packet = new Uint8Array(65_618)
  packet[0] = MessageType.TestData
  t.same(feed(new PacketDecoder(), [packet.subarray(1).fill(MessageType.TestData)]), [
    { type: MessageType.TestData, bytes: 65_616 },
  ])
  t.equal(protocolError(() => feed(new PacketDecoder(), [packet]))?.scope, 'link')
})

t.test('afterwards a packet may have 8 MiB, not one byte more', async t => {
  const packet = new Uint8Array(8 * MIB + 1).fill(MessageType.TestData)
  const decoder = new PacketDecoder()
  decoder.finishHandshake()
  t.same(feed(decoder, [packet.subarray(1)]), [{ type: MessageType.TestData, bytes: 8 * MIB - 1 }])
  t.equal(protocolError(() => feed(decoder, [packet]))?.scope, 'link')
})

t.test('payload longer than allowed ends the connection', async t => {
  const decoder = new PacketDecoder()
  decoder.finishHandshake(10)
  t.equal(feed(decoder, [bytes('07 00000000'), new Uint8Array(10)]).length, 1)
  t.equal(protocolError(() => feed(decoder, [bytes('07 00000001'), new Uint8Array(11)]))?.scope, 'connection')
})

t.test('a packet that is too long to be sent is a RangeError', async t => {
  const payload = [new Uint8Array(8 * MIB), new Uint8Array(1)]
  t.throws(
    () => encodeAll(new PacketEncoder(), [{ type: MessageType.Data, sequence: 0, payload, bytes: 8 * MIB + 1 }]),
    RangeError,
  )
})
