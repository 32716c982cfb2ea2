// Every message with its bytes, derived by hand from `docs/protocol.md`, sections 2 and 3, not with the code under test.
//
// Each packet is `[frame header, packet]`. The header is the packet's length (u32), the number of the frame (u16, here
// from 0) and the CRC-32 of the packet. Accepted, say: a packet of one byte, `03`, hence length `00000001`, frame `0000`,
// checksum `4b0bbe37`. The checksums come from Python's `zlib.crc32`; `crc32.test.ts` compares them with a definition
// bit by bit.

import { type LinkMessage, MessageType, RefusedReason } from '../../lib/protocol/messages.ts'
import { bytes } from './helpers.ts'

export interface Vector {
  readonly name: string
  readonly message: LinkMessage
  readonly packets: readonly (readonly [frameHeader: string, packet: string])[]
}

/** 32 bytes 20, 21, ... 3f. */
const PUBLIC_KEY = '202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f'

export const vectors: readonly Vector[] = [
  {
    name: 'Welcome',
    message: {
      type: MessageType.Welcome,
      extensions: 0,
      publicKey: bytes(PUBLIC_KEY),
      serverId: bytes('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'),
      userData: bytes('6c6f'), // "lo"
      recvBuffer: 0x0400_0000, // 64 MiB
    },
    packets: [
      // 1 + 5 + 1 + 4 + 32 + 16 + 2 + 2 + 4 = 67 = 0x43 bytes: type, "LIAG\0", version, extensions, key, server id,
      // length of the user data, user data, receive buffer
      ['00000043 0000 e80e137a', `01 4c49414700 04 00000000 ${PUBLIC_KEY} f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff 0002 6c6f 04000000`],
    ],
  },
  {
    name: 'Connect',
    message: {
      type: MessageType.Connect,
      extensions: 0,
      publicKey: bytes(PUBLIC_KEY),
      serverId: new Uint8Array(16),
      encryptedConnectionId: bytes('101112131415161718191a1b1c1d1e1f'),
      existing: true,
      userData: bytes('65746830'), // "eth0"
      recvBuffer: 0x0800_0000, // 128 MiB
    },
    packets: [
      // as Welcome, and the encrypted id (16) and `existing` (1) before the user data: 86 = 0x56 bytes
      [
        '00000056 0000 deba493a',
        `02 4c49414700 04 00000000 ${PUBLIC_KEY} 00000000000000000000000000000000 101112131415161718191a1b1c1d1e1f 01 0004 65746830 08000000`,
      ],
    ],
  },
  { name: 'Accepted', message: { type: MessageType.Accepted }, packets: [['00000001 0000 4b0bbe37', '03']] },
  {
    name: 'Refused, connection closed',
    message: { type: MessageType.Refused, reason: RefusedReason.ConnectionClosed },
    packets: [['00000002 0000 52b2e76d', '04 01']],
  },
  {
    name: 'Refused, not listening',
    message: { type: MessageType.Refused, reason: RefusedReason.NotListening },
    packets: [['00000002 0000 cbbbb6d7', '04 02']],
  },
  {
    name: 'Refused, connection refused',
    message: { type: MessageType.Refused, reason: RefusedReason.ConnectionRefused },
    packets: [['00000002 0000 bcbc8641', '04 03']],
  },
  {
    name: 'Refused, link refused',
    message: { type: MessageType.Refused, reason: RefusedReason.LinkRefused },
    packets: [['00000002 0000 22d813e2', '04 04']],
  },
  { name: 'Ping', message: { type: MessageType.Ping }, packets: [['00000001 0000 a2681b02', '05']] },
  { name: 'Pong', message: { type: MessageType.Pong }, packets: [['00000001 0000 3b614ab8', '06']] },
  {
    name: 'Data',
    message: { type: MessageType.Data, sequence: 0x0102_0304, payload: [bytes('68656c6c6f')], bytes: 5 },
    packets: [
      ['00000005 0000 e37a0fdc', '07 01020304'],
      ['00000005 0001 3610a686', '68656c6c6f'], // "hello", the payload, is a packet of its own: frame 1
    ],
  },
  {
    name: 'Ack',
    message: { type: MessageType.Ack, sequence: 0xffff_fffe },
    packets: [['00000005 0000 5feeaca9', '08 fffffffe']],
  },
  {
    name: 'Consumed',
    message: { type: MessageType.Consumed, sequence: 0x8000_0000, bytes: 6_710_887 },
    packets: [['00000009 0000 b5baa867', '09 80000000 00666667']],
  },
  {
    name: 'SendFinish',
    message: { type: MessageType.SendFinish, sequence: 7 },
    packets: [['00000005 0000 12f67a1f', '0a 00000007']],
  },
  {
    name: 'ReceiveClose',
    message: { type: MessageType.ReceiveClose, sequence: 8 },
    packets: [['00000005 0000 bf294e3e', '0b 00000008']],
  },
  {
    name: 'ReceiveFinish',
    message: { type: MessageType.ReceiveFinish, sequence: 0xffff_ffff },
    packets: [['00000005 0000 dd693aff', '0c ffffffff']],
  },
  {
    name: 'TestData',
    message: { type: MessageType.TestData, bytes: 6 },
    packets: [['00000007 0000 7d92d057', '0d 000102030405']],
  },
  {
    name: 'TestData, nothing but the type',
    message: { type: MessageType.TestData, bytes: 0 },
    packets: [['00000001 0000 acb39330', '0d']],
  },
  {
    name: 'SetBlock, blocked',
    message: { type: MessageType.SetBlock, blocked: true },
    packets: [['00000002 0000 a85d0fe7', '0e 01']],
  },
  {
    name: 'SetBlock, unblocked',
    message: { type: MessageType.SetBlock, blocked: false },
    packets: [['00000002 0000 df5a3f71', '0e 00']],
  },
  { name: 'Goodbye', message: { type: MessageType.Goodbye }, packets: [['00000001 0000 42bdf21c', '0f']] },
  {
    name: 'Goodbye, the connection is over',
    message: { type: MessageType.Goodbye, over: true },
    packets: [['00000002 0000 b1463ea6', '0f 01']],
  },
  { name: 'Terminate', message: { type: MessageType.Terminate }, packets: [['00000001 0000 cfb5ffe9', '10']] },
]

/** The packets of a vector, without frames. */
export function packetsOf(vector: Vector): Uint8Array[] {
  return vector.packets.map(([, packet]) => bytes(packet))
}

/** The same with frames: what a stream link carries when this is its first message. */
export function streamOf(vector: Vector): Uint8Array {
  return bytes(vector.packets.flat().join(''))
}
