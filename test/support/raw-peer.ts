// The other end of a link as the test wants it: says any message or bytes at any time, and reads what comes.

import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { connectionIdMask, createKeyPair, sharedSecret, xorId } from '../../lib/protocol/handshake.ts'
import { type ConnectMessage, type LinkMessage, MessageType, type WelcomeMessage } from '../../lib/protocol/messages.ts'
import { StreamDecoder } from '../../lib/protocol/stream-decoder.ts'
import { StreamEncoder } from '../../lib/protocol/stream-encoder.ts'

type MessageOf<T extends MessageType> = Extract<LinkMessage, { readonly type: T }>

export class RawPeer {
  readonly stream: Duplex
  /** All that came and was not taken by `next`. */
  readonly inbox: LinkMessage[] = []
  readonly #encoder = new StreamEncoder()
  readonly #decoder = new StreamDecoder()
  #wake = () => {}

  constructor(stream: Duplex) {
    this.stream = stream
    stream.on('error', () => {})
    stream.on('close', () => this.#wake())
    stream.on('data', (chunk: Buffer) => {
      this.#decoder.push(chunk)
      for (let message = this.#decoder.next(); message; message = this.#decoder.next()) this.inbox.push(message)
      this.#wake()
    })
  }

  /** Sends messages in one chunk. */
  send(...messages: readonly LinkMessage[]): void {
    for (const message of messages) this.#encoder.encode(message)
    this.stream.write(Buffer.concat(this.#encoder.take()))
  }

  /** The next message, which must be of `type`; others are passed over. Rejects when the link closes first. */
  async next<T extends MessageType>(type: T): Promise<MessageOf<T>> {
    for (;;) {
      const message = this.inbox.shift()
      if (message?.type === type) return message as MessageOf<T>
      if (message) continue
      if (this.stream.destroyed) throw new Error(`the link closed before a message of type ${type}`)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  async closed(): Promise<void> {
    if (!this.stream.destroyed) await once(this.stream, 'close')
  }

  /** A server's first message; without a key a fresh one. */
  async welcome(parts: Partial<WelcomeMessage> = {}): Promise<void> {
    this.send(await welcomeMessage(parts))
  }

  /** A client's answer to `welcome`, which is for the connection of this id. */
  async connect(welcome: WelcomeMessage, connectionId: Uint8Array, parts: Partial<ConnectMessage> = {}): Promise<void> {
    this.send(await connectMessage(welcome, connectionId, parts))
  }
}

export async function connectMessage(
  welcome: WelcomeMessage,
  connectionId: Uint8Array,
  parts: Partial<ConnectMessage> = {},
): Promise<ConnectMessage> {
  const keys = await createKeyPair()
  const mask = connectionIdMask(await sharedSecret(keys, welcome.publicKey))
  return {
    type: MessageType.Connect,
    extensions: 0,
    publicKey: keys.publicKey,
    serverId: new Uint8Array(16),
    encryptedConnectionId: xorId(connectionId, mask),
    existing: false,
    userData: new Uint8Array(0),
    recvBuffer: 1_000_000,
    ...parts,
  }
}

export async function welcomeMessage(parts: Partial<WelcomeMessage> = {}): Promise<WelcomeMessage> {
  return {
    type: MessageType.Welcome,
    extensions: 0,
    publicKey: (await createKeyPair()).publicKey,
    serverId: new Uint8Array(16).fill(0xa1),
    userData: new Uint8Array(0),
    recvBuffer: 1_000_000,
    ...parts,
  }
}

const HIGH = 'ff'.repeat(30)

/** All public keys that make the shared secret zero for everybody: points of low order and their other encodings. */
export const lowOrderKeys: readonly Uint8Array[] = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${HIGH}7f`,
  `ed${HIGH}7f`,
  `ee${HIGH}7f`,
].map(hex => new Uint8Array(Buffer.from(hex, 'hex')))
