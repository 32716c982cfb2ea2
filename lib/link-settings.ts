import type { Duplex } from '#platform/stream'

/** What the application set of the options of TCP sockets; every link gets it that knows it, now and later. */
export class LinkSettings {
  #noDelay: boolean | undefined
  #keepAlive: readonly [enable: boolean, initialDelayMs: number] | undefined

  setNoDelay(noDelay: boolean): void {
    this.#noDelay = noDelay
  }

  setKeepAlive(enable: boolean, initialDelayMs: number): void {
    this.#keepAlive = [enable, initialDelayMs]
  }

  apply(stream: Duplex): void {
    const socket = stream as {
      setNoDelay?: (noDelay: boolean) => void
      setKeepAlive?: (enable: boolean, initialDelayMs: number) => void
    }
    try {
      if (this.#noDelay !== undefined) socket.setNoDelay?.(this.#noDelay)
      if (this.#keepAlive) socket.setKeepAlive?.(...this.#keepAlive)
    } catch {
      // They make a link better; one that does not take them is no worse than one that has no such options.
    }
  }
}
