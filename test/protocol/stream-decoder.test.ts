import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { type DataMessage, type LinkMessage, MessageType } from '../../lib/protocol/messages.ts'
import { StreamDecoder } from '../../lib/protocol/stream-decoder.ts'
import { StreamEncoder } from '../../lib/protocol/stream-encoder.ts'
import { bytes, concat, cut, drain, encodeAll, feed, frame, plain, protocolError, stream } from './helpers.ts'
import { packetsOf, vectors } from './vectors.ts'

const MIB = 1_048_576
const PING = bytes('05')

/** A decoder whose handshake is over. */
function established(payloadBytesMax?: number): StreamDecoder {
  const decoder = new StreamDecoder()
  decoder.finishHandshake(payloadBytesMax)
  return decoder
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >>> 8)) & 0xff)
}

/** A frame header, announcing whatever is wanted. */
function header(length: number, sequence = 0, checksum = 0): Uint8Array {
  return frame(new Uint8Array(0), sequence, checksum, length)
}

const message: fc.Arbitrary<LinkMessage> = fc.oneof(
  fc.constantFrom(...vectors.map(vector => vector.message)),
  fc.tuple(fc.nat(0xffff_ffff), fc.array(fc.uint8Array({ minLength: 1, maxLength: 3_000 }), { maxLength: 4 })).map(
    ([sequence, payload]): DataMessage => ({
      type: MessageType.Data,
      sequence,
      payload,
      bytes: payload.reduce((sum, piece) => sum + piece.length, 0),
    }),
  ),
  fc.nat(70_000).map((length): LinkMessage => ({ type: MessageType.TestData, bytes: length })),
)

t.test('all messages at once in one chunk come out one by one, in order', async t => {
  const packets = vectors.flatMap(packetsOf)
  t.same(
    feed(new StreamDecoder(), [stream(packets)]),
    vectors.map(vector => plain(vector.message)),
  )
})

t.test('random messages in randomly cut chunks come out as they went in', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 12 }),
        fc.array(fc.nat(5_000), { minLength: 1, maxLength: 10 }),
        (messages, lengths) => {
          const whole = concat(encodeAll(new StreamEncoder(), messages))
          const decoded = feed(established(), cut(whole, lengths))
          return JSON.stringify(decoded) === JSON.stringify(messages.map(plain))
        },
      ),
      { numRuns: 200 },
    ),
  )
})

t.test('chunks that are all there before the first message is taken give the same', async t => {
  const packets = vectors.flatMap(packetsOf)
  for (const length of [1, 3, 11, 64]) {
    const decoder = new StreamDecoder()
    for (const chunk of cut(stream(packets), [length])) decoder.push(chunk)
    t.same(
      drain(decoder),
      vectors.map(vector => plain(vector.message)),
      `chunks of ${length}`,
    )
  }
})

t.test('thousands of chunks that wait are taken in order', async t => {
  const decoder = new StreamDecoder()
  for (let index = 0; index < 5_000; index++) decoder.push(frame(bytes(`08 ${index.toString(16).padStart(8, '0')}`), index))
  t.same(
    drain(decoder).map(ack => ack.sequence),
    Array.from({ length: 5_000 }, (_, index) => index),
  )
})

t.test('empty chunks change nothing', async t => {
  t.same(feed(new StreamDecoder(), cut(frame(PING), [0, 1])), [{ type: MessageType.Ping }])
})

t.test('payload is handed out as views of the chunks it came in', async t => {
  const payload = pattern(100_000)
  const whole = stream([bytes('07 00000001'), payload])
  const chunks = cut(whole, [40_000])
  const decoder = established()
  for (const chunk of chunks) decoder.push(chunk)
  const data = decoder.next() as DataMessage
  t.same(
    data.payload.map(piece => piece.buffer),
    chunks.map(chunk => chunk.buffer),
  )
  t.equal(data.bytes, payload.length)
})

t.test('a short payload that lies whole in its chunk is a view, too', async t => {
  const chunk = stream([bytes('07 00000001'), pattern(10)])
  const decoder = established()
  decoder.push(chunk)
  t.equal((decoder.next() as DataMessage).payload[0]?.buffer, chunk.buffer)
})

t.test('a chunk that is nothing but payload is handed out itself', async t => {
  const payload = pattern(65_536)
  const decoder = established()
  const whole = stream([bytes('07 00000001'), payload])
  decoder.push(whole.subarray(0, 25))
  const chunk = whole.slice(25)
  decoder.push(chunk)
  t.equal((decoder.next() as DataMessage).payload[0], chunk)
})

