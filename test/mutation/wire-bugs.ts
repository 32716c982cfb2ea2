import type { PlantedBug } from './planted-bug.ts'

/** Mistakes in frames, messages and the handshake. */
export const wireBugs: readonly PlantedBug[] = [
  {
    name: 'the number of a frame is not looked at',
    file: 'lib/protocol/stream-decoder.ts',
    find: 'if (sequence !== this.#frameSequence) throw',
    replace: 'if (sequence < 0) throw',
    tests: ['test/protocol/stream-decoder.test.ts'],
  },
  {
    name: 'the checksum of a frame is not looked at',
    file: 'lib/protocol/stream-decoder.ts',
    find: 'if (this.#checksum !== this.#checksumDue) throw',
    replace: 'if (this.#checksum < 0) throw',
    tests: ['test/protocol/stream-decoder.test.ts'],
  },
  {
    name: 'the checksum begins anew with each piece of a packet',
    file: 'lib/protocol/stream-decoder.ts',
    find: 'this.#checksum = crc32(chunk, start, end, this.#checksum)',
    replace: 'this.#checksum = crc32(chunk, start, end)',
    tests: ['test/protocol/stream-decoder.test.ts'],
  },
  {
    name: 'a frame may announce any length',
    file: 'lib/protocol/stream-decoder.ts',
    find: 'if (length > this.#packetBytesMax) throw',
    replace: 'if (length < 0) throw',
    tests: ['test/protocol/stream-decoder.test.ts'],
  },
  {
    name: 'memory is taken for the length that a frame announces',
    file: 'lib/protocol/stream-decoder.ts',
    find: 'new Uint8Array(Math.min(HANDSHAKE_PACKET_BYTES_MAX, Math.max(total, 2 * this.#kept.length, KEPT_BYTES_INIT)))',
    replace: 'new Uint8Array(Math.max(total, this.#packetBytes))',
    tests: ['test/protocol/stream-decoder.test.ts'],
  },
  {
    name: 'a payload may be larger than the receive buffer allows',
    file: 'lib/protocol/stream-decoder.ts',
    find: 'return this.#packetBytes > this.#payloadBytesMax',
    replace: 'return false',
    tests: ['test/protocol/stream-decoder.test.ts'],
  },
  {
    name: 'a message that is cut off is read beyond its end',
    file: 'lib/protocol/decode.ts',
    find: "if (until > end) throw new ProtocolError('a message is cut off')",
    replace: '',
    tests: ['test/protocol/decode.test.ts'],
  },
  {
    name: 'the numbers of frames do not wrap',
    file: 'lib/protocol/stream-encoder.ts',
    find: 'this.#frameSequence = (this.#frameSequence + 1) & 0xffff',
    replace: 'this.#frameSequence = Math.min(this.#frameSequence + 1, 0xffff)',
    tests: ['test/protocol/stream-encoder.test.ts'],
  },
  {
    name: 'a client uses one key pair for all links',
    file: 'lib/client-handshake.ts',
    find: 'const keys = await createKeyPair()',
    replace: 'const keys = await ((globalThis as { keys?: ReturnType<typeof createKeyPair> }).keys ??= createKeyPair())',
    tests: ['test/handshake.test.ts'],
  },
  {
    name: 'a server uses one key pair for all links',
    file: 'lib/server-handshake.ts',
    find: 'const keys = await createKeyPair()',
    replace: 'const keys = await ((globalThis as { keys?: ReturnType<typeof createKeyPair> }).keys ??= createKeyPair())',
    tests: ['test/handshake.test.ts'],
  },
  {
    name: 'links may lead to another server than the first one',
    file: 'lib/outgoing-links.ts',
    find: 'return this.#serverId !== undefined && this.#serverId !== serverId',
    replace: 'return false',
    tests: ['test/handshake.test.ts', 'test/socket/server-identity.test.ts'],
  },
  {
    name: 'the server is looked at only once, before the filter is asked',
    file: 'lib/client-handshake.ts',
    find: "if (this.#state.kind !== 'preparing') return\n    this.#options.checkServer(serverId)",
    replace: "if (this.#state.kind !== 'preparing') return",
    tests: ['test/handshake.test.ts'],
  },
]
