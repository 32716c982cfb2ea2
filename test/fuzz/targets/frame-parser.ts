// The parser of integrity frames. Input: how the bytes are cut, options, and the bytes of a stream link.

import type { LinkMessage } from '../../../lib/protocol/messages.ts'
import { ProtocolError } from '../../../lib/protocol/protocol-error.ts'
import { StreamDecoder } from '../../../lib/protocol/stream-decoder.ts'
import { StreamEncoder } from '../../../lib/protocol/stream-encoder.ts'
import { packetsOf, vectors } from '../../protocol/vectors.ts'
import { framed, mendFrames } from '../frames.ts'
import { sameMessage } from '../same-message.ts'
import { type FuzzTarget, judge } from '../target.ts'

const HEAD_BYTES = 2
const Option = { HandshakeDone: 1, SmallPayload: 2, EncodeAgain: 0x84 } as const
const SMALL_PAYLOAD_BYTES = 100
/** A cut costs more than it takes to parse what is cut. */
const MOST_PIECES = 12

interface Decoded {
  readonly messages: LinkMessage[]
  readonly failure: ProtocolError | undefined
}

export const frameParser: FuzzTarget = {
  name: 'frame-parser',
  bytesMax: 512,
  batch: 2_048,
  rateWanted: 50_000,
  seeds: [
    ...vectors.map(vector => seedOf(3, Option.HandshakeDone, packetsOf(vector))),
    ...vectors.slice(0, 3).map(vector => seedOf(41, 0, packetsOf(vector))),
    seedOf(5, Option.HandshakeDone | Option.EncodeAgain, vectors.slice(2).flatMap(packetsOf)),
    seedOf(20, Option.HandshakeDone | Option.SmallPayload, vectors.slice(2).flatMap(packetsOf)),
  ],

  run(input) {
    if (input.length < HEAD_BYTES) return
    const [cut = 0, options = 0] = input
    const wire = input.subarray(HEAD_BYTES)
    const whole = decode(options, [wire])
    if (cut > 0) judgeSame(whole, decode(options, pieces(wire, cut)), 'cut')
    if ((options & Option.EncodeAgain) !== Option.EncodeAgain) return
    const encoder = new StreamEncoder()
    for (const message of whole.messages) encoder.encode(message)
    const again = decode(options, encoder.take())
    judgeSame({ messages: whole.messages, failure: undefined }, again, 'encoded again')
  },

  repair(input) {
    mendFrames(input, HEAD_BYTES)
  },
}

function seedOf(cut: number, options: number, packets: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(cut, options), framed(packets)])
}

/** A long piece, some short ones, and the rest; where they begin and how long they are depends on `cut`. */
function pieces(wire: Uint8Array, cut: number): Uint8Array[] {
  const shortBytes = 1 + (cut & 3)
  let at = (cut >>> 2) % (wire.length + 1)
  const list = [wire.subarray(0, at)]
  for (; at < wire.length && list.length < MOST_PIECES; at += shortBytes) list.push(wire.subarray(at, at + shortBytes))
  list.push(wire.subarray(at))
  return list
}

function decode(options: number, chunks: Iterable<Uint8Array>): Decoded {
  const decoder = new StreamDecoder()
  if ((options & Option.HandshakeDone) !== 0) {
    decoder.finishHandshake((options & Option.SmallPayload) !== 0 ? SMALL_PAYLOAD_BYTES : undefined)
  }
  const messages: LinkMessage[] = []
  try {
    for (const chunk of chunks) {
      decoder.push(chunk)
      for (let message = decoder.next(); message; message = decoder.next()) messages.push(message)
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    judgeStaysFailed(decoder, error)
    return { messages, failure: error }
  }
  return { messages, failure: undefined }
}

function judgeStaysFailed(decoder: StreamDecoder, failure: ProtocolError): void {
  let again: unknown
  try {
    decoder.push(Uint8Array.of(0))
    decoder.next()
  } catch (error) {
    again = error
  }
  judge(again === failure, 'a decoder that failed goes on')
}

function judgeSame(one: Decoded, other: Decoded, how: string): void {
  judge(one.messages.length === other.messages.length, `another number of messages when ${how}`)
  for (let index = 0; index < one.messages.length; index++) {
    judge(sameMessage(one.messages[index]!, other.messages[index]!), `another message when ${how}`)
  }
  judge(one.failure?.message === other.failure?.message, `another failure when ${how}`)
  judge(one.failure?.scope === other.failure?.scope, `a failure of another scope when ${how}`)
}
