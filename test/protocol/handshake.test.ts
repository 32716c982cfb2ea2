import t from 'tap'
import * as web from '../../lib/platform/crypto.browser.ts'
import * as node from '../../lib/platform/crypto.ts'
import { connectionIdMask, idFromHex, idToHex, sharedSecret, xorId } from '../../lib/protocol/handshake.ts'
import { ProtocolError } from '../../lib/protocol/protocol-error.ts'
import { bytes, hex } from './helpers.ts'

/** All points of low order on the curve and its twist, as 32 bytes little-endian (p = 2^255 - 19). */
const LOW_ORDER_POINTS = {
  '0': '0000000000000000000000000000000000000000000000000000000000000000',
  '1': '0100000000000000000000000000000000000000000000000000000000000000',
  'order 8': 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  'the other of order 8': '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'p - 1': 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  p: 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'p + 1': 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
}

for (const [platform, { createKeyPair }] of Object.entries({ Node: node, 'Web Crypto': web })) {
  t.test(`${platform}: two sides compute the same secret of 32 bytes`, async t => {
    const [a, b] = await Promise.all([createKeyPair(), createKeyPair()])
    t.equal(a.publicKey.length, 32)
    const [secretA, secretB] = await Promise.all([sharedSecret(a, b.publicKey), sharedSecret(b, a.publicKey)])
    t.equal(secretA.length, 32)
    t.equal(hex(secretA), hex(secretB))
  })

  t.test(`${platform}: every key pair is another one`, async t => {
    const [a, b] = await Promise.all([createKeyPair(), createKeyPair()])
    t.not(hex(a.publicKey), hex(b.publicKey))
  })

  for (const [name, point] of Object.entries(LOW_ORDER_POINTS)) {
    t.test(`${platform}: the low-order point ${name} as peer key is a protocol error`, async t => {
      await t.rejects(sharedSecret(await createKeyPair(), bytes(point)), ProtocolError)
    })
  }
}

t.test('both platforms compute the same secret', async t => {
  const [a, b] = await Promise.all([node.createKeyPair(), web.createKeyPair()])
  t.equal(hex(await sharedSecret(a, b.publicKey)), hex(await sharedSecret(b, a.publicKey)))
})

t.test('a platform that returns zero for a low-order point instead of failing gets a protocol error, too', async t => {
  const lenient = { publicKey: new Uint8Array(32), sharedSecret: async () => new Uint8Array(32) }
  await t.rejects(sharedSecret(lenient, new Uint8Array(32)), ProtocolError)
})

t.test('a connection id is encrypted with the first half of the secret, and decrypted the same way', async t => {
  const secret = Uint8Array.from({ length: 32 }, (_, index) => 0xf0 + (index & 15))
  const id = bytes('000102030405060708090a0b0c0d0e0f')
  const encrypted = xorId(id, connectionIdMask(secret))
  t.equal(hex(encrypted), 'f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0')
  t.equal(hex(xorId(encrypted, connectionIdMask(secret))), hex(id))
  t.equal(hex(id), '000102030405060708090a0b0c0d0e0f', 'the argument is not changed')
  t.throws(() => xorId(id, secret), RangeError)
})

t.test('ids are 32 hex digits in lower case, leading zeros included', async t => {
  const id = bytes('000a0b0c0d0e0f101112131415fdfeff')
  t.equal(idToHex(id), '000a0b0c0d0e0f101112131415fdfeff')
  t.equal(hex(idFromHex('000A0B0c0d0e0f101112131415fdfeff')), hex(id))
  for (const wrong of ['', '00', `${idToHex(id)}0`, 'g'.repeat(32)]) t.throws(() => idFromHex(wrong), RangeError)
})
