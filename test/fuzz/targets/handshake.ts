// Both parts of the handshake over a Duplex in memory. Input: which part, how its owner and the Duplex behave, how the
// bytes are cut, and the bytes of the other side, in frames, which tell a packet link where its packets end.

import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { ClientHandshake } from '../../../lib/client-handshake.ts'
import { defaults } from '../../../lib/config.ts'
import { HawserError } from '../../../lib/errors.ts'
import { type ChannelHandler, LinkChannel } from '../../../lib/link-channel.ts'
import { manualTag } from '../../../lib/manual-tag.ts'
import { MessageType } from '../../../lib/protocol/messages.ts'
import { PacketDecoder } from '../../../lib/protocol/packet-decoder.ts'
import { StreamDecoder } from '../../../lib/protocol/stream-decoder.ts'
import { type IncomingLink, ServerHandshake } from '../../../lib/server-handshake.ts'
import { packetsOf, vectors } from '../../protocol/vectors.ts'
import { corePair, type DuplexPair } from '../../support/duplex-pairs.ts'
import { lowOrderKeys } from '../../support/raw-peer.ts'
import { ManualClock, settled } from '../../transports/manual-clock.ts'
import { cutAtFrames, framed, mendFrames, packetOf } from '../frames.ts'
import { type FuzzTarget, judge } from '../target.ts'

const HEAD_BYTES = 3
const Option = {
  Client: 1,
  Packets: 2,
  /** Bytes come before the server said Welcome. */
  Early: 4,
  /** The owner takes its time to decide. */
  Later: 8,
  Refuses: 16,
  Throws: 32,
  Abandons: 64,
} as const
const Ending = { OtherEnds: 0, OtherDestroys: 1, Timeout: 2, OursFails: 3 } as const

const TIMEOUT_MS = 10_000
const MOST_CHUNKS = 8
/** Rounds of the event loop after which nothing goes on by itself: each chunk, key and answer takes a few. */
const ROUNDS = 6
const IGNORE: ChannelHandler = { message() {}, batchEnd() {}, drained() {}, closed() {} }

const named = (name: string) => vectors.filter(vector => vector.name.startsWith(name)).flatMap(packetsOf)
const PUBLIC_KEY_AT = 11
const [welcome, connect] = [named('Welcome'), named('Connect')] as [Uint8Array[], Uint8Array[]]
const answers = [...named('Accepted'), ...named('Refused'), ...named('Ping')]

export const handshake: FuzzTarget = {
  name: 'handshake',
  bytesMax: 512,
  batch: 256,
  seeds: [
    ...connect.flatMap(packet => [seedOf(0, 0, packet), seedOf(Option.Packets, 1, packet), seedOf(Option.Early, 2, packet)]),
    ...connect.flatMap(packet => [seedOf(Option.Later, 3, packet), seedOf(Option.Refuses, 0, packet)]),
    ...answers.flatMap(packet => [seedOf(Option.Client, 0, welcome[0]!, packet), seedOf(3, 1, welcome[0]!, packet)]),
    ...[Option.Later, Option.Refuses, Option.Throws, Option.Abandons].map((option, index) =>
      seedOf(Option.Client | option, index, welcome[0]!, answers[0]!),
    ),
    inOneChunk(seedOf(0, 0, connect[0]!, connect[0]!)),
    inOneChunk(seedOf(Option.Client, 0, welcome[0]!, answers[0]!)),
    ...lowOrderKeys.flatMap(key => [
      seedOf(0, 2, withKey(connect[0]!, key)),
      seedOf(Option.Client, 2, withKey(welcome[0]!, key)),
    ]),
  ],

  async run(input, note) {
    const [options = 0, cut = 0, ending = 0] = input
    const world = new HandshakeWorld(options)
    try {
      await world.run(chunksOf(input.subarray(HEAD_BYTES), cut, (options & Option.Packets) !== 0), ending)
      note(world.outcome)
    } finally {
      world.restore()
    }
  },

  repair(input) {
    mendFrames(input, HEAD_BYTES)
  },
}

function seedOf(options: number, ending: number, ...packets: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(options, 0, ending), framed(packets)])
}

