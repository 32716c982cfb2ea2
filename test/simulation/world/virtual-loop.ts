// An event loop on virtual time: timers, input and immediates in the order in which Node runs them, each followed by its
// own ticks and promises. While it runs, the globals that the library takes its timers from are those of this loop.

import { VirtualClock } from '../virtual-clock.ts'

const real = { setImmediate: globalThis.setImmediate, globals: Object.getOwnPropertyDescriptors(globalThis) }
const GLOBALS = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate'] as const

/** Steps of one world beyond which it is taken to run for ever. */
const MOST_STEPS = 2_000_000

type Task = () => void

export class VirtualLoop {
  readonly clock: VirtualClock
  /** Timers that are set and keep a process alive or not. */
  readonly timers = new Set<VirtualTimer>()
  /** Called after every task, once its ticks and promises are done. */
  afterTask: Task = () => {}
  steps = 0
  #ready: Task[] = []
  #immediates: Task[] = []
  /** Due or arrived while the loop was blocked. */
  #lateTimers: Task[] = []
  #lateInput: Task[] = []
  #blockedUntilMs = 0
  /** Whether a task ran that may have left ticks or promises. */
  #touched = false

  constructor(startMs: number) {
    this.clock = new VirtualClock(startMs)
  }

  get nowMs(): number {
    return this.clock.nowMs
  }

  /** Time until which nothing of the process runs; long ago if it runs. */
  get blockedUntilMs(): number {
    return this.#blockedUntilMs
  }

  get blocked(): boolean {
    return this.clock.nowMs < this.#blockedUntilMs
  }

  /** Input for the process, now or, while the loop is blocked, afterwards. */
  input(task: Task): void {
    if (this.blocked) this.#lateInput.push(task)
    else this.#run(task)
  }

  /** Runs once everything of now is done. */
  immediate(task: Task): void {
    this.#immediates.push(task)
  }

  /** Runs at `timeMs`, as if from outside the process: nothing of the process delays it. */
  outside(timeMs: number, task: Task): void {
    this.clock.at(timeMs, () => this.#run(task))
  }

  timer(task: Task, delayMs: number, repeats: boolean): VirtualTimer {
    const timer = new VirtualTimer(this, task, Math.max(1, Math.trunc(delayMs) || 1), repeats)
    timer.refresh()
    return timer
  }

  /** A timer is due. */
  due(task: Task): void {
    if (this.blocked) this.#lateTimers.push(task)
    else this.#run(task)
  }

  /** Nothing of the process runs for so long: a busy event loop, or a machine asleep. Timers come first afterwards. */
  block(durationMs: number): void {
    const untilMs = this.clock.nowMs + durationMs
    if (untilMs <= this.#blockedUntilMs) return
    this.#blockedUntilMs = untilMs
    this.clock.at(untilMs, () => {
      if (this.blocked) return
      this.#ready.push(...this.#lateTimers, ...this.#lateInput)
      this.#lateTimers = []
      this.#lateInput = []
    })
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
      this.#run(ready)
      return true
    }
    const { clock } = this
    const nextMs = clock.nextMs
    if (this.#immediates.length > 0 && !this.blocked && (nextMs === undefined || nextMs > clock.nowMs)) {
      this.#ready = this.#immediates
      this.#immediates = []
      return true
    }
    return clock.step(limitMs)
  }

  #run(task: Task): void {
    this.#touched = true
    task()
  }

  /** Makes the globals those of this loop. */
  install(random: () => number): void {
    const set =
      (repeats: boolean) =>
      (task: (...args: unknown[]) => void, delayMs: number, ...args: unknown[]) =>
        this.timer(() => task(...args), delayMs, repeats)
    const clear = (timer: unknown) => {
      if (timer instanceof VirtualTimer) timer.clear()
    }
    Object.assign(globalThis, {
      setTimeout: set(false),
      setInterval: set(true),
      clearTimeout: clear,
      clearInterval: clear,
      setImmediate: (task: Task) => this.immediate(task),
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
  readonly #task: Task
  readonly #delayMs: number
  readonly #repeats: boolean
  /** Changes whenever the timer is set anew or cleared. */
  #generation = 0

  constructor(loop: VirtualLoop, task: Task, delayMs: number, repeats: boolean) {
    this.#loop = loop
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
      loop.due(() => {
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
