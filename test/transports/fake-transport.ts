// A transport for tests: its tags and the outcome of every attempt are decided from outside.

import { PassThrough } from 'node:stream'
import type { Duplex } from '#platform/stream'
import type { ConnectTransport, LinkTag } from '../../lib/transports/transport.ts'

export class FakeTag implements LinkTag {
  readonly transport = 'fake'
  readonly direction = 'outgoing'
  readonly key: string

  constructor(key: string) {
    this.key = key
  }

  toString(): string {
    return `FAKE ${this.key}`
  }
}

/** What becomes of an attempt: an error to fail with, nothing to succeed, 'never' to hang and ignore its signal. */
export type Outcome = Error | 'never' | undefined

export class FakeTransport implements ConnectTransport {
  readonly name = 'fake'
  /** Decides each attempt; by default all succeed. */
  outcome: (key: string) => Outcome = () => undefined
  /** Keys of all attempts so far, oldest first. */
  readonly attempts: string[] = []
  readonly streams: Duplex[] = []
  readonly signals: AbortSignal[] = []
  /** Times that `tags` was called. */
  listings = 0
  /** Lets an attempt that hangs succeed after all. */
  readonly release: (() => void)[] = []
  #pending: (readonly string[] | Error)[]
  #wake = () => {}

  constructor(...keys: string[]) {
    this.#pending = keys.length > 0 ? [keys] : []
  }

  /** The tags are these from now on; an error ends the listing with it. */
  list(keys: readonly string[] | Error): void {
    this.#pending.push(keys)
    this.#wake()
  }

  async *tags(signal: AbortSignal): AsyncGenerator<readonly LinkTag[]> {
    this.listings += 1
    while (!signal.aborted) {
      const next = this.#pending.shift()
      if (next instanceof Error) throw next
      if (next) yield next.map(key => new FakeTag(key))
      else await this.#change(signal)
    }
  }

  async connect(tag: LinkTag, signal: AbortSignal): Promise<Duplex> {
    this.attempts.push(tag.key)
    this.signals.push(signal)
    const outcome = this.outcome(tag.key)
    if (outcome instanceof Error) throw outcome
    const stream = new PassThrough()
    this.streams.push(stream)
    if (outcome === 'never') await new Promise<void>(resolve => this.release.push(resolve))
    return stream
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        signal.removeEventListener('abort', wake)
        this.#wake = () => {}
        resolve()
      }
      this.#wake = wake
      signal.addEventListener('abort', wake)
    })
  }
}
