import { MAX_DURATION_MS } from './config.ts'
import { HawserError } from './errors.ts'

/** Fires once for each time that nothing has happened for a while; does not keep the process alive. */
export class IdleTimer {
  readonly #onIdle: () => void
  readonly #waitingBytes: () => number
  #timer: ReturnType<typeof setTimeout> | undefined
  #waitingBefore = 0
  #timeoutMs: number | undefined

  /** @param waitingBytes - of a long write under way; it gets on while they get fewer */
  constructor(onIdle: () => void, waitingBytes: () => number) {
    this.#onIdle = onIdle
    this.#waitingBytes = waitingBytes
  }

  /** `undefined` before the first `set`, as `net.Socket` has it. */
  get timeoutMs(): number | undefined {
    return this.#timeoutMs
  }

  /** @param timeoutMs - 0 stops it */
  set(timeoutMs: number): void {
    if (typeof timeoutMs !== 'number') {
      throw new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', 'The "msecs" argument must be of type number')
    }
    if (!(timeoutMs >= 0 && timeoutMs < Number.POSITIVE_INFINITY)) {
      const text = `The value of "msecs" is out of range. It must be a non-negative finite number. Received ${timeoutMs}`
      throw new HawserError('ERR_OUT_OF_RANGE', 'invalid-argument', text)
    }
    this.#timeoutMs = Math.min(timeoutMs, MAX_DURATION_MS)
    this.stop()
    if (timeoutMs === 0) return
    this.#timer = setTimeout(this.#onTimer, this.#timeoutMs)
    this.#timer.unref?.()
  }

  /** Something happened: the time begins anew. */
  touch(): void {
    this.#timer?.refresh()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  readonly #onTimer = (): void => {
    const waiting = this.#waitingBytes()
    const before = this.#waitingBefore
    this.#waitingBefore = waiting
    if (waiting > 0 && waiting !== before) this.touch()
    else this.#onIdle()
  }
}
