// Judge of the statistics (threat model, S10), of the buffers (S4) and of resends: what is not acknowledged is in flight on
// a link that is trusted, or waits to be sent again.

import type { Connection } from '../../../../lib/engine/connection.ts'
import type { SentMessage } from '../../../../lib/engine/send-window.ts'

export interface Books {
  readonly engine: Connection
  readonly nowMs: number
  readonly sendBuffer: number
  readonly recvBuffer: number
  /** As the wire saw it: messages and payload bytes sent for which no ack has arrived. */
  readonly unackedMessages: number
  readonly unackedBytes: number
}

/** What does not add up. */
export function faultInBooks({ engine, nowMs, ...books }: Books): string | undefined {
  if (engine.closed) return undefined
  const { unacked, unconsumed, unconsumable, unconsumedCount, resendQueue, receivedUnconsumed } = engine.stats(nowMs)
  if (unacked > books.sendBuffer) return `${unacked} bytes unacknowledged, more than ${books.sendBuffer}`
  if (receivedUnconsumed > books.recvBuffer) return `${receivedUnconsumed} bytes held, more than ${books.recvBuffer}`
  if (unacked < books.unackedBytes) return `${unacked} bytes unacknowledged, ${books.unackedBytes} on the wire`
  if (unconsumedCount < books.unackedMessages) return `a window of ${unconsumedCount} for ${books.unackedMessages} messages`
  if (unacked + unconsumable < 0 || unconsumable > unconsumed) return `${unconsumable} of ${unconsumed} bytes unconsumable`
  const carried = new Set<SentMessage>()
  let carriedBytes = 0
  for (const link of engine.links) {
    let inFlightBytes = 0
    for (let index = 0; index < link.flights.length; index++) {
      const flight = link.flights.at(index)
      if (!flight) continue
      inFlightBytes += flight.wireBytes
      if (!link.trusted || flight.sent.acked || carried.has(flight.sent)) continue
      carried.add(flight.sent)
      carriedBytes += flight.sent.bytes
    }
    if (link.path.inFlightBytes !== inFlightBytes) return `${link.path.inFlightBytes} bytes in flight, not ${inFlightBytes}`
  }
  if (carriedBytes > unacked) return `${carriedBytes} bytes in flight, ${unacked} unacknowledged`
  if (carried.size + resendQueue < books.unackedMessages) {
    return `${books.unackedMessages} messages unacknowledged, but ${carried.size} in flight and ${resendQueue} to be sent again`
  }
  return undefined
}
