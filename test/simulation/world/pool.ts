// Runs worlds in processes of their own, one per core: a world has the globals of its process for itself.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Of one world; the plan is drawn from the seed unless it is given. */
export interface Job {
  readonly seed: number
  readonly plan?: string | undefined
  /** Looks for a smaller plan that fails the same way, instead. */
  readonly shrinks?: boolean
}

export interface WorldReport {
  readonly failure: string | undefined
  readonly traceHash: number
  /** Counters, see `Outcome`. */
  readonly faults: readonly (readonly [string, number])[]
  readonly steps: number
  readonly virtualMs: number
  readonly bytes: number
  readonly mostMemory: number
  readonly cpuMs: number
}

type Answer =
  | { readonly kind: 'ran'; readonly report: WorldReport }
  | { readonly kind: 'shrunk'; readonly plan: string }
  /** The process came to its end, or is of no use any more. */
  | { readonly kind: 'died'; readonly why: string }

/** A world that takes longer than this hangs, however busy the machine is; shrinking runs hundreds of them. */
const LONGEST_RUN_MS = 120_000
const LONGEST_SHRINK_MS = 600_000
const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))

/**
 * Runs every job of `jobs`, which is asked for the next one whenever a process is free.
 *
 * @param onReport - in the order in which the worlds end
 */
export async function runJobs(
  jobs: Iterator<Job>,
  processes: number,
  onReport: (job: Job, report: WorldReport | { readonly failure: string }) => void,
): Promise<void> {
  await Promise.all(
    Array.from({ length: processes }, async () => {
      let worker = new Worker()
      for (let next = jobs.next(); !next.done; next = jobs.next()) {
        const answer = await worker.ask(next.value)
        if (answer.kind === 'ran') onReport(next.value, answer.report)
        else {
          onReport(next.value, { failure: answer.kind === 'died' ? answer.why : 'no report' })
          worker = new Worker()
        }
      }
      worker.end()
    }),
  )
}

/** A smaller plan that fails the same way; `undefined` if the search itself failed. */
export async function shrinkInProcess(job: Job): Promise<string | undefined> {
  const worker = new Worker()
  const answer = await worker.ask({ ...job, shrinks: true })
  worker.end()
  return answer.kind === 'shrunk' ? answer.plan : undefined
}

class Worker {
  readonly #process: ChildProcess

  constructor() {
    this.#process = fork(WORKER, { execArgv: ['--enable-source-maps'] })
  }

  ask(job: Job): Promise<Answer> {
    const child = this.#process
    return new Promise(resolve => {
      const answered = (answer: Answer) => {
        clearTimeout(timer)
        child.removeAllListeners()
        resolve(answer)
      }
      const longestMs = job.shrinks ? LONGEST_SHRINK_MS : LONGEST_RUN_MS
      const timer = setTimeout(() => {
        answered({ kind: 'died', why: `still running after ${longestMs / 1_000} s` })
        child.kill('SIGKILL')
      }, longestMs)
      child.once('message', message => answered(message as Answer))
      child.once('exit', (code, signal) => answered({ kind: 'died', why: `the process ended with ${signal ?? code}` }))
      child.send(job)
    })
  }

  end(): void {
    this.#process.kill()
  }
}
