// Arbitrary messages of all sixteen kinds, and arbitrary bytes that look like some.

import fc from 'fast-check'
import { type LinkMessage, MessageType } from '../../lib/protocol/messages.ts'
import { framed } from '../fuzz/frames.ts'

const uint32 = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff))
const id = fc.uint8Array({ minLength: 16, maxLength: 16 })
const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
const userData = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.nat(65_535).map(length => new Uint8Array(length).fill(0x5a)),
)
const recvBuffer = fc.integer({ min: 1, max: 0xffff_ffff })
const payload = fc.array(fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 3_000, size: 'max' })), {
  maxLength: 4,
})
const ofType = <T extends MessageType>(type: T) => fc.constant(type)

/** Whoever adds a message must say here what it looks like. */
const arbitraries: Record<MessageType, fc.Arbitrary<LinkMessage>> = {
  [MessageType.Welcome]: fc.record({
    type: ofType(MessageType.Welcome),
    extensions: uint32,
    publicKey: key,
    serverId: id.filter(bytes => bytes.some(byte => byte !== 0)),
    userData,
    recvBuffer,
  }),
  [MessageType.Connect]: fc.record({
    type: ofType(MessageType.Connect),
    extensions: uint32,
    publicKey: key,
    serverId: id,
    encryptedConnectionId: id,
    existing: fc.boolean(),
    userData,
    recvBuffer,
  }),
  [MessageType.Accepted]: fc.record({ type: ofType(MessageType.Accepted) }),
  [MessageType.Refused]: fc.record({ type: ofType(MessageType.Refused), reason: fc.nat(255) }),
  [MessageType.Ping]: fc.record({ type: ofType(MessageType.Ping) }),
  [MessageType.Pong]: fc.record({ type: ofType(MessageType.Pong) }),
  [MessageType.Data]: fc.record({ sequence: uint32, payload }).map(({ sequence, payload }) => ({
    type: MessageType.Data,
    sequence,
    payload,
    bytes: payload.reduce((sum, piece) => sum + piece.length, 0),
  })),
  [MessageType.Ack]: fc.record({ type: ofType(MessageType.Ack), sequence: uint32 }),
  [MessageType.Consumed]: fc.record({ type: ofType(MessageType.Consumed), sequence: uint32, bytes: uint32 }),
  [MessageType.SendFinish]: fc.record({ type: ofType(MessageType.SendFinish), sequence: uint32 }),
  [MessageType.ReceiveClose]: fc.record({ type: ofType(MessageType.ReceiveClose), sequence: uint32 }),
  [MessageType.ReceiveFinish]: fc.record({ type: ofType(MessageType.ReceiveFinish), sequence: uint32 }),
  [MessageType.TestData]: fc.record({ type: ofType(MessageType.TestData), bytes: fc.oneof(fc.nat(100), fc.nat(150_000)) }),
  [MessageType.SetBlock]: fc.record({ type: ofType(MessageType.SetBlock), blocked: fc.boolean() }),
  [MessageType.Goodbye]: fc.record({ type: ofType(MessageType.Goodbye) }),
  [MessageType.Terminate]: fc.record({ type: ofType(MessageType.Terminate) }),
}

/** Any message, each kind as likely as the others. */
export const anyMessage: fc.Arbitrary<LinkMessage> = fc.oneof(...Object.values(arbitraries))

/** A few messages of one link. */
export const messages: fc.Arbitrary<LinkMessage[]> = fc.array(anyMessage, { maxLength: 12 })

/** Lengths of the pieces that bytes are cut into, over and over. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fc.oneof(fc.nat(12), fc.nat(5_000)), { minLength: 1, maxLength: 10 })

/** Packets that begin like messages and go on anyhow. */
export const packets: fc.Arbitrary<Uint8Array[]> = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc
      .tuple(fc.integer({ min: 0, max: 18 }), fc.uint8Array({ maxLength: 130 }))
      .map(([type, rest]) => Uint8Array.of(type, ...rest)),
    fc
      .tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 130 }))
      .map(([type, rest]) => Uint8Array.of(type, 0x4c, 0x49, 0x41, 0x47, 0, 4, ...rest)),
  ),
  { maxLength: 6 },
)

/** Bytes of a stream link: nonsense, or frames that are right around packets that need not be. */
export const wireBytes: fc.Arbitrary<Uint8Array> = fc.oneof(fc.uint8Array({ maxLength: 300 }), packets.map(framed))
