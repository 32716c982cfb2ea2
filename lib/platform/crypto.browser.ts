// The counterpart of `crypto.ts` on Web Crypto. X25519 there: Chrome 133, Firefox 130, Safari 17, Node 20 and later.

import type { webcrypto } from 'node:crypto'
import type { KeyPair } from './crypto.ts'

export type { KeyPair } from './crypto.ts'

export async function createKeyPair(): Promise<KeyPair> {
  const subtle = globalThis.crypto.subtle
  const pair = (await subtle.generateKey({ name: 'X25519' }, false, ['deriveBits'])) as webcrypto.CryptoKeyPair
  return new WebKeyPair(new Uint8Array(await subtle.exportKey('raw', pair.publicKey)), pair.privateKey)
}

class WebKeyPair implements KeyPair {
  readonly publicKey: Uint8Array
  readonly #privateKey: webcrypto.CryptoKey

  constructor(publicKey: Uint8Array, privateKey: webcrypto.CryptoKey) {
    this.publicKey = publicKey
    this.#privateKey = privateKey
  }

  async sharedSecret(peerPublicKey: Uint8Array): Promise<Uint8Array> {
    const subtle = globalThis.crypto.subtle
    const publicKey = await subtle.importKey('raw', peerPublicKey, { name: 'X25519' }, false, [])
    const bits = await subtle.deriveBits({ name: 'X25519', public: publicKey }, this.#privateKey, 256)
    return new Uint8Array(bits)
  }
}

export function randomBytes(length: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(length))
}

/** Browsers have no CRC-32 of their own. */
export const nativeCrc32: ((bytes: Uint8Array, value: number) => number) | undefined = undefined
