// What the reference really sends, read and written again.

import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import t from 'tap'
import { connectionIdMask, idToHex, xorId } from '../../lib/protocol/handshake.ts'
import { type ConnectMessage, type LinkMessage, MessageType } from '../../lib/protocol/messages.ts'
import { StreamDecoder } from '../../lib/protocol/stream-decoder.ts'
import { StreamEncoder } from '../../lib/protocol/stream-encoder.ts'
import {
  ACCEPTED,
  AFTER_TEST,
  AFTER_TEST_SEQUENCE,
  CONNECTION_ID,
  CONNECTS,
  PUBLIC_KEY,
  SECRET_KEY,
  TEST_DATA_HEADER,
  WELCOME,
} from './captures.ts'
import { bytes, drain, frame, hex, plain } from './helpers.ts'

/** The messages in captured frames, which began with frame `firstSequence` of a link. */
function decode(captured: Uint8Array, firstSequence = 0): LinkMessage[] {
  const decoder = new StreamDecoder()
  for (let sequence = 0; sequence < firstSequence; sequence++) decoder.push(frame(bytes('05'), sequence))
  for (let sequence = 0; sequence < firstSequence; sequence++) decoder.next()
  decoder.push(captured)
  const messages: LinkMessage[] = []
  for (let message = decoder.next(); message; message = decoder.next()) messages.push(message)
  return messages
}

function encode(messages: readonly LinkMessage[], firstSequence = 0): string {
  const encoder = new StreamEncoder()
  for (let sequence = 0; sequence < firstSequence; sequence++) encoder.encode({ type: MessageType.Ping })
  encoder.take()
  for (const message of messages) encoder.encode(message)
  return hex(...encoder.take())
}

t.test('the Welcome of the reference is understood and written again byte for byte', async t => {
  const messages = decode(bytes(WELCOME))
  t.same(messages.map(plain), [
    {
      type: MessageType.Welcome,
      extensions: 0,
      publicKey: '512db98f1edef68ebe983b9d169f81f3a1f23f5ae61bdc27ed8af9605f1fe676',
      serverId: '4a8530eb1bdcc6b4f1db8c4939259441',
      userData: hex(Buffer.from('lo')),
      recvBuffer: 67_108_864,
    },
  ])
  t.equal(encode(messages), WELCOME)
})

t.test('both Connects of the reference carry the same connection id, each encrypted with the secret of its link', async t => {
  const privateKey = createPrivateKey({
    key: bytes(`302e020100300506032b656e04220420${SECRET_KEY}`),
    format: 'der',
    type: 'pkcs8',
  } as unknown as Parameters<typeof createPrivateKey>[0])
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(12)
  t.equal(hex(publicKey), PUBLIC_KEY)
  for (const captured of CONNECTS) {
    const messages = decode(bytes(captured))
    const connect = messages[0] as ConnectMessage
    t.equal(connect.type, MessageType.Connect)
    t.equal(connect.existing, false)
    t.equal(hex(connect.userData), hex(Buffer.from('lo')))
    t.equal(idToHex(connect.serverId), '0'.repeat(32))
    const peerKey = createPublicKey({
      key: bytes(`302a300506032b656e032100${hex(connect.publicKey)}`),
      format: 'der',
      type: 'spki',
    } as unknown as Parameters<typeof createPublicKey>[0])
    const secret = diffieHellman({ privateKey, publicKey: peerKey })
    t.equal(idToHex(xorId(connect.encryptedConnectionId, connectionIdMask(secret))), CONNECTION_ID)
    t.equal(encode(messages), captured)
  }
})

t.test('Accepted and the first test data of the reference are understood behind its Welcome', async t => {
  const testData = Uint8Array.from({ length: 8_193 }, (_, index) => (index === 0 ? MessageType.TestData : (index - 1) & 0xff))
  const decoder = new StreamDecoder()
  decoder.push(bytes(WELCOME + ACCEPTED + TEST_DATA_HEADER))
  decoder.push(testData)
  const messages = drain(decoder)
  t.same(messages.slice(1), [{ type: MessageType.Accepted }, { type: MessageType.TestData, bytes: 8_192 }])
  const again = encode([...decode(bytes(WELCOME)), { type: MessageType.Accepted }, { type: MessageType.TestData, bytes: 8_192 }])
  t.equal(again, WELCOME + ACCEPTED + TEST_DATA_HEADER + hex(testData))
})

t.test('Ping, Pong and Data of the reference in the midst of a link are understood and written again', async t => {
  const messages = decode(bytes(AFTER_TEST), AFTER_TEST_SEQUENCE)
  t.same(messages.map(plain), [
    { type: MessageType.Ping },
    { type: MessageType.Pong },
    { type: MessageType.Data, sequence: 0, payload: '64483ed22b106b6d', bytes: 8 },
  ])
  const nextHeader = '00000005008503051b9b0700000001'
  t.equal(encode(messages, AFTER_TEST_SEQUENCE) + nextHeader, AFTER_TEST)
})
