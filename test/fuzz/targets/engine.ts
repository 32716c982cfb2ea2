// A whole engine whose peer, driver and application do what the input says. Input: the configuration, then operations,
// each a code and its arguments.

import { packetsOf, vectors } from '../../protocol/vectors.ts'
import { EngineWorld } from '../engine-world.ts'
import { type FuzzTarget, judge } from '../target.ts'

const HEAD_BYTES = 2
/** Repetitions of one operation, all together: floods, but bounded ones. */
const MOST_REPEATS = 2_000
/** A link that joined and passed its test: add, advance, answer all. */
const WORKING_LINK = [0, 10, 6, 2, 2, 0, 255]

/** Reads arguments; behind the end there are zeros. */
class Arguments {
  readonly #bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  get more(): boolean {
    return this.at < this.#bytes.length
  }

  byte(): number {
    return this.#bytes[this.at++] ?? 0
  }

  signed(): number {
    return (this.byte() << 24) >> 24
  }

  uint16(): number {
    return this.byte() * 256 + this.byte()
  }

  bytes(count: number): Uint8Array {
    const bytes = this.#bytes.slice(this.at, this.at + count)
    this.at += count
    return bytes
  }
}

type Operation = (world: EngineWorld, take: Arguments) => void

/** Their places are their codes: new ones go to the end, or the regressions mean something else. */
const operations: readonly Operation[] = [
  (world, take) => world.addLink(take.byte()),
  (world, take) => world.packet(take.byte(), take.bytes(take.byte())),
  (world, take) => world.answer(take.byte(), take.byte()),
  (world, take) => world.data(take.byte(), take.signed(), take.byte()),
  (world, take) => world.consumed(take.byte(), take.signed(), take.uint16()),
  (world, take) => world.ending(take.byte(), take.signed(), take.byte()),
  (world, take) => world.advance(take.byte()),
  (world, take) => world.oversleep(take.byte()),
  (world, take) => world.write(take.uint16()),
  world => world.finish(),
  (world, take) => world.read(take.byte()),
  world => world.closeRead(),
  world => world.dropRead(),
  world => world.terminate(),
  (world, take) => world.setWritable(take.byte(), take.byte()),
  (world, take) => world.loseLink(take.byte()),
  (world, take) => world.disconnectLink(take.byte()),
  (world, take) => world.setBlocked(take.byte(), take.byte()),
  (world, take) => world.ack(take.byte(), take.signed()),
  (world, take) => world.moreWaiting(take.byte()),
  world => world.abort(),
]

/** Behind all others: the operation before it again. */
const REPEAT = operations.length

export const engine: FuzzTarget = {
  name: 'engine',
  bytesMax: 768,
  batch: 512,
  seeds: [
    seedOf(),
    ...vectors.flatMap(vector => packetsOf(vector)).map(packet => seedOf(...WORKING_LINK, 1, 0, packet.length, ...packet)),
    seedOf(
      ...WORKING_LINK,
      8,
      20,
      0,
      6,
      4,
      2,
      0,
      255,
      4,
      0,
      0,
      20,
      0,
      9,
      2,
      0,
      255,
      3,
      0,
      0,
      200,
      10,
      255,
      2,
      0,
      255,
      5,
      0,
      0,
      0,
    ),
    seedOf(...WORKING_LINK, ...WORKING_LINK, 8, 255, 255, 6, 3, 15, 0, 2, 0, 255, 6, 8, 2, 0, 255),
    seedOf(...WORKING_LINK, 3, 0, 2, 50, 3, 0, 0, 50, 3, 0, -1, 50, 10, 1, 11, 3, 0, 0, 5, 12, 2, 0, 255),
    seedOf(...WORKING_LINK, 0, 200, 8, 40, 0, 17, 0, 1, 6, 6, 14, 0, 0, 6, 11, 7, 13, 16, 0, 2, 0, 255, 13, 2, 0, 255, 6, 9),
    seedOf(...WORKING_LINK, 3, 0, 0, 140, REPEAT, 255, 10, 255),
    seedOf(
      ...WORKING_LINK,
      3,
      0,
      0,
      0,
      REPEAT,
      255,
      4,
      0,
      0,
      0,
      0,
      REPEAT,
      255,
      1,
      0,
      1,
      5,
      REPEAT,
      255,
      1,
      0,
      2,
      14,
      1,
      REPEAT,
      255,
    ),
    seedOf(...WORKING_LINK, 3, 0, 1, 1, REPEAT, 255, 18, 0, 0, 18, 0, 1, 19, 1, 20),
  ],

  run(input, note) {
    const world = new EngineWorld(input[0] ?? 0, input[1] ?? 0)
    const take = new Arguments(input, HEAD_BYTES)
    let repeatsLeft = MOST_REPEATS
    let last: { readonly operation: Operation; readonly at: number } | undefined
    while (take.more) {
      const code = take.byte() % (operations.length + 1)
      if (code === REPEAT) {
        const { at } = take
        const times = Math.min(take.byte(), repeatsLeft)
        repeatsLeft -= times
        for (let time = 0; last && time < times; time++) last.operation(world, new Arguments(input, last.at))
        take.at = at + 1
      } else {
        last = { operation: operations[code] as Operation, at: take.at }
        last.operation(world, take)
      }
    }
    world.close()
    for (const state of world.states) note(state)
    judge(world.engine.closed, 'aborted, but not closed')
  },
}

/** Configuration as it is by default, for what it is here, and operations. */
function seedOf(...bytes: readonly number[]): Uint8Array {
  return Uint8Array.from([0, 0, ...bytes])
}
