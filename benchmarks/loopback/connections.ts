// Connections per second: opened, a message there and back, closed by both ends.

import { once } from 'node:events'
import * as net from 'node:net'
import type { Duplex } from 'node:stream'
import * as hawser from '../../lib/index.ts'
import type { Figure } from '../case.ts'
import { LIMITS, loopbackConnector, portOf } from './pair.ts'
import { roundTrips } from './ping-pong.ts'

export interface ConnectionsTask {
  readonly measure: 'connections'
  /** 0: plain sockets. */
  readonly links: number
}

const AT_ONCE = 16
const WARM_UP_MS = 500
const DURATION_MS = 1_500

export async function measureConnections({ links }: ConnectionsTask): Promise<Figure[]> {
  const echo = (socket: Duplex): void => {
    socket.on('data', bytes => socket.write(bytes))
  }
  const listener = links === 0 ? net.createServer({ noDelay: true }, echo) : hawser.createServer({ limits: LIMITS }, echo)
  listener.listen(0, '0.0.0.0')
  await once(listener, 'listening')
  const port = portOf(listener)
  const open = (): Duplex =>
    links === 0
      ? net.connect({ port, host: '127.0.0.1', noDelay: true })
      : hawser.connect({ transports: [loopbackConnector(links, port)] })

  let done = 0
  const startMs = performance.now()
  const begin = startMs + WARM_UP_MS
  const end = begin + DURATION_MS
  const openAndClose = async (): Promise<void> => {
    while (performance.now() < end) {
      const socket = open()
      await roundTrips(socket, 1)
      socket.end()
      await once(socket, 'close')
      const now = performance.now()
      if (now >= begin && now < end) done++
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, openAndClose))
  return [{ what: 'connections', unit: '1/s', value: (done * 1_000) / DURATION_MS }]
}
