// The event loops of simulated processes on virtual time: timers, input and immediates in the order in which Node runs
// them, each followed by its own ticks and promises. While a world runs, the globals that the library takes its timers
// from are those of this loop; what a task sets up belongs to the process of that task.

import { VirtualClock } from '../virtual-clock.ts'
import type { Side } from './plan.ts'

const real = { setImmediate: globalThis.setImmediate, globals: Object.getOwnPropertyDescriptors(globalThis) }
const GLOBALS = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate'] as const

/** Steps of one world beyond which it is taken to run for ever. */
const MOST_STEPS = 2_000_000

/** `elsewhere`: the world itself and strangers, which nothing ever blocks. */
export type ProcessName = Side | 'elsewhere'

type Run = () => void

interface Task {
  readonly process: Process
  readonly run: Run
}

class Process {
  readonly name: ProcessName
  /** Time until which nothing of it runs; long ago if it runs. */
  blockedUntilMs = 0
  blocked = false
  /** Due or arrived while it was blocked. */
  lateTimers: Run[] = []
  lateInput: Run[] = []
  /** Timers fire so much too late, until then. */
  timersLateMs = 0
  timersLateUntilMs = 0

  constructor(name: ProcessName) {
    this.name = name
  }
}

export class VirtualLoop {
  readonly clock: VirtualClock
  /** Timers that are set, whether they keep a process alive or not. */
  readonly timers = new Set<VirtualTimer>()
  /** Called after every task, once its ticks and promises are done. */
  afterTask: Run = () => {}
  /** Called when nothing more happens at a time, before the next one comes. */
  onQuiet: Run = () => {}
  steps = 0
  readonly #processes = { client: new Process('client'), server: new Process('server'), elsewhere: new Process('elsewhere') }
  /** Whose task runs, or ran last. */
  #running: Process = this.#processes.elsewhere
  #ready: Task[] = []
  #immediates: Task[] = []
  /** Whether a task ran that may have left ticks or promises. */
  #touched = false

  constructor(startMs: number) {
    this.clock = new VirtualClock(startMs)
  }

  get nowMs(): number {
    return this.clock.nowMs
  }

  /** The process whose code runs. */
  get running(): ProcessName {
    return this.#running.name
  }

  /** Time until which some process is blocked; long ago if none is. */
  get blockedUntilMs(): number {
    return Math.max(this.#processes.client.blockedUntilMs, this.#processes.server.blockedUntilMs)
  }

  /** When timers of the process fired as they should again, at the latest. */
  punctualSinceMs(name: ProcessName): number {
    const { blockedUntilMs, timersLateMs, timersLateUntilMs } = this.#processes[name]
    return Math.max(blockedUntilMs, timersLateUntilMs + timersLateMs)
  }

  /** Input for a process: runs soon or, while it is blocked, afterwards. */
  input(name: ProcessName, run: Run): void {
    this.#ready.push({ process: this.#processes[name], run })
  }

  /** Runs once everything of now is done. */
  immediate(run: Run): void {
    this.#immediates.push({ process: this.#running, run })
  }

  /** Runs at `timeMs`, as if from outside of all processes: nothing delays it. */
  outside(timeMs: number, run: Run): void {
    this.clock.at(timeMs, () => this.#run({ process: this.#processes.elsewhere, run }))
  }

  timer(run: Run, delayMs: number, repeats: boolean): VirtualTimer {
    const process = this.#running
    const timer = new VirtualTimer(this, due => this.#due(process, due), run, Math.max(1, Math.trunc(delayMs) || 1), repeats)
    timer.refresh()
    return timer
  }

  /** Nothing of the process runs for so long: a busy event loop, or a machine asleep. Timers come first afterwards. */
  block(name: ProcessName, durationMs: number): void {
    const process = this.#processes[name]
    const untilMs = this.clock.nowMs + durationMs
    if (untilMs <= process.blockedUntilMs) return
    process.blockedUntilMs = untilMs
    process.blocked = true
    this.clock.at(untilMs, () => {
      if (this.nowMs < process.blockedUntilMs) return
      process.blocked = false
      for (const run of [...process.lateTimers, ...process.lateInput]) this.#ready.push({ process, run })
      process.lateTimers = []
      process.lateInput = []
    })
  }

  /** Timers of the process that become due within `durationMs` fire `lateMs` later; input comes as ever. */
  delayTimers(name: ProcessName, lateMs: number, durationMs: number): void {
    const process = this.#processes[name]
    process.timersLateMs = lateMs
    process.timersLateUntilMs = this.clock.nowMs + durationMs
  }

  /** Runs everything up to and including `limitMs`, which is the time afterwards. Rejects with what a task threw. */
  run(limitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = () => {
        try {
          if (this.#touched) {
            this.#touched = false
            this.afterTask()
          }
          while (!this.#touched) {
            if (++this.steps > MOST_STEPS) throw new Error(`no end after ${MOST_STEPS} steps`)
            if (!this.#step(limitMs)) {
              this.clock.runUntil(limitMs)
              resolve()
              return
            }
          }
          real.setImmediate(turn)
        } catch (error) {
          reject(error)
        }
      }
      real.setImmediate(turn)
    })
  }

  #step(limitMs: number): boolean {
    const ready = this.#ready.shift()
    if (ready) {
      if (ready.process.blocked) ready.process.lateInput.push(ready.run)
      else this.#run(ready)
      return true
    }
    const { clock } = this
    const nextMs = clock.nextMs
    if (this.#immediates.length > 0 && (nextMs === undefined || nextMs > clock.nowMs)) {
      this.#ready = this.#immediates
      this.#immediates = []
      return true
    }
    if (nextMs !== undefined && nextMs > clock.nowMs) this.onQuiet()
    return clock.step(limitMs)
  }

