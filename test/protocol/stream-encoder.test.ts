import fc from 'fast-check'
import t from 'tap'
import { type DataMessage, type LinkMessage, MessageType } from '../../lib/protocol/messages.ts'
import { StreamDecoder } from '../../lib/protocol/stream-decoder.ts'
import { StreamEncoder } from '../../lib/protocol/stream-encoder.ts'
import { wireSize } from '../../lib/protocol/wire-size.ts'
import { bytes, concat, encodeAll, feed, frame, hex, plain, stream } from './helpers.ts'
import { packetsOf, vectors } from './vectors.ts'

function data(sequence: number, ...payload: Uint8Array[]): DataMessage {
  return { type: MessageType.Data, sequence, payload, bytes: payload.reduce((sum, piece) => sum + piece.length, 0) }
}

const ack = (sequence: number): LinkMessage => ({ type: MessageType.Ack, sequence })

t.test('all messages after one another are numbered through, a Data message with two frames', async t => {
  const encoded = encodeAll(
    new StreamEncoder(),
    vectors.map(vector => vector.message),
  )
  t.equal(hex(...encoded), hex(stream(vectors.flatMap(packetsOf))))
})

t.test('small messages leave as one chunk', async t => {
  const encoder = new StreamEncoder()
  for (let sequence = 0; sequence < 100; sequence++) encoder.encode(ack(sequence))
  t.equal(encoder.pendingBytes, 1_500)
  const chunks = encoder.take()
  t.equal(chunks.length, 1)
  t.equal(chunks[0]?.length, 1_500)
})

t.test('small messages are one chunk wherever the slab before them ends', async t => {
  const encoder = new StreamEncoder()
  const payload = new Uint8Array(100).fill(7)
  for (let batch = 0; batch < 200; batch++) {
    const chunks = encodeAll(encoder, [ack(batch), data(batch, payload), ack(batch)])
    t.equal(chunks.length, 1, `batch ${batch}`)
    t.equal(chunks[0]?.length, 15 + 25 + 100 + 15)
  }
})

t.test('nothing to send gives no chunk', async t => {
  t.same(new StreamEncoder().take(), [])
})

t.test('long payload goes out by reference between chunks of what is small', async t => {
  const first = new Uint8Array(4_000).fill(1)
  const second = new Uint8Array(5_000).fill(2)
  const chunks = encodeAll(new StreamEncoder(), [ack(1), data(0, first, second), ack(2), data(1, first)])
  t.same(
    chunks.map(chunk => chunk.length),
    [15 + 25, 4_000, 5_000, 15 + 25, 4_000],
  )
  t.equal(chunks[1], first)
  t.equal(chunks[2], second)
  t.equal(chunks[4], first)
})

t.test('short payload is copied beside its headers into one chunk', async t => {
  const piece = new Uint8Array(100).fill(3)
  const chunks = encodeAll(new StreamEncoder(), [data(0, piece, piece), data(1, piece)])
  t.equal(chunks.length, 1)
  piece.fill(0)
  t.same(
    feed(new StreamDecoder(), chunks),
    [data(0, new Uint8Array(200).fill(3)), data(1, new Uint8Array(100).fill(3))].map(plain),
  )
})

t.test('a chunk that was taken never changes, however much is encoded afterwards', async t => {
  const encoder = new StreamEncoder()
  encoder.encode(ack(1))
  const [chunk] = encoder.take()
  const before = hex(chunk!)
  for (let sequence = 0; sequence < 10_000; sequence++) {
    encoder.encode(ack(sequence))
    if (sequence % 7 === 0) encoder.take()
  }
  t.equal(hex(chunk!), before)
})

