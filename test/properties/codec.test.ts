import fc from 'fast-check'
import type { LinkDecoder } from '../../lib/protocol/codec.ts'
import type { LinkMessage } from '../../lib/protocol/messages.ts'
import { PacketDecoder } from '../../lib/protocol/packet-decoder.ts'
import { PacketEncoder } from '../../lib/protocol/packet-encoder.ts'
import { ProtocolError } from '../../lib/protocol/protocol-error.ts'
import { StreamDecoder } from '../../lib/protocol/stream-decoder.ts'
import { StreamEncoder } from '../../lib/protocol/stream-encoder.ts'
import { wireSize } from '../../lib/protocol/wire-size.ts'
import { sameMessage } from '../fuzz/same-message.ts'
import { concat, cut, encodeAll } from '../protocol/helpers.ts'
import { holds } from './holds.ts'
import { anyMessage, cuts, messages, packets, wireBytes } from './messages.ts'

interface Decoded {
  readonly messages: LinkMessage[]
  readonly failure: ProtocolError | undefined
}

/** All that comes of the chunks; whatever else than a `ProtocolError` is thrown goes on. */
function decode(decoder: LinkDecoder, chunks: readonly Uint8Array[]): Decoded {
  decoder.finishHandshake()
  const messages: LinkMessage[] = []
  try {
    for (const chunk of chunks) {
      decoder.push(chunk)
      for (let message = decoder.next(); message; message = decoder.next()) messages.push(message)
    }
  } catch (failure) {
    if (!(failure instanceof ProtocolError)) throw failure
    return { messages, failure }
  }
  return { messages, failure: undefined }
}

function sameMessages(one: readonly LinkMessage[], other: readonly LinkMessage[]): boolean {
  return one.length === other.length && one.every((message, index) => sameMessage(message, other[index] as LinkMessage))
}

function sameOutcome(one: Decoded, other: Decoded): boolean {
  return sameMessages(one.messages, other.messages) && one.failure?.message === other.failure?.message
}

holds(
  'a message that went through a stream link is the same, and as long on the wire as said',
  fc.property(anyMessage, message => {
    const chunks = encodeAll(new StreamEncoder(), [message])
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    return length === wireSize(message) && sameMessages(decode(new StreamDecoder(), chunks).messages, [message])
  }),
  500,
)

holds(
  'a message that went through a packet link is the same',
  fc.property(anyMessage, message =>
    sameMessages(decode(new PacketDecoder(), encodeAll(new PacketEncoder(), [message])).messages, [message]),
  ),
  500,
)

holds(
  'messages come out of a stream as they went in, however the bytes are cut',
  fc.property(messages, cuts, (messages, lengths) => {
    const whole = concat(encodeAll(new StreamEncoder(), messages))
    return sameOutcome(decode(new StreamDecoder(), cut(whole, lengths)), { messages, failure: undefined })
  }),
)

holds(
  'messages come out of packets as they went in',
  fc.property(messages, messages =>
    sameOutcome(decode(new PacketDecoder(), encodeAll(new PacketEncoder(), messages)), { messages, failure: undefined }),
  ),
)

holds(
  'arbitrary bytes of a stream give messages and at most one ProtocolError, the same ones however they are cut',
  fc.property(wireBytes, cuts, (wire, lengths) =>
    sameOutcome(decode(new StreamDecoder(), [wire]), decode(new StreamDecoder(), cut(wire, lengths))),
  ),
  2_000,
)

holds(
  'arbitrary packets give messages and at most one ProtocolError',
  fc.property(packets, packets => decode(new PacketDecoder(), packets).messages.length <= packets.length),
  2_000,
)

holds(
  'of a stream with a damaged byte only messages before the damage come out',
  fc.property(messages, fc.nat(), fc.integer({ min: 1, max: 255 }), (messages, place, change) => {
    const wire = concat(encodeAll(new StreamEncoder(), messages))
    if (wire.length === 0) return true
    const at = place % wire.length
    wire[at] = (wire[at] as number) ^ change
    const { messages: decoded } = decode(new StreamDecoder(), [wire])
    return decoded.length < messages.length && sameMessages(decoded, messages.slice(0, decoded.length))
  }),
)
