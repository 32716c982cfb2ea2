// The bytes of one packet to a message (section 3 of `docs/protocol.md`). Bytes behind a message are ignored, for newer
// peers may have more to say.

import { readUint16, readUint32 } from './bytes.ts'
import { MAGIC, PROTOCOL_VERSION } from './encode.ts'
import { ID_BYTES, PUBLIC_KEY_BYTES } from './limits.ts'
import {
  type BareMessage,
  type ConnectMessage,
  type DataMessage,
  type GoodbyeMessage,
  type LinkMessage,
  MessageType,
  type WelcomeMessage,
} from './messages.ts'
import { ProtocolError } from './protocol-error.ts'

const ACCEPTED: BareMessage = Object.freeze({ type: MessageType.Accepted })
const PING: BareMessage = Object.freeze({ type: MessageType.Ping })
const PONG: BareMessage = Object.freeze({ type: MessageType.Pong })
const GOODBYE: GoodbyeMessage = Object.freeze({ type: MessageType.Goodbye })
const GOODBYE_OVER: GoodbyeMessage = Object.freeze({ type: MessageType.Goodbye, over: true })
const TERMINATE: BareMessage = Object.freeze({ type: MessageType.Terminate })

/**
 * Decodes any message but Data, of which a packet holds only a part: see `decodeDataHeader`.
 *
 * Nothing in the result refers to `bytes`.
 *
 * @param start - where the packet begins; `bytes[start]` is the type
 * @param end - behind the last byte that is there
 * @param packetBytes - length of the whole packet, of which only the beginning may be there (TestData)
 * @throws {ProtocolError} unknown, cut off or against the rules
 */
export function decodeMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  packetBytes: number,
): Exclude<LinkMessage, DataMessage> {
  const type = bytes[start]
  switch (type) {
    case MessageType.Ack:
      need(start + 5, end)
      return { type, sequence: readUint32(bytes, start + 1) }
    case MessageType.Consumed:
      need(start + 9, end)
      return { type, sequence: readUint32(bytes, start + 1), bytes: readUint32(bytes, start + 5) }
    case MessageType.SendFinish:
    case MessageType.ReceiveClose:
    case MessageType.ReceiveFinish:
      need(start + 5, end)
      return { type, sequence: readUint32(bytes, start + 1) }
    case MessageType.Ping:
      return PING
    case MessageType.Pong:
      return PONG
    case MessageType.TestData:
      return { type, bytes: packetBytes - 1 }
    case MessageType.SetBlock:
      need(start + 2, end)
      return { type, blocked: bytes[start + 1] !== 0 }
    case MessageType.Goodbye:
      return start + 1 < end && bytes[start + 1] === 1 ? GOODBYE_OVER : GOODBYE
    case MessageType.Terminate:
      return TERMINATE
    case MessageType.Accepted:
      return ACCEPTED
    case MessageType.Refused:
      need(start + 2, end)
      return { type, reason: bytes[start + 1]! }
    case MessageType.Welcome:
      return decodeWelcome(bytes, start + 1, end)
    case MessageType.Connect:
      return decodeConnect(bytes, start + 1, end)
    default:
      throw new ProtocolError(`unknown message type ${type}`)
  }
}

/** Sequence number of a Data message whose payload is the next packet. Arguments as for `decodeMessage`. */
export function decodeDataHeader(bytes: Uint8Array, start: number, end: number): number {
  need(start + 5, end)
  return readUint32(bytes, start + 1)
}

/** Magic, version, extensions, public key, server id. */
const HELLO_HEAD_BYTES = 5 + 1 + 4 + PUBLIC_KEY_BYTES + ID_BYTES

function decodeWelcome(bytes: Uint8Array, start: number, end: number): WelcomeMessage {
  checkHelloHead(bytes, start, end)
  const serverId = copyOf(bytes, start + 42, start + 58)
  if (serverId.every(byte => byte === 0)) throw new ProtocolError('the server id is zero')
  const userDataAt = start + HELLO_HEAD_BYTES
  const userData = readUserData(bytes, userDataAt, end)
  return {
    type: MessageType.Welcome,
    extensions: readUint32(bytes, start + 6),
    publicKey: copyOf(bytes, start + 10, start + 42),
    serverId,
    userData,
    recvBuffer: readRecvBuffer(bytes, userDataAt + 2 + userData.length, end),
  }
}

function decodeConnect(bytes: Uint8Array, start: number, end: number): ConnectMessage {
  checkHelloHead(bytes, start, end)
  const idAt = start + HELLO_HEAD_BYTES
  const userDataAt = idAt + ID_BYTES + 1
  need(userDataAt, end)
  const userData = readUserData(bytes, userDataAt, end)
  return {
    type: MessageType.Connect,
    extensions: readUint32(bytes, start + 6),
    publicKey: copyOf(bytes, start + 10, start + 42),
    serverId: copyOf(bytes, start + 42, start + 58),
    encryptedConnectionId: copyOf(bytes, idAt, idAt + ID_BYTES),
    existing: bytes[idAt + ID_BYTES] !== 0,
    userData,
    recvBuffer: readRecvBuffer(bytes, userDataAt + 2 + userData.length, end),
  }
}

/** Magic and version come first, so that something else altogether is called by its name, not too short. */
function checkHelloHead(bytes: Uint8Array, start: number, end: number): void {
  need(start + 6, end)
  for (let index = 0; index < MAGIC.length; index++) {
    if (bytes[start + index] !== MAGIC[index]) throw new ProtocolError('the other side does not speak this protocol: wrong magic')
  }
  const version = bytes[start + 5]
  if (version !== PROTOCOL_VERSION) throw new ProtocolError(`protocol version ${version}, not ${PROTOCOL_VERSION}`)
  need(start + HELLO_HEAD_BYTES, end)
}

function readUserData(bytes: Uint8Array, at: number, end: number): Uint8Array {
  need(at + 2, end)
  const length = readUint16(bytes, at)
  need(at + 2 + length, end)
  return copyOf(bytes, at + 2, at + 2 + length)
}

function readRecvBuffer(bytes: Uint8Array, at: number, end: number): number {
  need(at + 4, end)
  const recvBuffer = readUint32(bytes, at)
  if (recvBuffer === 0) throw new ProtocolError('the receive buffer is zero')
  return recvBuffer
}

function need(until: number, end: number): void {
  if (until > end) throw new ProtocolError('a message is cut off')
}

/** A copy for certain: `slice` of a Buffer would be a view. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end))
}
