// Who the other end of a stream is by the TLS below it. TLS itself is not imported: streams bring it along or do not.

import type { PeerCertificate, TLSSocket } from 'node:tls'

/** What TLS tells about the other end of a link. */
export interface TlsIdentity {
  /** Whether its certificate was signed by an authority that this end trusts, and is valid now. */
  readonly authorized: boolean
  /** SHA-256 of its certificate, as hex digits with colons; `undefined` if it showed none. */
  readonly fingerprint: string | undefined
  /** As `tlsSocket.getPeerCertificate()` tells. Who is not `authorized` may have written anything into it. */
  readonly certificate: PeerCertificate | undefined
}

/** `undefined` for a stream without TLS. Read it once the handshake of TLS is over. */
export function tlsIdentityOf(stream: object): TlsIdentity | undefined {
  const socket = stream as Partial<TLSSocket>
  if (socket.encrypted !== true || typeof socket.getPeerCertificate !== 'function') return undefined
  // `null` once the socket is destroyed, without any property if there is no certificate.
  const certificate = socket.getPeerCertificate() as PeerCertificate | null
  const fingerprint = certificate?.fingerprint256
  return {
    authorized: socket.authorized === true,
    fingerprint,
    certificate: fingerprint ? (certificate ?? undefined) : undefined,
  }
}