t.test('payload that comes in single bytes is put together, not kept as a view for each byte', async t => {
  const payload = pattern(100_000)
  const decoder = established()
  let data: LinkMessage | undefined
  for (const chunk of cut(stream([bytes('07 00000001'), payload]), [1])) {
    decoder.push(chunk)
    data ??= decoder.next()
  }
  t.equal(data?.type, MessageType.Data)
  const pieces = (data as DataMessage).payload
  t.ok(pieces.length < 20, `${pieces.length} pieces`)
  t.ok(Buffer.concat(pieces).equals(payload))
})

t.test('the frame counter wraps after 65,536 frames', async t => {
  const decoder = new StreamDecoder()
  let count = 0
  for (let sequence = 0; sequence < 2 * 65_536 + 3; sequence++) {
    decoder.push(frame(PING, sequence))
    if (decoder.next()?.type === MessageType.Ping) count++
  }
  t.equal(count, 2 * 65_536 + 3)
})

const fatal: Record<string, Uint8Array> = {
  'a damaged checksum': frame(PING, 0, 0x12345678),
  'a damaged packet': frame(bytes('06'), 0, crc32(PING)),
  'a first frame that is not number 0': frame(PING, 1),
  'a frame that comes twice': concat([frame(PING, 0), frame(PING, 0)]),
  'a frame that is left out': concat([frame(PING, 0), frame(PING, 2)]),
  'a length of 8 MiB and one byte': header(8 * MIB + 1),
  'a length of 4 GiB': header(0xffff_ffff),
  'a damaged Data payload': concat([frame(bytes('07 00000000')), frame(PING, 1, 1)]),
  'damaged test data': frame(concat([bytes('0d'), pattern(100)]), 0, 1),
  'a payload frame with the wrong number': concat([frame(bytes('07 00000000')), frame(PING, 0)]),
  'an empty Data payload with a checksum': concat([frame(bytes('07 00000000')), frame(new Uint8Array(0), 1, 1)]),
}

for (const [name, chunk] of Object.entries(fatal)) {
  t.test(`${name} is a protocol error of the link, whole and byte by byte`, async t => {
    t.equal(protocolError(() => feed(established(), [chunk]))?.scope, 'link')
    t.equal(protocolError(() => feed(established(), cut(chunk, [1])))?.scope, 'link')
  })
}

t.test('any single damaged bit is a protocol error or leaves the decoder waiting; no wrong message comes out', async t => {
  const whole = stream([bytes('08 00000001'), bytes('07 00000002'), pattern(20), bytes('09 00000003 00000004')])
  const expected = feed(established(), [whole]).map(message => JSON.stringify(message))
  const wrong: number[] = []
  for (let bit = 0; bit < 8 * whole.length; bit++) {
    const damaged = whole.slice()
    damaged[bit >>> 3]! ^= 1 << (bit & 7)
    const decoder = established()
    decoder.push(damaged)
    const decoded: string[] = []
    protocolError(() => {
      for (let message = decoder.next(); message; message = decoder.next()) decoded.push(JSON.stringify(plain(message)))
    })
    if (decoded.length >= expected.length || decoded.some((text, index) => text !== expected[index])) wrong.push(bit)
  }
  t.same(wrong, [])
})

t.test('a length beyond the limit is an error before anything of the packet has come', async t => {
  const decoder = established()
  decoder.push(header(8 * MIB + 1).subarray(0, 9))
  t.equal(decoder.next(), undefined)
  decoder.push(header(8 * MIB + 1).subarray(9))
  t.ok(protocolError(() => decoder.next()))
})

t.test('before the handshake is over a packet may have 65,617 bytes, not one more', async t => {
  const decoder = new StreamDecoder()
  decoder.push(header(65_617))
  t.equal(decoder.next(), undefined)
  t.equal(protocolError(() => feed(new StreamDecoder(), [header(65_618)]))?.scope, 'link')
})

t.test('the limit of the handshake is lifted for what is in the same chunk as its last message', async t => {
  const decoder = new StreamDecoder()
  decoder.push(stream([bytes('03'), bytes('07 00000000'), pattern(100_000)]))
  t.equal(decoder.next()?.type, MessageType.Accepted)
  decoder.finishHandshake()
  t.equal((decoder.next() as DataMessage).bytes, 100_000)
})

t.test('payload of 8 MiB is taken', async t => {
  const payload = new Uint8Array(8 * MIB).fill(7)
  const chunks = [frame(bytes('07 00000000')), frame(new Uint8Array(0), 1, crc32(payload), payload.length), payload]
  const decoder = established()
  for (const chunk of chunks) decoder.push(chunk)
  t.equal((decoder.next() as DataMessage).bytes, 8 * MIB)
})

