// Links to a Unix socket, or to a pipe on Windows.

import { connect, type Socket } from 'node:net'
import { abortError } from './abort-signal.ts'
import type { ConnectObserver } from './connect-options.ts'
import { printable } from './printable.ts'
import type { ConnectTransport, LinkTag } from './transports/transport.ts'

/** A single link, made again when it is lost. */
export class PathConnector implements ConnectTransport {
  readonly name = 'path'
  readonly #path: string
  readonly #observer: ConnectObserver

  constructor(path: string, observer: ConnectObserver) {
    this.#path = path
    this.#observer = observer
  }

  async *tags(): AsyncGenerator<readonly LinkTag[], void, void> {
    const path = this.#path
    yield [{ transport: 'path', direction: 'outgoing', key: `path ${path}`, toString: () => `-> ${printable(path)}` }]
  }

  /** A listener for `error` stays on the socket, so it never throws by itself. */
  connect(_tag: LinkTag, signal: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      this.#observer.connectionAttempt(this.#path, undefined, undefined)
      const socket = connect(this.#path)
      const onAbort = () => socket.destroy(abortError(signal))
      signal.addEventListener('abort', onAbort, { once: true })
      socket.on('error', error => {
        if (socket.connecting && !signal.aborted) {
          this.#observer.connectionAttemptFailed(this.#path, undefined, undefined, error)
        }
        reject(error)
      })
      socket.once('connect', () => resolve(socket))
      socket.once('connect', () => signal.removeEventListener('abort', onAbort))
      socket.once('close', () => signal.removeEventListener('abort', onAbort))
      if (signal.aborted) onAbort()
    })
  }
}
