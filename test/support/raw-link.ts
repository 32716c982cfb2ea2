// A client's link made by hand: with the connection id that the test wants, and without a connection behind it.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { ClientHandshake } from '../../lib/client-handshake.ts'
import { defaults } from '../../lib/config.ts'
import { LinkChannel } from '../../lib/link-channel.ts'
import { manualTag } from '../../lib/manual-tag.ts'

export interface RawLinkOptions {
  readonly id?: Uint8Array
  /** What the client says: that the connection is established. */
  readonly existing?: boolean
}

export function randomId(): Uint8Array {
  return randomBytes(16)
}

/** Does the handshake; resolves when the server accepts, rejects when it refuses. */
export function handshakeOver(stream: Duplex, { id = randomId(), existing = false }: RawLinkOptions = {}): Promise<LinkChannel> {
  return new Promise((resolve, reject) => {
    const channel = new LinkChannel(stream, nobody)
    const handshake = new ClientHandshake(
      channel,
      {
        tag: manualTag('outgoing', 'raw'),
        linkConfig: defaults.link,
        connectionId: id,
        userData: new Uint8Array(0),
        recvBuffer: 65_536,
        timeoutMs: 60_000,
        isExisting: () => existing,
        checkServer: () => {},
        admit: () => true,
      },
      ({ channel }) => {
        channel.handler = nobody
        resolve(channel)
      },
      reject,
    )
    channel.handler = handshake
  })
}

/** The same over a TCP connection of its own. */
export async function rawLink(port: number, options?: RawLinkOptions): Promise<{ socket: Socket; channel: LinkChannel }> {
  const socket = await silent(port)
  return { socket, channel: await handshakeOver(socket, options) }
}

/** A TCP connection that says nothing. */
export async function silent(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

const nobody = { message() {}, batchEnd() {}, drained() {}, closed() {} }
