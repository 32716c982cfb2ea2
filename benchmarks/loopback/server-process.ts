// The server of a measurement between two processes: tells its port, then that it has accepted, and then obeys.

import { once } from 'node:events'
import * as net from 'node:net'
import type { Duplex } from 'node:stream'
import * as hawser from '../../lib/index.ts'
import { keepApplicationHeap } from './application-heap.ts'
import { LocalEnd, serveEnd } from './end.ts'
import { allWorking, LIMITS, portOf } from './pair.ts'
import type { ApartTask } from './throughput-apart.ts'

const { links, direction, writeSize }: ApartTask = JSON.parse(process.argv[2] ?? '{}')
keepApplicationHeap()
process.once('disconnect', () => process.exit())

const listener = links === 0 ? net.createServer({ noDelay: true }) : hawser.createServer({ limits: LIMITS })
const connected = once(listener, 'connection')
listener.listen(0, '0.0.0.0')
await once(listener, 'listening')
process.send?.({ port: portOf(listener) })
const [socket] = (await connected) as [Duplex]
if (socket instanceof hawser.Socket) await allWorking([socket], links)
serveEnd(new LocalEnd(socket, direction === 'down' ? writeSize : 0))
process.send?.({ accepted: true })
