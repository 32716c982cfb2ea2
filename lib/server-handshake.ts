// The server's part of a link's handshake: Welcome out, Connect in; Accepted or Refused out, as its owner decides.

import { now } from '#platform/loop'
import type { LinkConfig } from './config.ts'
import { HawserError } from './errors.ts'
import { Link } from './link.ts'
import type { ChannelEnd, ChannelHandler, LinkChannel } from './link-channel.ts'
import { ownExtensions } from './protocol/extensions.ts'
import { connectionIdMask, createKeyPair, idToHex, type KeyPair, sharedSecret, xorId } from './protocol/handshake.ts'
import { type ConnectMessage, type LinkMessage, MessageType, type RefusedReason } from './protocol/messages.ts'
import { ProtocolError } from './protocol/protocol-error.ts'
import type { LinkTag } from './transports/transport.ts'

export interface ServerHandshakeOptions {
  readonly tag: LinkTag
  readonly linkConfig: LinkConfig
  /** 16 bytes, not all zero. */
  readonly serverId: Uint8Array
  readonly userData: Uint8Array
  readonly recvBuffer: number
  /** Longest wait for Connect; what is decided about it takes the time it takes. */
  readonly timeoutMs: number
}

type State =
  | { readonly kind: 'preparing' }
  | { readonly kind: 'awaiting-connect'; readonly keys: KeyPair; readonly sentMs: number }
  /** Connect came; its owner decides. */
  | { readonly kind: 'deciding' }
  | { readonly kind: 'done' }

/** A client that asks to let a link join or start a connection. Exactly one of `accept` and `refuse` must follow. */
export class IncomingLink {
  readonly link: Link
  readonly channel: LinkChannel
  /** 32 hex digits, a secret. */
  readonly connectionId: string
  /** The client takes the connection for established. */
  readonly existing: boolean
  readonly remoteRecvBuffer: number
  readonly remoteExtensions: number
  readonly roundTripMs: number
  readonly #handshake: ServerHandshake

  constructor(
    handshake: ServerHandshake,
    channel: LinkChannel,
    link: Link,
    connect: ConnectMessage,
    connectionId: string,
    roundTripMs: number,
  ) {
    this.#handshake = handshake
    this.channel = channel
    this.link = link
    this.connectionId = connectionId
    this.existing = connect.existing
    this.remoteRecvBuffer = connect.recvBuffer
    this.remoteExtensions = connect.extensions
    this.roundTripMs = roundTripMs
  }

  /** Whether the client is still there. */
  get pending(): boolean {
    return this.#handshake.deciding
  }

  accept(): void {
    this.#handshake.finish()
    this.channel.send({ type: MessageType.Accepted })
    this.channel.flush()
  }

  refuse(reason: RefusedReason): void {
    this.#handshake.finish()
    this.channel.send({ type: MessageType.Refused, reason })
    this.channel.end()
  }
}

/**
 * Runs the handshake on a channel as far as Connect. Exactly one of `connected` and `failed` is called, or both if the
 * link fails while it is being decided about.
 */
export class ServerHandshake implements ChannelHandler {
  readonly #options: ServerHandshakeOptions
  readonly #channel: LinkChannel
  readonly #connected: (incoming: IncomingLink) => void
  readonly #failed: (error: Error) => void
  readonly #timer: ReturnType<typeof setTimeout>
  #state: State = { kind: 'preparing' }

  constructor(
    channel: LinkChannel,
    options: ServerHandshakeOptions,
    connected: (incoming: IncomingLink) => void,
    failed: (error: Error) => void,
  ) {
    this.#channel = channel
    this.#options = options
    this.#connected = connected
    this.#failed = failed
    this.#timer = setTimeout(() => {
      this.fail(
        new HawserError('ETIMEDOUT', 'handshake-timeout', `no handshake within ${options.timeoutMs} ms on ${options.tag}`),
      )
    }, options.timeoutMs)
  }

  /** Says Welcome. The handler of the channel must be set. */
  start(): void {
    this.#welcome().catch(this.#failWith)
  }

  get deciding(): boolean {
    return this.#state.kind === 'deciding'
  }

  finish(): void {
    clearTimeout(this.#timer)
    this.#state = { kind: 'done' }
  }

  fail(error: Error): void {
    if (this.#state.kind === 'done') return
    this.finish()
    this.#channel.destroy()
    this.#failed(error)
  }

  message(message: LinkMessage): void {
    if (this.#state.kind !== 'awaiting-connect' || message.type !== MessageType.Connect) {
      throw new ProtocolError(`unexpected message of type ${message.type} in the handshake`)
    }
    const { keys, sentMs } = this.#state
    clearTimeout(this.#timer)
    this.#state = { kind: 'deciding' }
    this.#identify(message, keys, now() - sentMs).catch(this.#failWith)
  }

  batchEnd(): void {}

  drained(): void {}

  closed(how: ChannelEnd, error: Error | undefined): void {
    if (how === 'protocol-error') {
      this.fail(new HawserError('EPROTO', 'protocol-error', `${error?.message} (${this.#options.tag})`, { cause: error }))
    } else this.fail(error ?? new HawserError('ECONNRESET', 'link-closed', 'the link was closed during the handshake'))
  }

  readonly #failWith = (error: unknown): void => {
    const known = error instanceof Error ? error : new Error(String(error))
    this.closed(known instanceof ProtocolError ? 'protocol-error' : 'failed', known)
  }

  async #welcome(): Promise<void> {
    const { serverId, userData, recvBuffer } = this.#options
    const keys = await createKeyPair()
    if (this.#state.kind !== 'preparing') return
    this.#channel.send({
      type: MessageType.Welcome,
      extensions: ownExtensions(this.#channel.authenticated),
      publicKey: keys.publicKey,
      serverId,
      userData,
      recvBuffer,
    })
    this.#state = { kind: 'awaiting-connect', keys, sentMs: now() }
    this.#channel.flush()
  }

  async #identify(connect: ConnectMessage, keys: KeyPair, roundTripMs: number): Promise<void> {
    const secret = await sharedSecret(keys, connect.publicKey)
    if (this.#state.kind !== 'deciding') return
    const { tag, linkConfig } = this.#options
    const link = new Link({
      tag,
      direction: 'incoming',
      stream: this.#channel.stream,
      remoteUserData: connect.userData.slice(),
      config: linkConfig,
    })
    const connectionId = idToHex(xorId(connect.encryptedConnectionId, connectionIdMask(secret)))
    this.#connected(new IncomingLink(this, this.#channel, link, connect, connectionId, roundTripMs))
  }
}
