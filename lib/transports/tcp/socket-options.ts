// What is set on every TCP socket that carries a link, whichever side made it.

import type { Socket } from 'node:net'
import type { TcpLinkTag } from './tag.ts'

export interface TcpSocketOptions {
  /**
   * Bytes that a link's socket takes before it asks to wait, and holds while nobody reads.
   *
   * More lets the bond hand over more at once, which costs less; but what a socket holds is late if the link turns slow.
   * @defaultValue 262,144
   */
  readonly highWaterMark?: number | undefined
  /** Turns off Nagle's algorithm. @defaultValue true: the bond collects small messages itself */
  readonly noDelay?: boolean | undefined
  /** @defaultValue false: the bond pings its links */
  readonly keepAlive?: boolean | undefined
  /** Milliseconds. @defaultValue 0: as the system has it */
  readonly keepAliveInitialDelay?: number | undefined
  /** Called with every connected socket before it is used. If it throws the link is given up. */
  readonly socketSetup?: ((socket: Socket, tag: TcpLinkTag) => void) | undefined
}

export const TCP_HIGH_WATER_MARK = 262_144

/** @throws whatever `socketSetup` throws */
export function setUpSocket(socket: Socket, tag: TcpLinkTag, options: TcpSocketOptions): void {
  socket.setNoDelay(options.noDelay ?? true)
  if (options.keepAlive) socket.setKeepAlive(true, options.keepAliveInitialDelay ?? 0)
  options.socketSetup?.(socket, tag)
}

/** For good: an error after the link is gone is nobody's business, and one before it is handed over is kept in `errored`. */
export function ignoreErrors(socket: Socket): void {
  socket.on('error', () => {})
}
