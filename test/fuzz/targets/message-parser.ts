// The parser of messages, and the packet links that hand it whole packets. Input: the bytes of one packet.

import { decodeDataHeader, decodeMessage } from '../../../lib/protocol/decode.ts'
import { encodedBytes, encodeMessage } from '../../../lib/protocol/encode.ts'
import { type LinkMessage, MessageType } from '../../../lib/protocol/messages.ts'
import { PacketDecoder } from '../../../lib/protocol/packet-decoder.ts'
import { ProtocolError } from '../../../lib/protocol/protocol-error.ts'
import { wireSize } from '../../../lib/protocol/wire-size.ts'
import { packetsOf, vectors } from '../../protocol/vectors.ts'
import { sameMessage } from '../same-message.ts'
import { type FuzzTarget, judge } from '../target.ts'

const BYTES_MAX = 256
/** The packet lies in here, with bytes around it that must not matter. */
const SURROUNDINGS = [0x00, 0xff].map(byte => ({ byte, bytes: new Uint8Array(BYTES_MAX + 64).fill(byte) }))
const BEFORE = 13

export const messageParser: FuzzTarget = {
  name: 'message-parser',
  bytesMax: BYTES_MAX,
  batch: 4_096,
  rateWanted: 50_000,
  seeds: vectors.flatMap(packetsOf),

  run(packet) {
    const results = SURROUNDINGS.map(({ byte, bytes }) => {
      bytes.set(packet, BEFORE)
      const result = outcomeOf(() => decodePacket(bytes, BEFORE, BEFORE + packet.length))
      bytes.fill(byte, BEFORE, BEFORE + packet.length)
      return result
    })
    const [message, other] = results as [Outcome, Outcome]
    judge(sameOutcome(message, other), 'bytes that are not of the packet matter')
    judge(
      sameOutcome(
        message,
        outcomeOf(() => decodeAsPacketLink(packet)),
      ),
      'a packet link sees another message',
    )
    if (!(message instanceof ProtocolError)) judgeEncodes(message)
  },
}

type Outcome = LinkMessage | ProtocolError

function outcomeOf(decode: () => LinkMessage): Outcome {
  try {
    return decode()
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
}

function sameOutcome(one: Outcome, other: Outcome): boolean {
  if (one instanceof ProtocolError || other instanceof ProtocolError) {
    return one instanceof ProtocolError && other instanceof ProtocolError && one.message === other.message
  }
  return sameMessage(one, other)
}

function decodePacket(bytes: Uint8Array, start: number, end: number): LinkMessage {
  if (start === end) throw new ProtocolError('an empty packet where a message belongs')
  if (bytes[start] !== MessageType.Data) return decodeMessage(bytes, start, end, end - start)
  return { type: MessageType.Data, sequence: decodeDataHeader(bytes, start, end), payload: [], bytes: 0 }
}

function decodeAsPacketLink(packet: Uint8Array): LinkMessage {
  const decoder = new PacketDecoder()
  decoder.push(packet)
  const message = decoder.next()
  if (message) return message
  decoder.push(new Uint8Array(0))
  return decoder.next() as LinkMessage
}

/** What was decoded can be said again, and means the same. */
function judgeEncodes(message: LinkMessage): void {
  const again = new Uint8Array(encodedBytes(message))
  judge(encodeMessage(message, again, 0) === again.length, 'another length than announced')
  const length = message.type === MessageType.TestData ? 1 + message.bytes : again.length
  const decoded =
    message.type === MessageType.Data ? decodePacket(again, 0, again.length) : decodeMessage(again, 0, again.length, length)
  judge(sameMessage(message, decoded), 'encoded again it means something else')
  judge(wireSize(message) >= again.length, 'shorter on the wire than it is')
}
