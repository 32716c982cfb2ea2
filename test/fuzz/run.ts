// Fuzzes the targets, each in a thread of its own, two at a time.
//
//   npm run fuzz -- [target ...] [--seconds 60] [--seed N]
//   npm run fuzz -- <target> --replay <file>
//
// An input that fails is made small and written to `test/fuzz/regressions/<target>`, where `npm test` runs it from then
// on. The last line is `N passed, N failed`: targets.

import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { readInput, saveRegression } from './regressions.ts'
import { SharedInput } from './shared-input.ts'
import type { FuzzTarget } from './target.ts'
import { targetNamed, targets } from './targets.ts'
import type { FuzzTask, WorkerReport } from './worker.ts'

const PARALLEL = 2
/** One input that takes longer never ends. */
const HANG_MS = 60_000
const HEAP_MIB = 512

const { values: options, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' }, replay: { type: 'string' } },
  allowPositionals: true,
})

/** Fuzzes one target; the number of kinds of failures. */
function fuzz(target: FuzzTarget, seed: number, durationMs: number): Promise<number> {
  return new Promise(resolve => {
    const { name } = target
    const sharedInput = SharedInput.create(target.bytesMax)
    const workerData: FuzzTask = { target: name, seed, durationMs, sharedInput: sharedInput.memory }
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    })
    let failures = 0
    let done = false
    const failed = (input: Uint8Array, what: string, detail: string) => {
      failures++
      const path = saveRegression(name, input, what)
      console.log(`${name}: FAILED ${what}\n${detail}\n  replay: npm run fuzz -- ${name} --replay ${path}`)
    }

    let lastCount = -1
    let lastMs = performance.now()
    const watchdog = setInterval(() => {
      const { count } = sharedInput
      if (count !== lastCount) {
        lastCount = count
        lastMs = performance.now()
      } else if (performance.now() - lastMs > HANG_MS) {
        done = true
        failed(sharedInput.current, `no end after ${HANG_MS / 1_000} s`, '')
        worker.terminate()
      }
    }, 1_000)

    worker.on('message', (message: WorkerReport) => {
      if (message.kind === 'crash') failed(message.input, message.signature, message.error)
      else {
        done ||= message.kind === 'done'
        tell(target, message, failures)
      }
    })
    worker.on('error', error => {
      done = true
      failed(sharedInput.current, `${error.name}: ${error.message}`, error.stack ?? '')
    })
    worker.on('exit', code => {
      clearInterval(watchdog)
      if (!done) failed(sharedInput.current, `the thread ended by itself, exit code ${code}`, '')
      resolve(failures)
    })
  })
}

function tell({ name, rateWanted }: FuzzTarget, report: Extract<WorkerReport, { kind: 'progress' | 'done' }>, failures: number) {
  const { kind, runs, elapsedMs, cpuMs, corpus, coverage } = report
  const rate = Math.round((runs * 1_000) / elapsedMs)
  const cpuRate = cpuMs === undefined ? rate : Math.round((runs * 1_000) / cpuMs)
  const state = kind === 'done' ? (failures > 0 ? `done, ${failures} failed` : 'done') : 'at'
  const seconds = Math.round(elapsedMs / 1_000)
  console.log(
    `${name}: ${state} ${seconds} s, ${runs} inputs, ${rate} a second, ${cpuRate} a second of CPU, corpus ${corpus}, coverage ${coverage}`,
  )
  if (kind === 'done' && rateWanted !== undefined && cpuRate < rateWanted) {
    console.log(`${name}: WARNING fewer than ${rateWanted} inputs a second`)
  }
}

async function replay(target: FuzzTarget, path: string): Promise<boolean> {
  try {
    await target.run(readInput(path), () => {})
    await new Promise(resolve => setImmediate(resolve))
  } catch (error) {
    console.log(error)
    return false
  }
  return true
}

async function fuzzAll(wanted: readonly FuzzTarget[], seed: number, durationMs: number): Promise<number> {
  console.log(`seed ${seed}`)
  const waiting = [...wanted]
  let failedTargets = 0
  const lane = async () => {
    for (let target = waiting.shift(); target; target = waiting.shift()) {
      if ((await fuzz(target, seed, durationMs)) > 0) failedTargets++
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, lane))
  return failedTargets
}

function positive(text: string, name: string): number {
  const number = Number(text)
  if (!Number.isFinite(number) || number <= 0) throw new RangeError(`--${name} must be a number above 0, not ${text}`)
  return number
}

const wanted = positionals.length > 0 ? positionals.map(targetNamed) : targets
let failed: number
if (options.replay === undefined) {
  const seed = options.seed === undefined ? Date.now() % 2 ** 32 : Math.floor(positive(options.seed, 'seed'))
  failed = await fuzzAll(wanted, seed, positive(options.seconds, 'seconds') * 1_000)
} else {
  if (wanted.length !== 1) throw new RangeError('--replay needs the name of one target')
  failed = (await replay(wanted[0] as FuzzTarget, options.replay)) ? 0 : 1
}
console.log(`${wanted.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
