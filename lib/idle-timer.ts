import { MAX_DURATION_MS } from './config.ts'
import { HawserError } from './errors.ts'

/** Fires when nothing has happened for a while, again and again; does not keep the process alive. */
export class IdleTimer {
  readonly #onIdle: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  /** `undefined` before the first `set`, as `net.Socket` has it. */
  timeoutMs: number | undefined

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle
  }

  /** @param timeoutMs - 0 stops it */
  set(timeoutMs: number): void {
    if (typeof timeoutMs !== 'number')
      throw new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', 'the timeout must be a number')
    if (!(timeoutMs >= 0) || timeoutMs === Number.POSITIVE_INFINITY) {
      throw new HawserError(
        'ERR_OUT_OF_RANGE',
        'invalid-argument',
        `the timeout must be a non-negative finite number, not ${timeoutMs}`,
      )
    }
    this.timeoutMs = Math.min(timeoutMs, MAX_DURATION_MS)
    this.#start()
  }

  /** Something happened: the time begins anew. */
  touch(): void {
    if (this.#timer) this.#timer.refresh()
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #start(): void {
    this.clear()
    if (!this.timeoutMs) return
    this.#timer = setTimeout(this.#onIdle, this.timeoutMs)
    this.#timer.unref?.()
  }
}
