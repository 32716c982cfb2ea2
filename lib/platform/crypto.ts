// X25519, random bytes and CRC-32 of Node. Browsers get `crypto.browser.ts` (imports map of package.json).

import { createPublicKey, diffieHellman, generateKeyPair, type KeyObject, randomFillSync } from 'node:crypto'
import * as zlib from 'node:zlib'

/** A fresh X25519 key pair; the secret half stays inside. */
export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /**
   * The 32 bytes that both sides compute.
   *
   * Rejects when `peerPublicKey` is a low-order point, for then the secret would be the same for everybody.
   */
  sharedSecret(peerPublicKey: Uint8Array): Promise<Uint8Array>
}

/** What stands before the 32 raw bytes in a SubjectPublicKeyInfo of X25519 (RFC 8410). */
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00)

export function createKeyPair(): Promise<KeyPair> {
  return new Promise((resolve, reject) => {
    generateKeyPair('x25519', {}, (error, publicKey, privateKey) => {
      if (error) reject(error)
      else resolve(new NodeKeyPair(publicKey, privateKey))
    })
  })
}

class NodeKeyPair implements KeyPair {
  readonly publicKey: Uint8Array
  readonly #privateKey: KeyObject

  constructor(publicKey: KeyObject, privateKey: KeyObject) {
    this.publicKey = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })).subarray(SPKI_PREFIX.length)
    this.#privateKey = privateKey
  }

  async sharedSecret(peerPublicKey: Uint8Array): Promise<Uint8Array> {
    const spki = Buffer.concat([SPKI_PREFIX, peerPublicKey])
    const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    return diffieHellman({ privateKey: this.#privateKey, publicKey })
  }
}

/** Fresh random bytes fit for secrets. */
export function randomBytes(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length))
}

/**
 * CRC-32 in native code, continuing from `value`; `undefined` where the runtime has none.
 *
 * A call costs about 100 ns whatever the length.
 */
export const nativeCrc32: ((bytes: Uint8Array, value: number) => number) | undefined = zlib.crc32
