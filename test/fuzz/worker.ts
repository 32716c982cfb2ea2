// The thread that fuzzes one target for a while. What it finds it posts; the main thread watches it.

import { parentPort, workerData } from 'node:worker_threads'
import { Coverage } from './coverage.ts'
import { Fuzzer } from './fuzzer.ts'
import { regressionsOf } from './regressions.ts'
import { SharedInput } from './shared-input.ts'
import { targetNamed } from './targets.ts'
import { threadCpuMs } from './thread-cpu.ts'

export interface FuzzTask {
  readonly target: string
  readonly seed: number
  /** How long to go on; ms. */
  readonly durationMs: number
  readonly sharedInput: SharedArrayBuffer
}

export type WorkerReport =
  | {
      readonly kind: 'crash'
      readonly input: Uint8Array
      readonly signature: string
      /** Stack of the error. */
      readonly error: string
    }
  | {
      readonly kind: 'progress' | 'done'
      readonly runs: number
      readonly elapsedMs: number
      /** CPU time of it, where that is known. */
      readonly cpuMs: number | undefined
      readonly corpus: number
      readonly coverage: number
    }

const PROGRESS_MS = 10_000

const task = workerData as FuzzTask
const target = targetNamed(task.target)
const coverage = new Coverage()
const report = (message: WorkerReport) => parentPort?.postMessage(message)
const fuzzer = new Fuzzer({
  target,
  coverage,
  seed: task.seed,
  starting: new SharedInput(task.sharedInput).set,
  crashed: ({ input, error, signature }) => report({ kind: 'crash', input, signature, error: `${error.stack ?? error.message}` }),
})
process.on('uncaughtException', fuzzer.uncaught)
process.on('unhandledRejection', fuzzer.uncaught)

await fuzzer.addSeeds([...target.seeds, ...regressionsOf(target.name).map(({ input }) => input)])
const startMs = performance.now()
const startCpuMs = threadCpuMs()
const firstRuns = fuzzer.runs
const tell = (kind: 'progress' | 'done') => {
  const cpuMs = threadCpuMs()
  report({
    kind,
    runs: fuzzer.runs - firstRuns,
    elapsedMs: performance.now() - startMs,
    cpuMs: cpuMs === undefined || startCpuMs === undefined ? undefined : cpuMs - startCpuMs,
    corpus: fuzzer.corpus.length,
    coverage: coverage.size,
  })
}
let toldMs = startMs
while (performance.now() - startMs < task.durationMs) {
  await fuzzer.batch()
  // What was rejected or posted comes to its turn.
  await new Promise(resolve => setImmediate(resolve))
  if (performance.now() - toldMs < PROGRESS_MS) continue
  toldMs = performance.now()
  tell('progress')
}
tell('done')
coverage.close()
