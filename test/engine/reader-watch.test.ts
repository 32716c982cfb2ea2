// A side that only reads finds out that a link is dead, although nothing of its own is overdue there.

import t from 'tap'
import type { EngineLink } from '../../lib/engine/engine-link.ts'
import { MessageType } from '../../lib/protocol/messages.ts'
import { path, rateOf } from '../simulation/link-shapes.ts'
import { SimulatedPair } from '../simulation/simulated-pair.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

const QUIET_MS = 200
const ACK_TIMEOUT_MS = 1_000

/** Two links that bring data in turns; from then on only the first one does, every 10 ms. */
class Reader {
  readonly single = new SingleEngine()
  readonly alive = this.single.addWorkingLink()
  readonly quiet = this.single.addWorkingLink()
  #sequence = 0

  constructor() {
    for (let count = 0; count < 50; count++) {
      this.single.advance(5)
      this.bring(this.alive)
      this.single.advance(5)
      this.bring(this.quiet)
    }
    this.single.forget()
  }

  bring(link: EngineLink): void {
    this.single.receiveData(link, this.#sequence++, 10)
    this.single.advance(0) // what is due now
  }

  /** @param answers - whether the first one answers its pings */
  goOn(durationMs: number, answers = true): void {
    for (let ms = 0; ms < durationMs; ms += 10) {
      this.single.advance(10)
      this.bring(this.alive)
      if (answers && this.alive.pingSentMs !== undefined) this.single.receive(this.alive, { type: MessageType.Pong })
    }
  }

  get pings(): number {
    return this.single.sentOn(this.quiet, MessageType.Ping).length
  }
}

t.test('a link that brings nothing any more while another one goes on is pinged and stops working', t => {
  const reader = new Reader()
  const { single, quiet } = reader
  const quietMs = single.nowMs
  reader.goOn(QUIET_MS - 10)
  t.equal(reader.pings, 0)
  reader.goOn(10)
  t.equal(reader.pings, 1)
  reader.goOn(ACK_TIMEOUT_MS - 10)
  t.same(single.eventsOf('linkNotWorking'), [])
  reader.goOn(10)
  t.match(single.eventsOf('linkNotWorking'), [
    { link: quiet, reason: 'ack-timeout', timeMs: quietMs + QUIET_MS + ACK_TIMEOUT_MS },
  ])
  single.receive(quiet, { type: MessageType.Pong })
  t.equal(quiet.status.kind, 'working', 'once it answers it works again')
  t.end()
})

t.test('a link that is not used but answers is pinged once and works', t => {
  const reader = new Reader()
  reader.goOn(QUIET_MS)
  reader.single.receive(reader.quiet, { type: MessageType.Pong })
  reader.goOn(10_000)
  t.equal(reader.pings, 1)
  t.same(reader.single.eventsOf('linkNotWorking'), [])
  t.end()
})

t.test('a link whose ping waits behind what it brings works', t => {
  const reader = new Reader()
  reader.goOn(QUIET_MS)
  t.equal(reader.pings, 1)
  for (let count = 0; count < 20; count++) {
    reader.goOn(ACK_TIMEOUT_MS - 10)
    reader.bring(reader.quiet)
  }
  t.same(reader.single.eventsOf('linkNotWorking'), [])
  t.end()
})

t.test('without a witness that answers, the peer may stand still: the link works', t => {
  const reader = new Reader()
  const { single, alive, quiet } = reader
  reader.goOn(5_000, false)
  t.same(single.eventsOf('linkNotWorking'), [])
  t.equal(single.sentOn(alive, MessageType.Ping).length, 1, 'it was asked')
  single.receive(alive, { type: MessageType.Pong })
  single.advance(29)
  t.same(single.eventsOf('linkNotWorking'), [], 'what silenced both is over: the other one, too, may answer')
  single.advance(1)
  t.match(single.eventsOf('linkNotWorking'), [{ link: quiet, reason: 'ack-timeout' }])
  t.end()
})

t.test('links that fall quiet together are not pinged', t => {
  const { single, alive, quiet } = new Reader()
  single.advance(10_000)
  for (const link of [alive, quiet]) t.equal(single.sentOn(link, MessageType.Ping).length, 0)
  t.end()
})

/** What the reader tells of its reading goes over the quicker one only. */
const SHAPES = [path(50, 20), path(50, 21)]
const FULL_RATE = SHAPES.reduce((sum, shape) => sum + rateOf(shape), 0)

for (const writer of ['client', 'server'] as const) {
  t.test(`whichever of two almost like links is cut while the ${writer} writes, both sides know after 1.25 s`, t => {
    for (let seed = 1; seed <= 5; seed++) {
      for (const dead of [0, 1]) {
        const pair = new SimulatedPair({ seed, links: SHAPES })
        pair[writer].write(5_000 * FULL_RATE)
        pair.runUntil(1_000 + 7 * seed)
        pair.cut(dead)
        pair.runFor(1_250)
        for (const end of pair.sides) t.notOk(end.isWorking(dead), `link ${dead}, ${end.side}, seed ${seed}`)
        for (const end of pair.sides) t.ok(end.isWorking(1 - dead), `the other one works, ${end.side}, seed ${seed}`)
      }
    }
    t.end()
  })
}
