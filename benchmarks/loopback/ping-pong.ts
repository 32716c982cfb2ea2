// Round trips of small messages, one at a time.

import { performance } from 'node:perf_hooks'
import type { Duplex } from 'node:stream'
import type { Figure } from '../case.ts'
import { checkPattern, patternAt } from '../pattern.ts'
import { quantile } from '../statistics.ts'
import { openPair, type Path } from './pair.ts'

export interface PingPongTask extends Path {
  readonly measure: 'ping-pong'
}

const MESSAGE_SIZE = 100
const WARM_UP_MESSAGES = 2_000
const MESSAGES = 10_000

export async function measurePingPong(task: PingPongTask): Promise<Figure[]> {
  const { client, server, close } = await openPair(task)
  server.on('data', bytes => server.write(bytes))
  await roundTrips(client, WARM_UP_MESSAGES)
  const sortedMs = (await roundTrips(client, MESSAGES)).sort((a, b) => a - b)
  close()
  return [0.5, 0.99, 0.999].map(q => ({ what: `p${q * 100}`, unit: 'us', value: quantile(sortedMs, q) * 1_000 }))
}

/** Times of `count` messages, each sent when the one before is back. */
export function roundTrips(socket: Duplex, count: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const times: number[] = []
    let position = 0
    let received = 0
    let sentMs = 0
    const send = (): void => {
      sentMs = performance.now()
      socket.write(patternAt(position, MESSAGE_SIZE))
    }
    const receive = (bytes: Buffer): void => {
      checkPattern(bytes, position + received)
      received += bytes.length
      if (received < MESSAGE_SIZE) return
      times.push(performance.now() - sentMs)
      position += MESSAGE_SIZE
      received = 0
      if (times.length < count) {
        send()
      } else {
        socket.off('data', receive)
        resolve(times)
      }
    }
    socket.on('data', receive)
    socket.once('error', reject)
    send()
  })
}
