// What a packet may hold, through both decoders: trailing bytes, messages cut off, violations.

import fc from 'fast-check'
import t from 'tap'
import type { LinkDecoder } from '../../lib/protocol/codec.ts'
import { MessageType } from '../../lib/protocol/messages.ts'
import { PacketDecoder } from '../../lib/protocol/packet-decoder.ts'
import { StreamDecoder } from '../../lib/protocol/stream-decoder.ts'
import { bytes, concat, cut, drain, feed, frame, plain, protocolError, stream } from './helpers.ts'
import { packetsOf, vectors } from './vectors.ts'

type Feed = (packets: readonly Uint8Array[]) => Record<string, unknown>[]

/** The ways a packet can reach a decoder. */
const ways: Record<string, Feed> = {
  'stream link': packets => feed(new StreamDecoder(), [stream(packets)]),
  'stream link, byte by byte': packets => feed(new StreamDecoder(), cut(stream(packets), [1])),
  'packet link': packets => feed(new PacketDecoder(), packets),
}

const HEAD = '4c49414700 04 00000000'
const KEY = '11'.repeat(32)
const ID = '22'.repeat(16)
const ZERO = '00'.repeat(16)

const violations: Record<string, string> = {
  'an empty packet where a message belongs': '',
  'type 0': '00',
  'type 17': '11',
  'type 255': 'ff 00000000',
  'Welcome with another magic': `01 4c49414701 04 00000000 ${KEY} ${ID} 0000 00010000`,
  'Welcome of version 3': `01 4c49414700 03 00000000 ${KEY} ${ID} 0000 00010000`,
  'Welcome of version 5': `01 4c49414700 05 00000000 ${KEY} ${ID} 0000 00010000`,
  'Welcome with server id zero': `01 ${HEAD} ${KEY} ${ZERO} 0000 00010000`,
  'Welcome with receive buffer zero': `01 ${HEAD} ${KEY} ${ID} 0000 00000000`,
  'Welcome whose user data is longer than the packet': `01 ${HEAD} ${KEY} ${ID} ffff 0102 00010000`,
  'Connect with another magic': `02 4c49414747 04 00000000 ${KEY} ${ZERO} ${ID} 00 0000 00010000`,
  'Connect of version 0': `02 4c49414700 00 00000000 ${KEY} ${ZERO} ${ID} 00 0000 00010000`,
  'Connect with receive buffer zero': `02 ${HEAD} ${KEY} ${ZERO} ${ID} 00 0000 00000000`,
  'Connect whose user data is longer than the packet': `02 ${HEAD} ${KEY} ${ZERO} ${ID} 00 0003 0102`,
  'an HTTP request': Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex'),
}

