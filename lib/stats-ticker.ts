/** Ticks while somebody listens; does not keep the process alive. */
export class StatsTicker {
  readonly #tick: () => boolean
  #timer: ReturnType<typeof setInterval> | undefined

  /** @param tick - whether to go on */
  constructor(tick: () => boolean) {
    this.#tick = tick
  }

  /** @param intervalMs - infinite: never ticks */
  start(intervalMs: number): void {
    if (this.#timer || !Number.isFinite(intervalMs)) return
    this.#timer = setInterval(() => {
      if (!this.#tick()) this.stop()
    }, intervalMs)
    this.#timer.unref?.()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
