// What a process of this suite can be asked to measure, and how it is started.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Figure } from '../case.ts'
import type { PingPongTask } from './ping-pong.ts'
import type { ThroughputTask } from './throughput.ts'

export type Task = ThroughputTask | PingPongTask

const RUN_LIMIT_MS = 120_000

/** Measures in a process of its own. */
export async function runTask(task: Task): Promise<Figure[]> {
  const script = fileURLToPath(new URL('./measure.js', import.meta.url))
  const parameters = ['--expose-gc', script, JSON.stringify(task)]
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { timeout: RUN_LIMIT_MS })
  return JSON.parse(stdout)
}
