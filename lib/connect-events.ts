// The events of a socket that is connecting: how its transport gets on.

import type { ConnectObserver } from './connect-options.ts'
import { runForeign } from './run-foreign.ts'

/** What is told of a socket and to it. */
export interface ConnectingSocket {
  readonly connecting: boolean
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  autoSelectFamilyAttemptedAddresses: string[]
  emit(event: string, ...args: unknown[]): boolean
}

/** Emits what it is told, until the socket is connected or given up: what comes later is about further links. */
export class ConnectEvents implements ConnectObserver {
  readonly #socket: ConnectingSocket
  readonly #attempted = new Set<string>()
  #ended = false

  constructor(socket: ConnectingSocket) {
    this.#socket = socket
  }

  lookup(error: Error | null, address: string | undefined, family: number | undefined, host: string): void {
    this.#emit('lookup', error, address, family, host)
  }

  connectionAttempt(address: string, port: number | undefined, family: number | undefined): void {
    if (port !== undefined && !this.#over) this.#attempted.add(`${address}:${port}`)
    if (this.#attempted.size > 1) this.#socket.autoSelectFamilyAttemptedAddresses = [...this.#attempted]
    this.#emit('connectionAttempt', address, port, family)
  }

  connectionAttemptFailed(address: string, port: number | undefined, family: number | undefined, error: Error): void {
    this.#emit('connectionAttemptFailed', address, port, family, error)
  }

  connectionAttemptTimeout(address: string, port: number | undefined, family: number | undefined): void {
    this.#emit('connectionAttemptTimeout', address, port, family)
  }

  /** The address that the socket is connected to comes last among those attempted, as in `net.Socket`. */
  connected(): void {
    const address = `${this.#socket.remoteAddress}:${this.#socket.remotePort}`
    if (this.#attempted.size > 1 && this.#attempted.delete(address)) {
      this.#socket.autoSelectFamilyAttemptedAddresses = [...this.#attempted, address]
    }
    this.end()
  }

  /** Nothing is emitted any more. */
  end(): void {
    this.#ended = true
  }

  get #over(): boolean {
    return this.#ended || !this.#socket.connecting
  }

  #emit(event: keyof ConnectObserver, ...args: unknown[]): void {
    if (!this.#over) runForeign(() => this.#socket.emit(event, ...args))
  }
}
