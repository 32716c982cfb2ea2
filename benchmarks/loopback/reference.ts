// The speed test of the reference, between two processes over the same loopback addresses. It counts what its own buffers
// took, not what arrived, and checks what it receives.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { type Figure, Unavailable } from '../case.ts'
import { portOf } from './pair.ts'

const START_LIMIT_MS = 10_000
const RUN_LIMIT_MS = 60_000
/** It says MB for 1,048,576 bytes. Its report in JSON gives the speed of sending in both fields. */
const UNITS: Record<string, number> = { 'B/s': 1, 'KB/s': 1_024, 'MB/s': 1_048_576, 'GB/s': 1_073_741_824 }

export async function measureReference(links: number, direction: 'up' | 'down', seconds: number): Promise<Figure[]> {
  const tool = findTool()
  const [port, webSocketPort] = [await freePort(), await freePort()]
  const server = spawn(tool, ['server', '-n', '--tcp', `${port}`, '--websocket', `${webSocketPort}`], { stdio: 'ignore' })
  try {
    await listening(port)
    const targets = Array.from({ length: links }, (_, index) => ['--tcp', `127.0.0.${index + 1}:${port}`]).flat()
    const only = direction === 'up' ? '--send-only' : '--recv-only'
    const parameters = ['client', '-n', '--time', `${seconds}`, only, '--tcp-link-filter', 'none', ...targets]
    const client = spawn(tool, parameters, { stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_LIMIT_MS })
    let output = ''
    client.stdout.on('data', chunk => (output += chunk))
    client.stderr.on('data', chunk => (output += chunk))
    await once(client, 'close')
    return [{ what: 'speed', unit: 'MB/s', value: speedIn(output, direction) / 1e6 }]
  } finally {
    server.kill()
  }
}

/** @throws {Unavailable} it was not built */
function findTool(): string {
  const script = fileURLToPath(new URL('../../../test/interop/build.mjs', import.meta.url))
  const build = (...options: string[]): string =>
    execFileSync(process.execPath, [script, ...options], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    build('--check')
  } catch {
    throw new Unavailable('the tools of the reference are not installed; test/interop/run.sh builds them')
  }
  const line = build()
    .split('\n')
    .find(line => line.startsWith('agg-speed '))
  if (line === undefined) throw new Unavailable('test/interop/build.mjs knows no agg-speed')
  return line.slice('agg-speed '.length)
}

/** Bytes a second. */
export function speedIn(output: string, direction: 'up' | 'down'): number {
  const text = stripVTControlCharacters(output)
  if (text.includes('malformed')) throw new Error(`agg-speed received wrong data: ${text.trim()}`)
  const name = direction === 'up' ? 'Upstream' : 'Downstream'
  const [, number, unit] = new RegExp(`${name}: +([\\d.]+) +(\\S+)`).exec(text) ?? []
  const scale = UNITS[unit ?? '']
  if (number === undefined || scale === undefined) throw new Error(`agg-speed tells no speed: ${text.trim()}`)
  return Number(number) * scale
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return port
}

async function listening(port: number): Promise<void> {
  const limitMs = performance.now() + START_LIMIT_MS
  for (;;) {
    const probe = connect(port, '127.0.0.1')
    const event = await Promise.race([once(probe, 'connect').then(() => true), sleep(1_000, false)]).catch(() => false)
    probe.destroy()
    if (event) return
    if (performance.now() > limitMs) throw new Error('the agg-speed server does not listen')
    await sleep(50)
  }
}