  #due(process: Process, run: Run): void {
    if (process.blocked) process.lateTimers.push(run)
    else if (this.clock.nowMs < process.timersLateUntilMs) {
      this.clock.after(process.timersLateMs, () => {
        if (process.blocked) process.lateTimers.push(run)
        else this.#run({ process, run })
      })
    } else this.#run({ process, run })
  }

  #run({ process, run }: Task): void {
    this.#touched = true
    this.#running = process
    run()
  }

  /** Makes the globals those of this loop. */
  install(random: () => number): void {
    const set =
      (repeats: boolean) =>
      (run: (...args: unknown[]) => void, delayMs: number, ...args: unknown[]) =>
        this.timer(() => run(...args), delayMs, repeats)
    const clear = (timer: unknown) => {
      if (timer instanceof VirtualTimer) timer.clear()
    }
    Object.assign(globalThis, {
      setTimeout: set(false),
      setInterval: set(true),
      clearTimeout: clear,
      clearInterval: clear,
      setImmediate: (run: Run) => this.immediate(run),
    })
    performance.now = () => this.clock.nowMs
    Math.random = random
  }
}

const realRandom = Math.random

/** Makes the globals Node's own again. */
export function uninstall(): void {
  for (const name of GLOBALS) Object.defineProperty(globalThis, name, real.globals[name] as PropertyDescriptor)
  delete (performance as { now?: () => number }).now
  Math.random = realRandom
}

/** What `setTimeout` gives. */
class VirtualTimer {
  readonly #loop: VirtualLoop
  readonly #due: (run: Run) => void
  readonly #task: Run
  readonly #delayMs: number
  readonly #repeats: boolean
  /** Changes whenever the timer is set anew or cleared. */
  #generation = 0

  constructor(loop: VirtualLoop, due: (run: Run) => void, task: Run, delayMs: number, repeats: boolean) {
    this.#loop = loop
    this.#due = due
    this.#task = task
    this.#delayMs = delayMs
    this.#repeats = repeats
  }

  refresh(): this {
    const loop = this.#loop
    const generation = ++this.#generation
    loop.timers.add(this)
    loop.clock.after(this.#delayMs, () => {
      if (generation !== this.#generation) return
      this.#due(() => {
        if (generation !== this.#generation) return
        if (this.#repeats) this.refresh()
        else this.clear()
        this.#task()
      })
    })
    return this
  }

  clear(): void {
    this.#generation++
    this.#loop.timers.delete(this)
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}