t.test('the frame counter wraps after 65,536 frames', async t => {
  const encoder = new StreamEncoder()
  const decoder = new StreamDecoder()
  let wrong = 0
  for (let sequence = 0; sequence < 65_536 + 5; sequence++) {
    encoder.encode(ack(sequence))
    const [chunk] = encoder.take()
    if (((chunk![4]! << 8) | chunk![5]!) !== sequence % 65_536) wrong++
    decoder.push(chunk!)
    const decoded = decoder.next()
    if (decoded?.type !== MessageType.Ack || decoded.sequence !== sequence) wrong++
  }
  t.equal(wrong, 0)
})

t.test('the sizes told, before and as wire size, are those of the bytes', async t => {
  const message: fc.Arbitrary<LinkMessage> = fc.oneof(
    fc.constantFrom(...vectors.map(vector => vector.message)),
    fc.array(fc.uint8Array({ maxLength: 2_000 }), { maxLength: 5 }).map(pieces => data(1, ...pieces)),
    fc.nat(200_000).map((length): LinkMessage => ({ type: MessageType.TestData, bytes: length })),
  )
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(message, { maxLength: 10 }), messages => {
        const encoder = new StreamEncoder()
        for (const message of messages) encoder.encode(message)
        const told = encoder.pendingBytes
        const length = concat(encoder.take()).length
        return told === length && length === messages.reduce((sum, message) => sum + wireSize(message), 0)
      }),
    ),
  )
})

t.test('test data of 100,000 bytes counts 0, 1, ... 255, 0, 1, ...', async t => {
  const packet = Uint8Array.from({ length: 100_001 }, (_, index) => (index === 0 ? 13 : (index - 1) & 0xff))
  const chunks = encodeAll(new StreamEncoder(), [{ type: MessageType.TestData, bytes: 100_000 }])
  t.ok(Buffer.concat(chunks).equals(stream([packet])))
})

t.test('an empty Data payload is a frame without payload', async t => {
  t.equal(hex(...encodeAll(new StreamEncoder(), [data(1)])), hex(stream([bytes('07 00000001'), new Uint8Array(0)])))
})

t.test('what the wire cannot carry is a RangeError, and the encoder goes on as if it had not been asked', async t => {
  const encoder = new StreamEncoder()
  const welcome = vectors.find(vector => vector.message.type === MessageType.Welcome)!.message
  const tooMuch = 8 * 1_048_576 + 1
  const impossible = [
    { ...welcome, userData: new Uint8Array(65_536) },
    { ...welcome, publicKey: new Uint8Array(31) },
    { ...welcome, serverId: new Uint8Array(17) },
    { type: MessageType.TestData, bytes: tooMuch - 1 },
    data(0, new Uint8Array(tooMuch)),
  ] as LinkMessage[]
  for (const message of impossible) t.throws(() => encoder.encode(message), RangeError)
  t.equal(encoder.pendingBytes, 0)
  t.equal(hex(...encodeAll(encoder, [{ type: MessageType.Ping }])), hex(stream([bytes('05')])))
})

t.test('the checksum of payload is 0 once both ends agreed to leave it out; that of its header is not', async t => {
  const encoder = new StreamEncoder()
  encoder.finishHandshake(false)
  const payload = bytes('010203')
  const sent = concat(encodeAll(encoder, [{ type: MessageType.Data, sequence: 5, payload: [payload], bytes: 3 }]))
  t.equal(hex(sent), hex(frame(bytes('07 00000005')), frame(payload, 1, 0)))
})

t.test('an encoder holds as much memory as its latest batches ask for', async t => {
  const encoder = new StreamEncoder()
  const slabBytes = () => encodeAll(encoder, [ack(0)])[0]!.buffer.byteLength
  t.equal(slabBytes(), 256)
  const flood = Array.from({ length: 5_000 }, (_, index) => ack(index))
  const chunks = encodeAll(encoder, flood)
  t.ok(chunks.length <= 4, `${chunks.length} chunks for 75,000 bytes`)
  t.equal(slabBytes(), 32_768, 'the next batch may be like it')
  for (let batch = 0; batch < 40; batch++) slabBytes()
  t.ok(slabBytes() <= 8_192, 'they have been small for long')
})