function inOneChunk(seed: Uint8Array): Uint8Array {
  return seed.with(1, 255)
}

function withKey(hello: Uint8Array, key: Uint8Array): Uint8Array {
  const changed = hello.slice()
  changed.set(key, PUBLIC_KEY_AT)
  return changed
}

function chunksOf(wire: Uint8Array, cut: number, packets: boolean): Uint8Array[] {
  const frames = cutAtFrames(wire).slice(0, MOST_CHUNKS)
  if (packets) return frames.map(packetOf)
  if (cut === 0) return frames
  const length = Math.max(cut, Math.ceil(wire.length / MOST_CHUNKS))
  return Array.from({ length: Math.ceil(wire.length / length) }, (_, index) =>
    wire.subarray(index * length, (index + 1) * length),
  )
}

/** One handshake, its Duplex, its owner, and a clock that its timers go by. */
class HandshakeWorld {
  /** What came of it, for the fuzzer. */
  outcome = 'nothing'
  readonly #options: number
  readonly #clock = new ManualClock()
  readonly #pair: DuplexPair
  readonly #sent: Uint8Array[] = []
  #successes = 0
  #failures = 0
  #failedFirst = false
  #broken: string | undefined
  #abandon = () => {}
  readonly restore: () => void

  constructor(options: number) {
    this.#options = options
    const { setTimeout, clearTimeout } = globalThis
    Object.assign(globalThis, { setTimeout: this.#clock.setTimer, clearTimeout: this.#clock.clearTimer })
    this.restore = () => Object.assign(globalThis, { setTimeout, clearTimeout })
    this.#pair = corePair({ objectMode: this.#has(Option.Packets) })
    this.#pair.server.on('data', (chunk: Uint8Array) => this.#sent.push(chunk))
    this.#pair.server.on('error', () => {})
  }

  async run(chunks: readonly Uint8Array[], ending: number): Promise<void> {
    const { client: ours, server: others } = this.#pair
    if (this.#has(Option.Client)) this.#startClient()
    else this.#startServer()
    if (!this.#has(Option.Early)) await rest()
    for (const chunk of chunks) {
      others.write(chunk)
      await rest()
    }
    if (this.#has(Option.Abandons)) this.#abandon()
    await this.#end(ending)
    judge(this.#broken === undefined, String(this.#broken))
    judge(this.#successes + this.#failures > 0, 'nothing came of a handshake')
    this.#judgeSent()
    ours.destroy()
    others.destroy()
    await rest()
    judge(this.#clock.timers === 0, 'a timer is left')
    judge(this.#broken === undefined, String(this.#broken))
    const left = ours.eventNames().filter(name => ours.listenerCount(name) > 0)
    judge(
      left.every(name => name === 'error'),
      'listeners are left',
    )
  }

  #has(option: number): boolean {
    return (this.#options & option) !== 0
  }

  #startClient(): void {
    const channel = new LinkChannel(this.#pair.client, IGNORE)
    const handshake = new ClientHandshake(
      channel,
      {
        tag: manualTag('outgoing', 'fuzz'),
        linkConfig: defaults.link,
        connectionId: new Uint8Array(16).fill(7),
        userData: Uint8Array.of(1, 2, 3),
        recvBuffer: 1_000,
        timeoutMs: TIMEOUT_MS,
        isExisting: () => false,
        checkServer: () => {},
        admit: () => this.#decide(),
      },
      () => this.#succeed(channel),
      this.#fail,
    )
    this.#abandon = () => handshake.abandon()
    channel.handler = handshake
  }

  #startServer(): void {
    const channel = new LinkChannel(this.#pair.client, IGNORE)
    const handshake = new ServerHandshake(
      channel,
      {
        tag: manualTag('incoming', 'fuzz'),
        linkConfig: defaults.link,
        serverId: new Uint8Array(16).fill(9),
        userData: Uint8Array.of(4, 5),
        recvBuffer: 2_000,
        timeoutMs: TIMEOUT_MS,
      },
      incoming => {
        this.#succeed(channel)
        void this.#answer(incoming)
      },
      this.#fail,
    )
    channel.handler = handshake
    handshake.start()
  }

  /** What the owner of a client says to the link. */
  #decide(): boolean | Promise<boolean> {
    if (this.#has(Option.Throws)) throw new RangeError("the owner's mistake")
    const admitted = !this.#has(Option.Refuses)
    return this.#has(Option.Later) ? settled().then(() => admitted) : admitted
  }

  /** What the owner of a server says to the link; as it does, nothing if the client is gone by then. */
  async #answer(incoming: IncomingLink): Promise<void> {
    if (this.#has(Option.Later)) await settled()
    if (!incoming.pending) return
    if (this.#has(Option.Refuses)) incoming.refuse(3)
    else incoming.accept()
  }

  #succeed(channel: LinkChannel): void {
    this.#expect(this.#successes++ === 0, 'it succeeded twice')
    this.#expect(this.#failures === 0, 'it succeeded after it had failed')
    this.outcome = 'success'
    if (this.#has(Option.Client)) channel.handler = IGNORE
  }

  readonly #fail = (error: Error): void => {
    this.#expect(this.#failures++ === 0, 'it failed twice')
    this.#failedFirst = this.#successes === 0
    this.#expect(this.#failedFirst || !this.#has(Option.Client), 'it failed after it had succeeded')
    this.#expect(this.#pair.client.destroyed, 'it failed, but the stream is left open')
    const { code } = error as { code?: unknown }
    const isOwners = error instanceof RangeError && this.#has(Option.Throws)
    this.#expect(typeof code === 'string' || isOwners, 'an error without a code')
    this.outcome = error instanceof HawserError ? `${error.code} ${error.reason}` : String(code)
  }

  /** Like `judge`, for what the library calls: it might catch what is thrown there. */
  #expect(condition: boolean, broken: string): void {
    if (!condition) this.#broken ??= broken
  }

  async #end(ending: number): Promise<void> {
    const { client: ours, server: others } = this.#pair
    switch (ending % 4) {
      case Ending.OtherEnds:
        others.end()
        break
      case Ending.OtherDestroys:
        others.destroy()
        break
      case Ending.Timeout:
        break
      case Ending.OursFails:
        ours.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
        break
    }
    await rest()
    // Who refuses waits for the other end to close.
    const lingers = this.#has(Option.Refuses) ? 1 : 0
    const isOver = this.#successes + this.#failures > 0
    judge(!isOver || this.#clock.timers <= lingers, 'the timer of the handshake outlives it')
    await this.#clock.advance(TIMEOUT_MS)
    await rest()
  }

  /** What went out is right, whatever came in. */
  #judgeSent(): void {
    const decoder = this.#has(Option.Packets) ? new PacketDecoder() : new StreamDecoder()
    for (const chunk of this.#sent) decoder.push(chunk)
    const types: number[] = []
    for (let message = decoder.next(); message; message = decoder.next()) types.push(message.type)
    const expected = this.#has(Option.Client) ? /^(2)?$/ : /^(1( [34])?)?$/
    judge(expected.test(types.join(' ')), 'other messages went out than belong to a handshake')
    const answered = types.includes(MessageType.Connect) || types.includes(MessageType.Accepted)
    judge(!answered || !this.#failedFirst || this.#has(Option.Client), 'a link was accepted that had failed')
  }
}

async function rest(): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await settled()
}

// A key pair that is always the same, made in no time: what is fuzzed does not depend on it, and the same input must do
// the same each time. The exchange itself is Node's own.
const PKCS8_PREFIX = '302e020100300506032b656e04220420'
const privateKey = crypto.createPrivateKey({
  key: Buffer.from(PKCS8_PREFIX + '5a'.repeat(32), 'hex'),
  format: 'der',
  type: 'pkcs8',
})
const publicKey = crypto.createPublicKey(privateKey)

type KeyPairCallback = (error: Error | null, publicKey: crypto.KeyObject, privateKey: crypto.KeyObject) => void

Object.assign(crypto, {
  generateKeyPair: (_type: string, _options: object, callback: KeyPairCallback) => {
    setImmediate(callback, null, publicKey, privateKey)
  },
})
syncBuiltinESMExports()
