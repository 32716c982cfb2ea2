// The client's part of a link's handshake: Welcome in, Connect out, Accepted or Refused in.

import { now } from '#platform/loop'
import type { ReadyLink } from './bond.ts'
import type { LinkConfig } from './config.ts'
import { HawserError } from './errors.ts'
import { Link } from './link.ts'
import type { ChannelEnd, ChannelHandler, LinkChannel } from './link-channel.ts'
import { ownExtensions } from './protocol/extensions.ts'
import { connectionIdMask, createKeyPair, idToHex, NO_SERVER_ID, sharedSecret, xorId } from './protocol/handshake.ts'
import { type LinkMessage, MessageType, RefusedReason, type WelcomeMessage } from './protocol/messages.ts'
import { ProtocolError } from './protocol/protocol-error.ts'
import type { LinkTag } from './transports/transport.ts'

export interface ClientHandshakeOptions {
  readonly tag: LinkTag
  readonly linkConfig: LinkConfig
  /** 16 bytes, a secret: whoever knows it can join the connection. */
  readonly connectionId: Uint8Array
  readonly userData: Uint8Array
  readonly recvBuffer: number
  readonly timeoutMs: number
  /** Whether the connection is established; asked when Connect is sent. */
  isExisting(): boolean
  /** Looks at the server that answered; throws if it is the wrong one. Asked at Welcome and again before Connect. */
  checkServer(serverId: string): void
  /** Whether the link may join. */
  admit(link: Link): boolean | Promise<boolean>
}

/** A link that the server accepted. */
export interface AcceptedLink extends ReadyLink {
  /** 32 hex digits. */
  readonly serverId: string
}

interface AwaitingAccepted {
  readonly kind: 'awaiting-accepted'
  readonly link: Link
  readonly welcome: WelcomeMessage
  readonly sentMs: number
}

type State =
  | { readonly kind: 'awaiting-welcome' }
  /** The filter and the key exchange are at work; the server has nothing to say. */
  | { readonly kind: 'preparing' }
  | AwaitingAccepted
  | { readonly kind: 'done' }

/**
 * Runs the handshake on a channel. Exactly one of `accepted` and `failed` is called; `accepted` synchronously with the
 * message, so that what follows it finds its reader.
 */
export class ClientHandshake implements ChannelHandler {
  readonly #options: ClientHandshakeOptions
  readonly #channel: LinkChannel
  readonly #accepted: (accepted: AcceptedLink) => void
  readonly #failed: (error: Error) => void
  readonly #timer: ReturnType<typeof setTimeout>
  #state: State = { kind: 'awaiting-welcome' }

  constructor(
    channel: LinkChannel,
    options: ClientHandshakeOptions,
    accepted: (accepted: AcceptedLink) => void,
    failed: (error: Error) => void,
  ) {
    this.#channel = channel
    this.#options = options
    this.#accepted = accepted
    this.#failed = failed
    this.#timer = setTimeout(() => {
      this.#fail(
        new HawserError('ETIMEDOUT', 'handshake-timeout', `no handshake within ${options.timeoutMs} ms on ${options.tag}`),
      )
    }, options.timeoutMs)
    this.#timer.unref?.() // the stream keeps the process alive, if anything does
  }

  /** Ends the handshake if Connect has not gone out; afterwards the server knows of the link, and it must join. */
  abandon(): void {
    if (this.#state.kind === 'awaiting-welcome' || this.#state.kind === 'preparing') {
      this.#fail(new HawserError('ECONNABORTED', 'link-closed', 'the connection was closed during the handshake'))
    }
  }

  message(message: LinkMessage): void {
    if (this.#state.kind === 'awaiting-welcome' && message.type === MessageType.Welcome) {
      this.#state = { kind: 'preparing' }
      this.#answer(message).catch((error: unknown) => {
        const known = asError(error)
        this.closed(known instanceof ProtocolError ? 'protocol-error' : 'failed', known)
      })
    } else if (this.#state.kind === 'awaiting-accepted' && message.type === MessageType.Accepted) {
      this.#beAccepted(this.#state)
    } else if (this.#state.kind === 'awaiting-accepted' && message.type === MessageType.Refused) {
      this.#fail(refusal(message.reason))
    } else {
      throw new ProtocolError(`unexpected message of type ${message.type} in the handshake`)
    }
  }

  batchEnd(): void {}

  drained(): void {}

  closed(how: ChannelEnd, error: Error | undefined): void {
    if (how === 'protocol-error') {
      this.#fail(new HawserError('EPROTO', 'protocol-error', `${error?.message} (${this.#options.tag})`, { cause: error }))
    } else this.#fail(error ?? new HawserError('ECONNRESET', 'link-closed', 'the link was closed during the handshake'))
  }

  #beAccepted({ link, welcome, sentMs }: AwaitingAccepted): void {
    this.#finish()
    this.#accepted({
      link,
      channel: this.#channel,
      roundTripMs: now() - sentMs,
      remoteRecvBuffer: welcome.recvBuffer,
      remoteExtensions: welcome.extensions,
      serverId: idToHex(welcome.serverId),
    })
  }

  async #answer(welcome: WelcomeMessage): Promise<void> {
    const { tag, linkConfig, connectionId, userData, recvBuffer } = this.#options
    const serverId = idToHex(welcome.serverId)
    this.#options.checkServer(serverId)
    const link = new Link({
      tag,
      direction: 'outgoing',
      stream: this.#channel.stream,
      remoteUserData: welcome.userData.slice(),
      config: linkConfig,
    })
    const keys = await createKeyPair()
    const secret = await sharedSecret(keys, welcome.publicKey)
    if (this.#state.kind !== 'preparing') return
    if (!(await this.#options.admit(link))) throw new HawserError('ECONNREFUSED', 'link-refused', 'refused by the link filter')
    if (this.#state.kind !== 'preparing') return
    this.#options.checkServer(serverId)
    this.#channel.send({
      type: MessageType.Connect,
      extensions: ownExtensions(this.#channel.authenticated),
      publicKey: keys.publicKey,
      serverId: NO_SERVER_ID,
      encryptedConnectionId: xorId(connectionId, connectionIdMask(secret)),
      existing: this.#options.isExisting(),
      userData,
      recvBuffer,
    })
    this.#state = { kind: 'awaiting-accepted', link, welcome, sentMs: now() }
    this.#channel.flush()
  }

  #finish(): void {
    clearTimeout(this.#timer)
    this.#state = { kind: 'done' }
  }

  #fail(error: Error): void {
    if (this.#state.kind === 'done') return
    this.#finish()
    this.#channel.destroy()
    this.#failed(error)
  }
}

function refusal(reason: number): HawserError {
  switch (reason) {
    case RefusedReason.ConnectionClosed:
      return new HawserError('ECONNRESET', 'aborted-by-server', 'the server does not know the connection (any more)')
    case RefusedReason.NotListening:
      return new HawserError('ECONNREFUSED', 'not-listening', 'the server is not listening')
    case RefusedReason.LinkRefused:
      return new HawserError('ECONNREFUSED', 'link-refused', "refused by the server's link filter")
    default:
      return new HawserError('ECONNREFUSED', 'connection-refused', 'the server refused the connection')
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
