/**
 * A violation of the protocol by the peer, or damage on the way.
 *
 * The only error that parsing bytes from the network throws. It ends the link it came from, or, where the
 * protocol page says so, the whole connection (`scope`).
 */
export class ProtocolError extends Error {
  readonly scope: 'link' | 'connection'

  constructor(message: string, scope: 'link' | 'connection' = 'link') {
    super(message)
    this.name = 'ProtocolError'
    this.scope = scope
  }
}

/** The frame around a packet is wrong: the path may be to blame, the peer need not be. */
export class FrameError extends ProtocolError {}
