// What bursts of acks do to the window of a link.

import t from 'tap'
import { resolveLinkConfig } from '../../lib/config.ts'
import type { EngineLink } from '../../lib/engine/engine-link.ts'
import type { Flight } from '../../lib/engine/flight.ts'
import { PathModel } from '../../lib/engine/path-model.ts'
import { SentMessage } from '../../lib/engine/send-window.ts'
import { MessageType } from '../../lib/protocol/messages.ts'

const nobody = undefined as unknown as EngineLink
const message = new SentMessage({ type: MessageType.Data, sequence: 0, payload: [], bytes: 0 })

interface Bursts {
  /** All that is in flight is acknowledged at once after this time. */
  readonly silenceMs: number
  /** Every 20th time nothing is sent for so long. */
  readonly restMs?: number
  readonly linkCount: number
}

/** Most bytes in flight in 4 s on a path with a round trip of 1 ms, as the handshake measured it. */
function mostInFlight({ silenceMs, restMs = 0, linkCount }: Bursts): number {
  const path = new PathModel(resolveLinkConfig(), 1, 0)
  path.linkCount = linkCount
  let most = 0
  for (let nowMs = 1, turn = 1; nowMs < 4_000; turn++) {
    const flights: Flight[] = []
    const bytes = Math.min(path.chunkBytes(), 65_536)
    while (path.hasRoom(bytes, nowMs)) flights.push(path.send(message, nobody, bytes, nowMs))
    most = Math.max(most, path.inFlightBytes)
    nowMs += silenceMs
    for (const flight of flights) path.delivered(flight, nowMs)
    if (turn % 20 === 0) nowMs += restMs
  }
  return most
}

t.test('what a busy event loop hands over at once does not make the window grow with each of its turns', async t => {
  t.ok(mostInFlight({ silenceMs: 10, linkCount: 1 }) < 1_000_000)
  t.ok(mostInFlight({ silenceMs: 40, linkCount: 1 }) < 2_000_000)
})

t.test('links of one connection share what there is for the bursts of a busy event loop', async t => {
  t.ok(mostInFlight({ silenceMs: 40, linkCount: 8 }) < 400_000)
})

t.test('a time in which nothing was in flight is no silence of the path', async t => {
  t.ok(mostInFlight({ silenceMs: 40, restMs: 300, linkCount: 8 }) < 400_000)
})

t.test('the window holds all that a peer acknowledges at once after a long delay', async t => {
  t.ok(mostInFlight({ silenceMs: 150, linkCount: 8 }) > 1_000_000)
})
