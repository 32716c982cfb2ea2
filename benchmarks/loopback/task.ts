// What a process of this suite can be asked to measure, and how it is started.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Figure, Unavailable } from '../case.ts'
import type { ConnectionsTask } from './connections.ts'
import { filesFor, type MemoryTask } from './memory.ts'
import type { PingPongTask } from './ping-pong.ts'
import type { RedundantTask } from './redundant.ts'
import type { SlowReaderTask } from './slow-reader.ts'
import type { ThroughputTask } from './throughput.ts'
import type { ApartTask } from './throughput-apart.ts'

export type Task = ThroughputTask | ApartTask | PingPongTask | ConnectionsTask | MemoryTask | SlowReaderTask | RedundantTask

export type Outcome = { readonly figures: Figure[] } | { readonly unavailable: string }

const RUN_LIMIT_MS = 120_000
const run = promisify(execFile)

/** Measures in a process of its own. */
export async function runTask(task: Task): Promise<Figure[]> {
  const script = fileURLToPath(new URL('./measure.js', import.meta.url))
  const command = [process.execPath, '--expose-gc', script, JSON.stringify(task)]
  const files = task.measure === 'memory' ? filesFor(task) : 0
  const limited = files > 0 ? ['sh', '-c', `${await raisingLimit(files)}exec "$@"`, 'sh', ...command] : command
  const [program = '', ...parameters] = limited
  const { stdout } = await run(program, parameters, { timeout: RUN_LIMIT_MS })
  const outcome: Outcome = JSON.parse(stdout)
  if ('unavailable' in outcome) throw new Unavailable(outcome.unavailable)
  return outcome.figures
}

/** Shell text that lets a process have so many files open. */
async function raisingLimit(files: number): Promise<string> {
  const { stdout } = await run('sh', ['-c', 'ulimit -Hn'])
  if (stdout.trim() === 'unlimited' || Number(stdout) >= files) return ''
  const raise = `ulimit -n ${files}`
  try {
    await run('sh', ['-c', raise])
  } catch {
    throw new Unavailable(`needs ${files} open files, more than this user may have (ulimit -Hn)`)
  }
  return `${raise} && `
}
