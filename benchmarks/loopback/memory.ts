// Memory of connections beyond their sockets: as many plain sockets as there are links are measured first, in this process.

import { once } from 'node:events'
import * as net from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import * as hawser from '../../lib/index.ts'
import { corePair } from '../../test/support/duplex-pairs.ts'
import type { Figure } from '../case.ts'
import { checkPattern, patternAt } from '../pattern.ts'
import { allWorking, LIMITS, loopbackConnector, portOf } from './pair.ts'

export interface MemoryTask {
  readonly measure: 'memory'
  readonly connections: number
  readonly links: number
  /** Of the links; `memory`: pairs of Duplexes in this process, which need no open files. */
  readonly medium: 'tcp' | 'memory'
  /** Every connection echoes messages of 1 KiB without a pause while memory is looked at. */
  readonly busy: boolean
}

/** What the process must be allowed to have open: both ends of all links, and what else a process needs. */
export const filesFor = ({ connections, links, medium }: MemoryTask): number =>
  medium === 'tcp' ? 2 * connections * links + 200 : 0

const AT_ONCE = 50
const SETTLE_MS = 1_000
const MESSAGE_SIZE = 1_024

interface Memory {
  readonly heap: number
  readonly buffers: number
}

export async function measureMemory({ connections, links, medium, busy }: MemoryTask): Promise<Figure[]> {
  const plain = medium === 'tcp' ? plainSockets : plainDuplexes
  const bonded = medium === 'tcp' ? bondedSockets(links) : bondedDuplexes(links)
  // What is compiled and allocated once must not count as part of the first connection.
  await memoryOf(bonded, 1, busy)
  await memoryOf(plain, links, busy)
  const below = await memoryOf(plain, connections * links, busy)
  const all = await memoryOf(bonded, connections, busy)
  const eachEndKb = (bytes: number): number => bytes / (2 * connections) / 1_000
  return [
    { what: 'heap beyond links, each end', unit: 'KB', value: eachEndKb(all.heap - below.heap) },
    { what: 'buffers beyond links, each end', unit: 'KB', value: eachEndKb(all.buffers - below.buffers) },
    { what: 'heap of the links, each end', unit: 'KB', value: eachEndKb(below.heap) },
  ]
}

/** Connected ends, the same number of each. */
interface Opened {
  readonly clients: readonly Duplex[]
  readonly servers: readonly Duplex[]
  close(): void
}

type Open = (count: number) => Promise<Opened>

const plainSockets: Open = count =>
  openSockets(count, net.createServer(), async port => {
    const socket = net.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return socket
  })

const bondedSockets =
  (links: number): Open =>
  count =>
    openSockets(count, hawser.createServer({ limits: LIMITS }), async port => {
      const socket = hawser.connect({ transports: [loopbackConnector(links, port)] })
      await allWorking([socket], links)
      return socket
    })

async function openSockets(
  count: number,
  listener: hawser.Server | net.Server,
  connect: (port: number) => Promise<Duplex>,
): Promise<Opened> {
  const servers: Duplex[] = []
  listener.on('connection', (socket: Duplex) => servers.push(socket))
  listener.listen(0, '0.0.0.0')
  await once(listener, 'listening')
  const clients = await inBatches(count, () => connect(portOf(listener)))
  return { clients, servers, close: () => listener.close() }
}

const plainDuplexes: Open = async count => {
  const pairs = Array.from({ length: count }, () => corePair({ later: true }))
  return { clients: pairs.map(({ client }) => client), servers: pairs.map(({ server }) => server), close() {} }
}

const bondedDuplexes =
  (links: number): Open =>
  async count => {
    const listener = hawser.createServer({ limits: LIMITS })
    const servers: Duplex[] = []
    listener.on('connection', socket => servers.push(socket))
    const clients = await inBatches(count, async () => {
      const pairs = Array.from({ length: links }, () => corePair({ later: true }))
      const socket = hawser.connect({ links: pairs.map(({ client }) => client) })
      await Promise.all(pairs.map(({ server }) => listener.addLink(server)))
      await allWorking([socket], links)
      return socket
    })
    return { clients, servers, close() {} }
  }

async function inBatches(count: number, open: () => Promise<Duplex>): Promise<Duplex[]> {
  const opened: Duplex[] = []
  while (opened.length < count) {
    const next = Math.min(AT_ONCE, count - opened.length)
    opened.push(...(await Promise.all(Array.from({ length: next }, open))))
  }
  return opened
}

async function memoryOf(open: Open, count: number, busy: boolean): Promise<Memory> {
  const before = memoryNow()
  const { clients, servers, close } = await open(count)
  while (servers.length < count) await sleep(5)
  const stop = busy ? startEchoes(clients, servers) : () => {}
  await sleep(SETTLE_MS)
  const after = memoryNow()
  stop()
  const closed = [...clients, ...servers].map(socket => once(socket, 'close'))
  for (const socket of [...clients, ...servers]) socket.destroy()
  await Promise.all(closed)
  close()
  await sleep(SETTLE_MS)
  return { heap: after.heap - before.heap, buffers: after.buffers - before.buffers }
}

function startEchoes(clients: readonly Duplex[], servers: readonly Duplex[]): () => void {
  let stopped = false
  for (const server of servers) server.on('data', bytes => stopped || server.write(bytes))
  for (const client of clients) {
    let received = 0
    client.on('data', bytes => {
      checkPattern(bytes, received)
      received += bytes.length
      if (received % MESSAGE_SIZE === 0 && !stopped) client.write(patternAt(received, MESSAGE_SIZE))
    })
    client.write(patternAt(0, MESSAGE_SIZE))
  }
  return () => {
    stopped = true
  }
}

function memoryNow(): Memory {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return { heap: heapUsed, buffers: arrayBuffers }
}
