// Speed of a stream between two processes, over TCP: the client is in this process.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import * as net from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as hawser from '../../lib/index.ts'
import type { Figure } from '../case.ts'
import { LocalEnd, RemoteEnd } from './end.ts'
import { allWorking, loopbackConnector } from './pair.ts'

export interface ApartTask {
  readonly measure: 'throughput-apart'
  /** 0: a plain socket. */
  readonly links: number
  /** From the client to the server, or back. */
  readonly direction: 'up' | 'down'
  readonly writeSize: number
  readonly durationMs: number
}

const WARM_UP_MS = 400

export async function measureApart(task: ApartTask): Promise<Figure[]> {
  const { links, direction, writeSize, durationMs } = task
  const child = fork(fileURLToPath(new URL('./server-process.js', import.meta.url)), [JSON.stringify(task)])
  const client = await connectTo(child, links)
  const local = new LocalEnd(client, direction === 'up' ? writeSize : 0)
  const remote = new RemoteEnd(child)
  const [from, to] = direction === 'up' ? [local, remote] : [remote, local]

  await from.start()
  await sleep(WARM_UP_MS)
  const before = [await from.state(), await to.state()] as const
  const startMs = performance.now()
  await sleep(durationMs)
  const after = [await from.state(), await to.state()] as const
  const elapsedMs = performance.now() - startMs
  await to.expect(await from.stop())
  client.destroy()
  child.kill()

  const bytes = after[1].received - before[1].received
  const cpu = after[0].cpu - before[0].cpu + after[1].cpu - before[1].cpu
  return [
    { what: 'speed', unit: 'MB/s', value: bytes / elapsedMs / 1_000 },
    { what: 'CPU, both ends', unit: 's/GB', value: cpu / (bytes / 1_000) },
  ]
}

async function connectTo(child: ChildProcess, links: number): Promise<Duplex> {
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const accepted = once(child, 'message')
  const client =
    links === 0
      ? net.connect({ port, host: '127.0.0.1', noDelay: true })
      : hawser.connect({ transports: [loopbackConnector(links, port)] })
  if (client instanceof hawser.Socket) await allWorking([client], links)
  await accepted
  return client
}