for (const [way, feedPackets] of Object.entries(ways)) {
  for (const [name, packet] of Object.entries(violations)) {
    t.test(`${way}: ${name} is a protocol error of the link`, async t => {
      t.equal(protocolError(() => feedPackets([bytes(packet)]))?.scope, 'link')
    })
  }

  for (const vector of vectors) {
    const { name, message } = vector
    t.test(`${way}: bytes behind ${name} are ignored`, async t => {
      if (message.type === MessageType.TestData) return t.pass('everything behind the type is test data')
      const packets = packetsOf(vector)
      packets[0] = concat([packets[0]!, Uint8Array.from({ length: 300 }, (_, index) => index & 0xff)])
      return t.same(feedPackets(packets), [plain(message)])
    })
  }

  t.test(`${way}: every message cut off at any length is a protocol error of the link, never a message`, async t => {
    const taken: string[] = []
    for (const vector of vectors) {
      const { message } = vector
      // What follows the type may be missing there.
      if (message.type === MessageType.TestData || (message.type === MessageType.Goodbye && message.over)) continue
      const whole = packetsOf(vector)[0]!
      for (let length = 1; length < whole.length; length++) {
        const error = protocolError(() => feedPackets([whole.subarray(0, length)]))
        if (error?.scope !== 'link') taken.push(`${vector.name} with ${length} of ${whole.length} bytes`)
      }
    }
    t.same(taken, [])
  })

  t.test(`${way}: user data of 65,535 bytes arrives whole, in the longest packet of a handshake`, async t => {
    const userData = Buffer.alloc(65_535, 'user')
    const packet = concat([bytes(`02 ${HEAD} ${KEY} ${ZERO} ${ID} 01 ffff`), userData, bytes('00010000')])
    t.equal(packet.length, 65_617)
    const [connect] = feedPackets([packet])
    t.equal(connect?.userData, userData.toString('hex'))
    t.equal(connect?.recvBuffer, 65_536)
  })

  t.test(`${way}: a Refused with a reason of its own, flags other than 1 and unknown extensions are passed on`, async t => {
    t.same(feedPackets([bytes('04 63')]), [{ type: MessageType.Refused, reason: 0x63 }])
    t.same(feedPackets([bytes('0e 80')]), [{ type: MessageType.SetBlock, blocked: true }])
    const [welcome] = feedPackets([bytes(`01 4c49414700 04 80000001 ${KEY} ${ID} 0000 ffffffff`)])
    t.equal(welcome?.extensions, 0x8000_0001)
    t.equal(welcome?.recvBuffer, 0xffff_ffff)
  })

  t.test(`${way}: Data without a byte is handed out as such`, async t => {
    t.same(feedPackets([bytes('07 00000009'), new Uint8Array(0), bytes('05')]), [
      { type: MessageType.Data, sequence: 9, payload: '', bytes: 0 },
      { type: MessageType.Ping },
    ])
  })

  t.test(`${way}: what follows a Data header is payload, whatever it looks like`, async t => {
    for (const vector of vectors) {
      const packet = packetsOf(vector)[0]!
      const [data, after] = feedPackets([bytes('07 00000001'), packet, bytes('06')])
      t.same(data, plain({ type: MessageType.Data, sequence: 1, payload: [packet], bytes: packet.length }))
      t.same(after, { type: MessageType.Pong })
    }
  })
}

const decoders: Record<string, () => LinkDecoder> = {
  'stream link': () => new StreamDecoder(),
  'packet link': () => new PacketDecoder(),
}

for (const [name, makeDecoder] of Object.entries(decoders)) {
  t.test(`${name}: nothing but a protocol error is ever thrown for random bytes`, async t => {
    t.doesNotThrow(() =>
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), chunks => {
          const decoder = makeDecoder()
          decoder.finishHandshake()
          protocolError(() => feed(decoder, chunks))
        }),
      ),
    )
  })

  t.test(`${name}: nothing but a protocol error is ever thrown for random packets in valid frames`, async t => {
    const packet = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      fc
        .tuple(fc.integer({ min: 1, max: 16 }), fc.uint8Array({ maxLength: 120 }))
        .map(([type, rest]) => concat([Uint8Array.of(type), rest])),
      fc
        .tuple(fc.constantFrom('01', '02'), fc.uint8Array({ maxLength: 120 }))
        .map(([type, rest]) => concat([bytes(`${type} ${HEAD}`), rest])),
    )
    t.doesNotThrow(() =>
      fc.assert(
        fc.property(fc.array(packet, { maxLength: 10 }), packets => {
          protocolError(() => feed(makeDecoder(), name === 'stream link' ? [stream(packets)] : packets))
        }),
      ),
    )
  })

  t.test(`${name}: after a protocol error the decoder gives the same error again and keeps nothing of what comes`, async t => {
    const decoder = makeDecoder()
    decoder.push(name === 'stream link' ? frame(bytes('11')) : bytes('11'))
    const error = protocolError(() => decoder.next())
    t.ok(error)
    decoder.push(name === 'stream link' ? frame(bytes('05'), 1) : bytes('05'))
    t.equal(
      protocolError(() => drain(decoder)),
      error,
    )
  })

  t.test(`${name}: a message does not change when the chunk it came in is overwritten`, async t => {
    for (const vector of vectors) {
      if (vector.message.type === MessageType.Data) continue
      const packets = packetsOf(vector)
      const chunk = Buffer.from(name === 'stream link' ? stream(packets) : packets[0]!)
      const decoder = makeDecoder()
      decoder.push(chunk)
      const message = decoder.next()!
      chunk.fill(0xee)
      t.same(plain(message), plain(vector.message), vector.name)
    }
  })
}
