// Bits of `extensions` in Welcome and Connect, by which one hawser knows another. The reference sends 0 and ignores what it
// gets (docs/protocol.md, section 3); it may use bits from the lowest up some day, so these go from the highest down.

export const Extension = {
  /**
   * Acks everything before it closes a connection in good order, and says then that it is over: what it did not ack
   * before it may not have.
   */
  AcksBeforeClosing: 0x8000_0000,
  /**
   * The stream below the link authenticates what it carries, as TLS does. If both ends say so, payload of Data goes
   * over this link without checksum.
   */
  AuthenticatedLink: 0x4000_0000,
} as const

/** What hawser says of itself and of one link. */
export function ownExtensions(authenticated: boolean): number {
  // Unsigned, as it is written.
  return (Extension.AcksBeforeClosing | (authenticated ? Extension.AuthenticatedLink : 0)) >>> 0
}

export function hasExtension(extensions: number, extension: number): boolean {
  return (extensions & extension) !== 0
}
