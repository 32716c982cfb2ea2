// One message to the bytes of its packet (section 3 of `docs/protocol.md`). Of Data and TestData only what stands
// before their payload.

import { writeUint16, writeUint32 } from './bytes.ts'
import { DATA_HEADER_BYTES, FRAME_HEADER_BYTES, ID_BYTES, PUBLIC_KEY_BYTES, USER_DATA_BYTES_MAX } from './limits.ts'
import { type ConnectMessage, type LinkMessage, MessageType, type WelcomeMessage } from './messages.ts'
import { wireSize } from './wire-size.ts'

/** `LIAG\0`, first thing in Welcome and Connect after the type. */
export const MAGIC = Uint8Array.of(0x4c, 0x49, 0x41, 0x47, 0x00)
export const PROTOCOL_VERSION = 4

/** Bytes that `encodeMessage` writes. */
export function encodedBytes(message: LinkMessage): number {
  if (message.type === MessageType.Data) return DATA_HEADER_BYTES
  if (message.type === MessageType.TestData) return 1
  return wireSize(message) - FRAME_HEADER_BYTES
}

/**
 * Writes a message to `target`, which must have room for `encodedBytes`.
 *
 * @returns position behind the message
 * @throws {RangeError} a key, an id or user data has a length that the wire cannot carry: a mistake of the caller
 */
export function encodeMessage(message: LinkMessage, target: Uint8Array, at: number): number {
  target[at] = message.type
  switch (message.type) {
    case MessageType.Data:
    case MessageType.Ack:
    case MessageType.SendFinish:
    case MessageType.ReceiveClose:
    case MessageType.ReceiveFinish:
      writeUint32(target, at + 1, message.sequence)
      return at + 5
    case MessageType.Consumed:
      writeUint32(target, at + 1, message.sequence)
      writeUint32(target, at + 5, message.bytes)
      return at + 9
    case MessageType.SetBlock:
      target[at + 1] = message.blocked ? 1 : 0
      return at + 2
    case MessageType.Refused:
      target[at + 1] = message.reason
      return at + 2
    case MessageType.Goodbye:
      if (!message.over) return at + 1
      target[at + 1] = 1
      return at + 2
    case MessageType.Welcome:
    case MessageType.Connect:
      return encodeHello(message, target, at + 1)
    default:
      return at + 1
  }
}

function encodeHello(message: WelcomeMessage | ConnectMessage, target: Uint8Array, start: number): number {
  let at = writeBytes(MAGIC, MAGIC.length, target, start)
  target[at++] = PROTOCOL_VERSION
  writeUint32(target, at, message.extensions)
  at = writeBytes(message.publicKey, PUBLIC_KEY_BYTES, target, at + 4)
  at = writeBytes(message.serverId, ID_BYTES, target, at)
  if (message.type === MessageType.Connect) {
    at = writeBytes(message.encryptedConnectionId, ID_BYTES, target, at)
    target[at++] = message.existing ? 1 : 0
  }
  const { userData } = message
  if (userData.length > USER_DATA_BYTES_MAX) throw new RangeError(`${userData.length} bytes of user data, more than 65,535`)
  writeUint16(target, at, userData.length)
  target.set(userData, at + 2)
  at += 2 + userData.length
  writeUint32(target, at, message.recvBuffer)
  return at + 4
}

function writeBytes(bytes: Uint8Array, length: number, target: Uint8Array, at: number): number {
  if (bytes.length !== length) throw new RangeError(`${bytes.length} bytes where ${length} belong`)
  target.set(bytes, at)
  return at + length
}
