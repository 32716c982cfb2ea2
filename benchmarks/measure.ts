// The process of one configuration: takes it as JSON in its argument, prints the result as JSON.

import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import type { Duplex } from 'node:stream'
import type { Configuration, PingPongResult, Result, ThroughputResult } from './configurations.ts'
import { openPair, type Pair } from './pair.ts'
import { checkPattern, patternAt } from './pattern.ts'
import { quantile } from './report.ts'

const WRITE_SIZE = 65_536
const WARM_UP_BYTES = 64 * 1024 * 1024
const TRANSFER_BYTES = 256 * 1024 * 1024
const MESSAGE_SIZE = 100
const WARM_UP_MESSAGES = 1_000
const MESSAGES = 5_000

const { measure, links }: Configuration = JSON.parse(process.argv[2] ?? '{}')
const pair = await openPair(links)
const result: Result = measure === 'throughput' ? await measureThroughput(pair) : await measurePingPong(pair)
pair.close()
console.log(JSON.stringify(result))

async function measureThroughput({ client, server }: Pair): Promise<ThroughputResult> {
  await transfer(client, server, 0, WARM_UP_BYTES)
  const cpuBefore = process.cpuUsage()
  const startMs = performance.now()
  await transfer(client, server, WARM_UP_BYTES, TRANSFER_BYTES)
  const elapsedMs = performance.now() - startMs
  const cpu = process.cpuUsage(cpuBefore)
  return {
    measure: 'throughput',
    megabytesPerSecond: TRANSFER_BYTES / elapsedMs / 1_000,
    cpuSecondsPerGigabyte: (cpu.user + cpu.system) / (TRANSFER_BYTES / 1_000),
  }
}

/** Carries `length` bytes of the pattern from `position` on; resolves when the last of them has arrived and is right. */
async function transfer(from: Duplex, to: Duplex, position: number, length: number): Promise<void> {
  const end = position + length
  const arrived = new Promise<void>(resolve => {
    let checked = position
    const check = (bytes: Buffer): void => {
      checkPattern(bytes, checked)
      checked += bytes.length
      if (checked < end) return
      to.off('data', check)
      resolve()
    }
    to.on('data', check)
  })
  for (let written = position; written < end; written += WRITE_SIZE) {
    if (!from.write(patternAt(written, WRITE_SIZE))) await once(from, 'drain')
  }
  await arrived
}

async function measurePingPong({ client, server }: Pair): Promise<PingPongResult> {
  server.on('data', bytes => server.write(bytes))
  await roundTrips(client, WARM_UP_MESSAGES)
  const sortedMs = (await roundTrips(client, MESSAGES)).sort((a, b) => a - b)
  return { measure: 'ping-pong', p50: quantile(sortedMs, 0.5) * 1_000, p99: quantile(sortedMs, 0.99) * 1_000 }
}

/** Times of `count` messages, each sent when the one before is back. */
function roundTrips(socket: Duplex, count: number): Promise<number[]> {
  return new Promise(resolve => {
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
    send()
  })
}
