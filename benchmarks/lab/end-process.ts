// A process inside of the laboratory that says one thing a line.

import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Message } from './messages.ts'

export class EndProcess {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #name: string
  readonly #listeners = new Set<(message: Message) => void>()
  #errors = ''
  /** Resolves once it is gone and all it said has been heard; rejects if it failed. */
  readonly ended: Promise<void>

  constructor(child: ChildProcessWithoutNullStreams, name: string) {
    this.#child = child
    this.#name = name
    child.stdin.on('error', () => {})
    child.stderr.on('data', text => {
      this.#errors += text
    })
    const lines = createInterface({ input: child.stdout })
    lines.on('line', line => this.#hear(line))
    const allHeard = new Promise<void>(resolve => lines.once('close', () => resolve()))
    this.ended = new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        if (code === 0) void allHeard.then(resolve)
        else reject(new Error(`${name} ended with ${signal ?? `exit code ${code}`}: ${this.#errors.trim()}`))
      })
    })
    this.ended.catch(() => {})
  }

  /** Calls `listener` with everything that it says from now on; returns what stops that. */
  listen(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves once the process listens. */
  async listening(): Promise<void> {
    const listening = new Promise<void>(resolve => {
      const stop = this.listen(({ kind }) => {
        if (kind !== 'listening') return
        stop()
        resolve()
      })
    })
    const gone = this.ended.then(() => Promise.reject(new Error(`${this.#name} ended`)))
    await Promise.race([listening, gone])
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #hear(line: string): void {
    const message: Message = JSON.parse(line)
    for (const listener of [...this.#listeners]) listener(message)
  }
}