t.test('payload longer than allowed ends the connection once its checksum shows that it was meant', async t => {
  const decoder = established(1_000)
  decoder.push(stream([bytes('07 00000000'), pattern(1_000), bytes('07 00000001')]))
  t.equal((decoder.next() as DataMessage).bytes, 1_000)
  decoder.push(frame(pattern(1_001), 3).subarray(0, 1_010))
  t.equal(decoder.next(), undefined)
  decoder.push(frame(pattern(1_001), 3).subarray(1_010))
  t.equal(protocolError(() => decoder.next())?.scope, 'connection')
})

t.test('a length that was damaged on the way ends the link, not the connection', async t => {
  const decoder = established(1_000)
  const payload = pattern(900)
  decoder.push(concat([stream([bytes('07 00000000')]), header(900 + 2_048, 1, crc32(payload)), payload, pattern(3_000)]))
  t.equal(protocolError(() => decoder.next())?.scope, 'link')
})

t.test('an unfinished packet gives nothing, wherever it stops', async t => {
  const whole = stream([bytes('07 00000001'), pattern(50)])
  for (let length = 0; length < whole.length; length++)
    t.same(feed(established(), [whole.subarray(0, length)]), [], `${length} bytes`)
})

/** Bytes of all array buffers that are still in use. */
async function arrayBufferBytes(): Promise<number> {
  const collect = globalThis.gc!
  for (let round = 0; round < 3; round++) {
    collect()
    await new Promise(resolve => setImmediate(resolve))
  }
  return process.memoryUsage().arrayBuffers
}

t.test(
  'test data leaves nothing behind, neither in its midst nor at its end',
  { skip: !globalThis.gc && 'needs --expose-gc' },
  async t => {
    const chunkBytes = 65_536
    const length = 8 * MIB
    const testData = new Uint8Array(length)
    testData[0] = MessageType.TestData
    const checksum = crc32(testData)
    const decoder = established()
    const before = await arrayBufferBytes()
    for (let sequence = 0; sequence < 4; sequence++) {
      decoder.push(header(length, sequence, checksum))
      t.equal(decoder.next(), undefined)
      for (let at = 0; at < length; at += chunkBytes) {
        if (at === length / 2) t.ok((await arrayBufferBytes()) - before < MIB, 'less than 1 MiB in its midst')
        decoder.push(testData.slice(at, at + chunkBytes))
        const next = decoder.next()
        if (at + chunkBytes === length) t.same(next, { type: MessageType.TestData, bytes: length - 1 })
        else if (next) t.fail('a message before the end')
      }
    }
    t.ok((await arrayBufferBytes()) - before < MIB, 'less than 1 MiB after it')
  },
)

t.test('nothing is allocated for an announced length', { skip: !globalThis.gc && 'needs --expose-gc' }, async t => {
  const before = await arrayBufferBytes()
  const decoders = Array.from({ length: 20 }, () => {
    const decoder = established()
    decoder.push(concat([stream([bytes('07 00000000')]), header(8 * MIB, 1), Uint8Array.of(1, 2, 3)]))
    decoder.next()
    return decoder
  })
  const welcomes = Array.from({ length: 20 }, () => {
    const decoder = established()
    decoder.push(concat([header(8 * MIB), bytes('01 4c49')]))
    decoder.next()
    return decoder
  })
  t.ok((await arrayBufferBytes()) - before < MIB)
  t.equal(decoders.length, welcomes.length)
})

t.test(
  'of a message far longer than it can mean at most 64 KiB are kept',
  { skip: !globalThis.gc && 'needs --expose-gc' },
  async t => {
    for (const type of ['01', '08', '0e']) {
      const packet = new Uint8Array(8 * MIB)
      packet.set(bytes(type))
      packet[1] = 1
      const decoder = established()
      decoder.push(header(packet.length, 0, crc32(packet)))
      const before = await arrayBufferBytes()
      for (let at = 0; at < packet.length - 1; at += 10_007) {
        decoder.push(packet.slice(at, Math.min(at + 10_007, packet.length - 1)))
        decoder.next()
      }
      t.ok((await arrayBufferBytes()) - before < 200_000, `type ${type}`)
      decoder.push(packet.subarray(-1))
      if (type === '01') t.ok(protocolError(() => decoder.next()))
      else t.ok(decoder.next())
    }
  },
)

t.test('payload is taken with any checksum once both ends agreed to leave it out, messages are not', async t => {
  const decoder = new StreamDecoder()
  decoder.finishHandshake(MIB, false)
  const payload = pattern(300)
  const data = concat([frame(bytes('07 00000005')), frame(payload, 1, 0)])
  const arrived = feed(decoder, cut(data, [7, 100]))
  t.match(arrived, [{ type: MessageType.Data, sequence: 5, bytes: 300 }])
  t.equal(arrived[0]?.payload, Buffer.from(payload).toString('hex'))
  decoder.push(frame(PING, 2, 0))
  t.match(protocolError(() => decoder.next())?.message, /checksum/)
})
