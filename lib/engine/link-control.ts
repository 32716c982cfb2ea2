// What a link sends for itself, beside the reliable messages: in the order of docs/protocol.md, section 6.

import { type LinkMessage, MessageType } from '../protocol/messages.ts'
import type { EngineLink } from './engine-link.ts'

/** Test data goes out in packets of this size. */
const TEST_PACKET_BYTES = 8_192

/** Next message that the link owes its other end, which thereby counts as sent; `undefined` if it owes none. */
export function nextControlMessage(link: EngineLink, nowMs: number): LinkMessage | undefined {
  if (link.goodbyeSent) return undefined
  if (link.pongOwed) {
    link.pongOwed = false
    return { type: MessageType.Pong }
  }
  const leaving = link.status.kind === 'leaving'
  if (leaving && link.acksOwed.length === 0) {
    link.goodbyeSent = true
    return { type: MessageType.Goodbye }
  }
  if (link.pingAskedMs !== undefined && link.pingSentMs === undefined && !leaving) {
    link.pingSentMs = nowMs
    return { type: MessageType.Ping }
  }
  const blocked = link.blocked || link.heldBack
  if (blocked !== link.blockAnnounced) {
    link.blockAnnounced = blocked
    return { type: MessageType.SetBlock, blocked }
  }
  const owed = link.acksOwed.shift()
  if (owed !== undefined) return { type: MessageType.Ack, sequence: owed }
  return link.status.kind === 'unconfirmed' ? nextTestMessage(link, nowMs) : undefined
}

/** Test data, then the ping whose answer is the result. A link that still holds something is tested by its acks. */
function nextTestMessage(link: EngineLink, nowMs: number): LinkMessage | undefined {
  if (link.test.kind === 'idle' && link.flights.length === 0 && link.pingSentMs === undefined) {
    link.test = { kind: 'running', bytesLeft: link.config.testDataLimit }
  }
  if (link.test.kind !== 'running' || link.pingSentMs !== undefined) return undefined
  const { bytesLeft } = link.test
  if (bytesLeft > 0) {
    const bytes = Math.min(bytesLeft, TEST_PACKET_BYTES)
    link.test = { kind: 'running', bytesLeft: bytesLeft - bytes }
    return { type: MessageType.TestData, bytes }
  }
  link.pingAskedMs ??= nowMs
  link.pingSentMs = nowMs
  return { type: MessageType.Ping }
}
