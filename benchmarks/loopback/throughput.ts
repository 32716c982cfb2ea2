// Speed of a stream and what it costs the processor, both ends in this process.

import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Figure } from '../case.ts'
import { openPair, type Pair, type Path } from './pair.ts'
import { Reader, Writer } from './traffic.ts'

export interface ThroughputTask extends Path {
  readonly measure: 'throughput'
  /** Both ways: both ends send and receive at once, the speed is the sum. */
  readonly ways: 'one' | 'both'
  readonly writeSize: number
  /** That many connections at once, which share the time; 1 when left out. */
  readonly connections?: number
  /** Measures the delay of the event loop, too, which costs some speed. */
  readonly eventLoop?: boolean
}

/** One link is as quick as it gets after 0.4 s, eight are after 0.6 s: until then V8 compiles. */
const WARM_UP_MS = 1_000
const DURATION_MS = 800

export async function measureThroughput(task: ThroughputTask): Promise<Figure[]> {
  const pairs = []
  for (let index = 0; index < (task.connections ?? 1); index++) pairs.push(await openPair(task))
  const streams = pairs.flatMap(pair => streamsOf(pair, task))
  for (const { writer } of streams) writer.start()
  await sleep(WARM_UP_MS)

  const delay = task.eventLoop ? monitorEventLoopDelay({ resolution: 1 }) : undefined
  const receivedOf = (): number => streams.reduce((sum, { reader }) => sum + reader.received, 0)
  const receivedBefore = receivedOf()
  const cpuBefore = process.cpuUsage()
  const startMs = performance.now()
  delay?.enable()
  await sleep(DURATION_MS)
  delay?.disable()
  const elapsedMs = performance.now() - startMs
  const cpu = process.cpuUsage(cpuBefore)
  const bytes = receivedOf() - receivedBefore

  await Promise.all(streams.map(({ writer, reader }) => reader.expect(writer.stop())))
  for (const { close } of pairs) close()
  return [
    { what: 'speed', unit: 'MB/s', value: bytes / elapsedMs / 1_000 },
    { what: 'CPU, both ends', unit: 's/GB', value: (cpu.user + cpu.system) / (bytes / 1_000) },
    ...(delay
      ? [
          { what: 'event loop delay p50', unit: 'ms', value: delay.percentile(50) / 1e6 },
          { what: 'event loop delay p99', unit: 'ms', value: delay.percentile(99) / 1e6 },
        ]
      : []),
  ]
}

function streamsOf({ client, server }: Pair, { ways, writeSize }: ThroughputTask) {
  const up = { writer: new Writer(client, writeSize), reader: new Reader(server) }
  if (ways === 'one') return [up]
  return [up, { writer: new Writer(server, writeSize), reader: new Reader(client) }]
}
