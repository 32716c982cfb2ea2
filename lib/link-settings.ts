import type { Duplex } from '#platform/stream'

/** Socket options that the application set; every link gets them that knows them, now and later. */
export class LinkSettings {
  #noDelay: boolean | undefined
  #keepAlive: readonly [enable: boolean, initialDelayMs: number] | undefined

  setNoDelay(noDelay: boolean): void {
    this.#noDelay = noDelay
  }

  setKeepAlive(enable: boolean, initialDelayMs = 0): void {
    this.#keepAlive = [enable, initialDelayMs]
  }

  apply(stream: Duplex): void {
    const socket = stream as {
      setNoDelay?: (noDelay: boolean) => void
      setKeepAlive?: (enable: boolean, initialDelayMs: number) => void
    }
    if (this.#noDelay !== undefined) socket.setNoDelay?.(this.#noDelay)
    if (this.#keepAlive) socket.setKeepAlive?.(...this.#keepAlive)
  }
}
