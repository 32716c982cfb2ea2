// `#platform/crypto` without secrets and without threads: the same seed gives the same keys, and a shared secret is what
// both sides can compute from the two public keys. What real keys do is tested elsewhere.

import { current } from '../current.ts'

export { nativeCrc32 } from '../../../../lib/platform/crypto.ts'

export function randomBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, () => current.random.u32() & 0xff)
}

export async function createKeyPair() {
  const publicKey = randomBytes(32)
  return {
    publicKey,
    async sharedSecret(peerPublicKey: Uint8Array): Promise<Uint8Array> {
      return publicKey.map((byte, index) => byte ^ (peerPublicKey[index] as number))
    },
  }
}
