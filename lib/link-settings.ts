import type { Duplex } from '#platform/stream'
import { checkInteger } from './argument-checks.ts'

/** What the newest `net.Socket` takes for `setKeepAlive` instead of single arguments; times in milliseconds. */
export interface KeepAliveOptions {
  /** @defaultValue false */
  enable?: boolean | undefined
  /** Before the first probe of an idle link. @defaultValue 0: as the system has it */
  initialDelay?: number | undefined
  /** Between probes, where Node has it. @defaultValue 1,000 */
  interval?: number | undefined
  /** Probes without an answer after which the link is lost, where Node has it. @defaultValue 10 */
  count?: number | undefined
}

type KeepAliveArguments = readonly [enable: boolean, initialDelayMs: number, intervalMs?: number, count?: number]

/** What the application set of the options of TCP sockets; every link gets it that knows it, now and later. */
export class LinkSettings {
  #noDelay: boolean | undefined
  #keepAlive: KeepAliveArguments | undefined
  #typeOfService: number | undefined

  setNoDelay(noDelay: boolean): void {
    this.#noDelay = noDelay
  }

  setKeepAlive({ enable, initialDelay = 0, interval, count }: KeepAliveOptions): void {
    const probing = interval === undefined && count === undefined ? [] : [interval, count]
    this.#keepAlive = [Boolean(enable), Math.max(0, initialDelay), ...probing] as unknown as KeepAliveArguments
  }

  /** 0 as long as none is set. */
  get typeOfService(): number {
    return this.#typeOfService ?? 0
  }

  /** @throws {HawserError} `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE` */
  setTypeOfService(typeOfService: number): void {
    checkInteger(typeOfService, 'tos', 0, 255)
    this.#typeOfService = typeOfService
  }

  apply(stream: Duplex): void {
    const socket = stream as {
      setNoDelay?: (noDelay: boolean) => void
      setKeepAlive?: (...settings: KeepAliveArguments) => void
      setTypeOfService?: (typeOfService: number) => void
    }
    const { typeOfService } = this
    attempt(() => this.#noDelay !== undefined && socket.setNoDelay?.(this.#noDelay))
    attempt(() => this.#keepAlive && socket.setKeepAlive?.(...this.#keepAlive))
    attempt(() => this.#typeOfService !== undefined && socket.setTypeOfService?.(typeOfService))
  }
}

/** Settings make a link better; one that does not take one of them is no worse than one that has no such options. */
function attempt(set: () => unknown): void {
  try {
    set()
  } catch {}
}
