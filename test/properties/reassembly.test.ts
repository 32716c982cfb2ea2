// Reassembly, and the receiver that is built on it, against maps of numbers that are looked through each time.

import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { type Arrival, REASSEMBLY_SPAN_LIMIT, Reassembly } from '../../lib/engine/reassembly.ts'
import { payloadLimit, Receiver } from '../../lib/engine/receiver.ts'
import { type DataMessage, MessageType, type ReliableMessage } from '../../lib/protocol/messages.ts'
import { ProtocolError } from '../../lib/protocol/protocol-error.ts'
import { addSequence } from '../../lib/protocol/sequence.ts'
import { plain } from '../protocol/helpers.ts'
import { holds } from './holds.ts'

const first = fc.constantFrom(0, 5, 2 ** 31 - 20, 2 ** 32 - 20)

// ---------------------------------------------------------------- reassembly

/** Far numbers make the ring grow; those at the limit must not. */
const ahead = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -20, max: 40 }) },
  { weight: 2, arbitrary: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) },
  { weight: 1, arbitrary: fc.constantFrom(63, 64, 65, REASSEMBLY_SPAN_LIMIT - 1, REASSEMBLY_SPAN_LIMIT, -(2 ** 31)) },
)
const arrivals = fc.array(fc.record({ ahead, bytes: fc.constantFrom(0, 3, 4), isData: fc.boolean(), take: fc.nat(3) }), {
  maxLength: 150,
  size: 'max',
})

function messageOf(sequence: number, bytes: number, isData: boolean): ReliableMessage {
  if (!isData) return { type: MessageType.ReceiveClose, sequence }
  return { type: MessageType.Data, sequence, payload: [new Uint8Array(bytes).fill(sequence)], bytes }
}

/** Its payload may have been copied. */
function plainOf(message: ReliableMessage | undefined): unknown {
  return message && plain(message)
}

holds(
  'messages leave the reassembly in order, each once, and what arrives is told for what it is',
  fc.property(first, arrivals, (first, arrivals) => {
    const reassembly = new Reassembly(first)
    const held = new Map<number, ReliableMessage>()
    let next = first
    for (const { ahead, bytes, isData, take } of arrivals) {
      const message = messageOf(addSequence(next, ahead), bytes, isData)
      const expected = expectedArrival(ahead, held.get(message.sequence), message)
      equal(reassembly.classify(message), expected)
      if (expected === 'new') {
        reassembly.store(message)
        held.set(message.sequence, message)
      }
      for (let count = 0; count < take; count++) {
        const due = held.get(next)
        deepEqual(plainOf(reassembly.takeNext()), plainOf(due))
        if (!due) break
        held.delete(next)
        next = addSequence(next, 1)
      }
      equal(reassembly.stored, held.size)
    }
  }),
)

function expectedArrival(ahead: number, held: ReliableMessage | undefined, message: ReliableMessage): Arrival {
  if (ahead < 0) return 'copy'
  if (ahead >= REASSEMBLY_SPAN_LIMIT) return 'too-far'
  if (!held) return 'new'
  const sameLength = held.type !== MessageType.Data || message.type !== MessageType.Data || held.bytes === message.bytes
  return held.type === message.type && sameLength ? 'copy' : 'conflicting-copy'
}

// ---------------------------------------------------------------- receiver

const RECV_BUFFER = 40_000
const DATA_BYTES_MAX = 9_000
/** Data in the order in which it was sent; the length of each, and whether it is a view of a large chunk. */
const sentData = fc.array(fc.tuple(fc.oneof(fc.nat(40), fc.nat(DATA_BYTES_MAX)), fc.boolean()), { maxLength: 40, size: 'max' })
const NO_NOTICES = { consumed() {}, receiveClosed() {}, receiveFinished() {} }

function dataOf(sequence: number, bytes: number, isView: boolean): DataMessage {
  const buffer = new Uint8Array(isView ? 65_536 : bytes)
  const payload = buffer.subarray(0, bytes).fill(sequence * 7 + 1)
  return { type: MessageType.Data, sequence, payload: [payload], bytes }
}

function readAll(receiver: Receiver): Uint8Array {
  const pieces: Uint8Array[] = []
  for (let piece = receiver.read(); piece; piece = receiver.read()) {
    ok(piece.length > 0)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

holds(
  'a reader gets every byte once and in order, whatever order and copies the messages arrive in, then the end',
  fc.property(first, sentData, fc.infiniteStream(fc.nat(999)), (first, lengths, choices) => {
    const data = lengths.map(([bytes, isView], index) => dataOf(addSequence(first, index), bytes, isView))
    const finish: ReliableMessage = { type: MessageType.SendFinish, sequence: addSequence(first, data.length) }
    const receiver = new Receiver(RECV_BUFFER, first, NO_NOTICES)
    const waiting: ReliableMessage[] = [...data, finish]
    const read: Uint8Array[] = []
    const choose = (limit: number) => Number(choices.next().value) % limit
    while (waiting.length > 0) {
      // A sender goes no further than the receive buffer lets it: when little is left only the oldest one is still missing.
      if (receiver.heldBytes + receiver.unreportedBytes > RECV_BUFFER - 2 * DATA_BYTES_MAX) {
        read.push(readAll(receiver))
        receiver.takeUnreported()
      }
      const isTight = receiver.heldBytes > RECV_BUFFER - 2 * DATA_BYTES_MAX
      const [message] = waiting.splice(isTight ? 0 : choose(Math.min(20, waiting.length)), 1) as [ReliableMessage]
      const bytes = message.type === MessageType.Data ? message.bytes : 0
      const before = receiver.heldBytes
      equal(receiver.receive(message), true)
      equal(receiver.heldBytes, before + bytes)
      if (choose(3) === 0) {
        equal(receiver.receive(message), true, 'a copy is acknowledged')
        equal(receiver.heldBytes, before + bytes, 'and not counted')
      }
      if (choose(4) === 0) read.push(readAll(receiver))
      ok(receiver.readableBytes <= receiver.heldBytes)
    }
    read.push(readAll(receiver))
    equal(Buffer.compare(Buffer.concat(read), Buffer.concat(data.flatMap(({ payload }) => payload))), 0)
    equal(receiver.ended, true)
    equal(receiver.heldBytes, 0)
  }),
)

holds(
  'a receiver holds no more than its buffer, whatever a peer sends, and fails with a ProtocolError for the connection',
  fc.property(first, arrivals, fc.integer({ min: 1, max: 40 }), (first, arrivals, recvBuffer) => {
    const receiver = new Receiver(recvBuffer, first, NO_NOTICES)
    let next = first
    for (const { ahead, bytes, isData, take } of arrivals) {
      try {
        const taken = receiver.receive(messageOf(addSequence(next, ahead), bytes, isData))
        ok(!taken || ahead < 0 || !isData || bytes <= payloadLimit(recvBuffer))
        if (taken && ahead === 0) next = addSequence(next, 1)
      } catch (error) {
        ok(error instanceof ProtocolError)
        equal(error.scope, 'connection')
        return
      }
      ok(receiver.heldBytes + receiver.unreportedBytes <= recvBuffer)
      if (take > 1) receiver.read()
      if (receiver.consumedDue) receiver.takeUnreported()
    }
  }),
  500,
)
