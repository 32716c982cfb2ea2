// A client that speaks raw bytes over TCP. It keeps to the protocol until it is told otherwise, so that each test does
// one thing wrong.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { crc32 } from '../../lib/protocol/crc32.ts'
import { encodedBytes, encodeMessage } from '../../lib/protocol/encode.ts'
import { type ConnectMessage, type LinkMessage, MessageType } from '../../lib/protocol/messages.ts'
import { StreamDecoder } from '../../lib/protocol/stream-decoder.ts'
import { connectMessage } from '../support/raw-peer.ts'

type MessageOf<T extends MessageType> = Extract<LinkMessage, { readonly type: T }>

/** Where attackers come from: another address than that of those who behave, for handshakes are counted by address. */
export const ATTACKER_ADDRESS = '127.0.0.2'

/** What is wrong with a frame. */
export interface Forged {
  readonly length?: number
  readonly sequence?: number
  readonly checksum?: number
}

export interface DialOptions {
  readonly from?: string
}

export class Attacker {
  readonly socket: Socket
  /** Everything heard but acks, test data and pings, as far as `next` did not take it. */
  readonly inbox: LinkMessage[] = []
  /** Numbers that the other side acknowledged, in order. */
  readonly acks: number[] = []
  pings = 0
  /** Answers pings. */
  polite = true
  /** Acknowledges what comes, and has it consumed at once. */
  acknowledges = false
  readonly #decoder = new StreamDecoder()
  #frameSequence = 0
  #wake = () => {}

  static async dial(port: number, { from = ATTACKER_ADDRESS }: DialOptions = {}): Promise<Attacker> {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true })
    await once(socket, 'connect')
    return new Attacker(socket)
  }

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('close', () => this.#wake())
    socket.on('data', chunk => this.#hear(chunk))
  }

  /** The next message of `type`; others are passed over. Rejects when the link closes first. */
  async next<T extends MessageType>(type: T): Promise<MessageOf<T>> {
    for (;;) {
      const message = this.inbox.shift()
      if (message?.type === type) return message as MessageOf<T>
      if (message) continue
      if (this.socket.destroyed) throw new Error(`the link closed before a message of type ${type}`)
      await this.heard()
    }
  }

  /** Something came, or the link closed. */
  async heard(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#wake = resolve
    })
  }

  /** Waits until `condition` holds, which only what comes can change. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.socket.destroyed) throw new Error('the link closed')
      await this.heard()
    }
  }

  /** The other side closed the link. */
  async closed(): Promise<void> {
    if (!this.socket.closed) await new Promise(resolve => this.socket.once('close', resolve))
  }

  /** Joins or starts the connection of this id, as any client does. */
  async join(id: Uint8Array, parts: Partial<ConnectMessage> = {}): Promise<this> {
    await this.ask(id, parts)
    await this.next(MessageType.Accepted)
    return this
  }

  /** Asks to join; the answer is not awaited. */
  async ask(id: Uint8Array, parts: Partial<ConnectMessage> = {}): Promise<void> {
    const welcome = await this.next(MessageType.Welcome)
    this.send(await connectMessage(welcome, id, parts))
  }

  /** The frame of one packet; a forged frame counts like a right one. */
  frame(packet: Uint8Array, forged: Forged = {}): Buffer {
    const { length = packet.length, sequence = this.#frameSequence, checksum = crc32(packet) } = forged
    this.#frameSequence = (this.#frameSequence + 1) & 0xffff
    const whole = Buffer.allocUnsafe(10 + packet.length)
    whole.writeUInt32BE(length, 0)
    whole.writeUInt16BE(sequence, 4)
    whole.writeUInt32BE(checksum, 6)
    whole.set(packet, 10)
    return whole
  }

  /** Messages as bytes, to be written once and in this order. */
  frames(...messages: readonly LinkMessage[]): Buffer {
    return Buffer.concat(messages.flatMap(message => packetsOf(message).map(packet => this.frame(packet))))
  }

  /** Sends messages in one chunk. */
  send(...messages: readonly LinkMessage[]): void {
    if (!this.socket.destroyed) this.socket.write(this.frames(...messages))
  }

  /** Writes bytes; resolves when the socket has passed them on, or is gone. */
  async write(bytes: Uint8Array): Promise<void> {
    await new Promise<void>(resolve => this.socket.write(bytes, () => resolve()))
  }

  /** The same with messages, many times one after the other, as fast as the other side takes them. */
  async flood(rounds: number, messagesOf: (round: number) => readonly LinkMessage[]): Promise<void> {
    for (let round = 0; round < rounds && !this.socket.destroyed; round++) await this.write(this.frames(...messagesOf(round)))
  }

  /** Resolves once the other side has looked at everything sent until now. Only where it answers pings. */
  async settled(): Promise<void> {
    this.send({ type: MessageType.Ping })
    await this.next(MessageType.Pong)
  }

  #hear(chunk: Buffer): void {
    this.#decoder.push(chunk)
    for (let message = this.#decoder.next(); message; message = this.#decoder.next()) this.#take(message)
    this.#wake()
  }

  #take(message: LinkMessage): void {
    switch (message.type) {
      case MessageType.Ack:
        this.acks.push(message.sequence)
        break
      case MessageType.TestData:
        break
      case MessageType.Ping:
        this.pings++
        if (this.polite) this.send({ type: MessageType.Pong })
        break
      default:
        this.inbox.push(message)
        if (this.acknowledges && 'sequence' in message) this.send({ type: MessageType.Ack, sequence: message.sequence })
    }
  }
}

/** The packets of a message. */
export function packetsOf(message: LinkMessage): Uint8Array[] {
  const bytes = encodedBytes(message)
  const packet = new Uint8Array(message.type === MessageType.TestData ? bytes + message.bytes : bytes)
  encodeMessage(message, packet, 0)
  return message.type === MessageType.Data ? [packet, Buffer.concat(message.payload)] : [packet]
}

/** A Data message; a number instead of the payload: so many zeros. */
export function data(sequence: number, payload: number | Uint8Array | string): LinkMessage {
  const bytes = typeof payload === 'number' ? new Uint8Array(payload) : Buffer.from(payload)
  return { type: MessageType.Data, sequence: sequence >>> 0, payload: [bytes], bytes: bytes.length }
}
