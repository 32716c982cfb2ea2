// Round trips when every message goes over three links, one of which stalls at random.

import { once } from 'node:events'
import * as net from 'node:net'
import * as hawser from '../../lib/index.ts'
import { tcpConnector } from '../../lib/tcp.ts'
import { type Figure, Unavailable } from '../case.ts'
import { quantile } from '../statistics.ts'
import { allWorking, portOf } from './pair.ts'
import { roundTrips } from './ping-pong.ts'

export interface RedundantTask {
  readonly measure: 'redundant'
  /** Of three links the last stalls; a single one never does: the best link. */
  readonly links: 1 | 3
}

const WARM_UP_MESSAGES = 1_000
const MESSAGES = 20_000
const STALL_MS = { least: 20, most: 80 }
const BETWEEN_STALLS_MS = { least: 50, most: 250 }

export async function measureRedundant({ links }: RedundantTask): Promise<Figure[]> {
  const schedule: hawser.ServerOptions = links > 1 ? ({ schedule: 'redundant' } as object) : {}
  requireSchedule(schedule)
  const listener = hawser.createServer(schedule)
  const accepted = once(listener, 'connection')
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const hosts: string[] = []
  for (let index = 0; index < links; index++) hosts.push(await relayTo(portOf(listener), links > 1 && index === links - 1))
  const options = { transports: [tcpConnector({ hosts, multiInterface: false, linkFilter: 'none' })], ...schedule }
  const client = hawser.connect(options)
  const [server] = (await accepted) as [hawser.Socket]
  await allWorking([client, server], links)
  server.on('data', bytes => server.write(bytes))
  await roundTrips(client, WARM_UP_MESSAGES)
  const sortedMs = (await roundTrips(client, MESSAGES)).sort((a, b) => a - b)
  return [0.5, 0.99, 0.999].map(q => ({ what: `p${q * 100}`, unit: 'us', value: quantile(sortedMs, q) * 1_000 }))
}

function requireSchedule(options: object): void {
  try {
    new hawser.Socket(options).destroy()
  } catch (error) {
    throw new Unavailable(`this version does not take ${JSON.stringify(options)}: ${(error as Error).message}`)
  }
}

/** @returns address of a relay that, if it `stalls`, now and then carries nothing for a while */
async function relayTo(port: number, stalls: boolean): Promise<string> {
  const relay = net.createServer({ noDelay: true }, near => {
    const far = net.connect({ port, host: '127.0.0.1', noDelay: true })
    near.pipe(far)
    far.pipe(near)
    if (stalls) stallAtRandom([near, far])
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  return `127.0.0.1:${portOf(relay)}`
}

function stallAtRandom(sockets: readonly net.Socket[]): void {
  const stall = (): void => {
    for (const socket of sockets) socket.pause()
    setTimeout(resume, between(STALL_MS))
  }
  const resume = (): void => {
    for (const socket of sockets) socket.resume()
    setTimeout(stall, between(BETWEEN_STALLS_MS))
  }
  resume()
}

const between = ({ least, most }: { least: number; most: number }): number => least + Math.random() * (most - least)
