// One end of a stream that is measured: in this process, or in another one that is asked by messages.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { Reader, Writer } from './traffic.ts'

export interface EndState {
  /** Bytes, since the beginning. */
  readonly received: number
  /** Of the whole process, in microseconds. */
  readonly cpu: number
}

export interface End {
  start(): Promise<void>
  state(): Promise<EndState>
  /** @returns bytes written in all */
  stop(): Promise<number>
  /** Resolves when exactly so many bytes have arrived since the beginning. */
  expect(bytes: number): Promise<void>
}

export class LocalEnd implements End {
  readonly #writer: Writer | undefined
  readonly #reader: Reader

  /** @param writeSize - 0: it only receives */
  constructor(socket: Duplex, writeSize: number) {
    this.#reader = new Reader(socket)
    this.#writer = writeSize > 0 ? new Writer(socket, writeSize) : undefined
  }

  async start(): Promise<void> {
    this.#writer?.start()
  }

  async state(): Promise<EndState> {
    const { user, system } = process.cpuUsage()
    return { received: this.#reader.received, cpu: user + system }
  }

  async stop(): Promise<number> {
    return this.#writer?.stop() ?? 0
  }

  expect(bytes: number): Promise<void> {
    return this.#reader.expect(bytes)
  }
}

/** Calls go out one at a time. */
export class RemoteEnd implements End {
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    this.#child = child
  }

  start = (): Promise<void> => this.#call('start')
  state = (): Promise<EndState> => this.#call('state')
  stop = (): Promise<number> => this.#call('stop')
  expect = (bytes: number): Promise<void> => this.#call('expect', bytes)

  async #call<Value>(method: keyof End, parameter?: number): Promise<Value> {
    const answered = once(this.#child, 'message')
    this.#child.send({ method, parameter })
    const [{ value }] = (await answered) as [{ value: Value }]
    return value
  }
}

/** Answers the calls of a {@link RemoteEnd} in the parent process. */
export function serveEnd(end: End): void {
  process.on('message', async ({ method, parameter }: { method: keyof End; parameter: number }) => {
    process.send?.({ value: await end[method](parameter) })
  })
}
