// A process that takes part in a soak.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Report } from './outcome.ts'

export class Member {
  readonly name: string
  readonly #process: ChildProcess
  readonly #closed: Promise<unknown>
  #stderr = ''
  #killed = false

  constructor(name: string, child: ChildProcess, onReport: (report: Report) => void) {
    this.name = name
    this.#process = child
    this.#closed = once(child, 'close')
    child.stdin?.on('error', () => {}) // it is gone already
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4_000)
    })
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => onReport(JSON.parse(line) as Report))
    killAtExit(child)
  }

  /** Asks it to stop. */
  stop(): void {
    this.#process.stdin?.end()
  }

  /** Ends it without a word to anybody. */
  async kill(): Promise<void> {
    this.#killed = true
    this.#process.kill('SIGKILL')
    await this.#closed
  }

  /** Waits for it to end by itself; what was wrong with that, if anything. */
  async ended(mostMs: number): Promise<string | undefined> {
    const controller = new AbortController()
    const late = sleep(mostMs, 'late', { signal: controller.signal }).catch(() => 'late')
    const first = await Promise.race([this.#closed, late])
    controller.abort()
    const { exitCode, signalCode } = this.#process
    if (first === 'late') {
      await this.kill()
      return `${this.name} did not end by itself within ${mostMs} ms\n${this.#stderr}`
    }
    if (exitCode === 0 || this.#killed)
      return this.#stderr === '' || this.#killed ? undefined : `${this.name} said\n${this.#stderr}`
    return `${this.name} ended with ${exitCode ?? signalCode}\n${this.#stderr}`
  }
}

function killAtExit(child: ChildProcess): void {
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('close', () => process.off('exit', kill))
}
