// Key exchange and ids of the handshake (section 4 of `docs/protocol.md`). The exchange hides the connection id from
// readers of a link, from nobody else: links that need more are wrapped in TLS.

import type { KeyPair } from '#platform/crypto'
import { ID_BYTES } from './limits.ts'
import { ProtocolError } from './protocol-error.ts'

/** A fresh key pair. Every link needs one of its own: with a second use a recorded Connect could be replayed. */
export { createKeyPair, type KeyPair } from '#platform/crypto'
export { ID_BYTES } from './limits.ts'

/** What a client that is no server says as its server id. */
export const NO_SERVER_ID: Uint8Array = new Uint8Array(ID_BYTES)

/**
 * The secret that both sides compute, 32 bytes.
 *
 * @throws {ProtocolError} the peer's key is a low-order point: everybody would know the secret
 */
export async function sharedSecret(keys: KeyPair, peerPublicKey: Uint8Array): Promise<Uint8Array> {
  let secret: Uint8Array
  try {
    secret = await keys.sharedSecret(peerPublicKey)
  } catch {
    throw new ProtocolError('the public key is not usable')
  }
  // Some implementations return zero instead of failing.
  if (secret.every(byte => byte === 0)) throw new ProtocolError('the public key is not usable')
  return secret
}

/** What the connection id is combined with on this link, by `xorId`. */
export function connectionIdMask(secret: Uint8Array): Uint8Array {
  return secret.subarray(0, ID_BYTES)
}

/** Encrypts or decrypts a connection id: doing it twice gives the id again. */
export function xorId(id: Uint8Array, mask: Uint8Array): Uint8Array {
  if (id.length !== ID_BYTES || mask.length !== ID_BYTES) throw new RangeError('ids have 16 bytes')
  return id.map((byte, index) => byte ^ mask[index]!)
}

/** 32 hex digits in lower case. */
export function idToHex(id: Uint8Array): string {
  // Joined, for a string that is added up stays a tree of its pieces, and ids are kept by the thousand.
  return Array.from(id, byte => byte.toString(16).padStart(2, '0')).join('')
}

/** @throws {RangeError} not 32 hex digits */
export function idFromHex(hex: string): Uint8Array {
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new RangeError('an id has 32 hex digits')
  return Uint8Array.from({ length: ID_BYTES }, (_, index) => Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16))
}
