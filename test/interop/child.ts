// A program that a test runs: started, waited for, and stopped at the end of the test, whatever happens.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as netConnect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'

const START_TIMEOUT_MS = 10_000
const KEPT_CHARACTERS = 20_000

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class Child {
  readonly process: ChildProcessWithoutNullStreams
  /** Resolves when the program has ended and all of its output is here. */
  readonly exited: Promise<Exit>
  /** What it printed, on both streams. */
  output = ''
  #running = true

  constructor(t: Test, path: string, parameters: readonly string[], env: Record<string, string> = {}) {
    const child = spawn(path, parameters, { env: { ...process.env, ...env } })
    this.process = child
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-KEPT_CHARACTERS)
      })
    }
    child.stdin.on('error', () => {}) // it ended before it read everything
    this.exited = once(child, 'close').then(([code, signal]) => {
      this.#running = false
      return { code, signal }
    })
    t.teardown(async () => {
      await this.stop()
      if (!t.passing()) t.comment(`${path} ${parameters.join(' ')}\n${this.output}`)
    })
  }

  /** Waits until something listens on that port of 127.0.0.1. */
  async listening(port: number): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS
    while (!(await accepts(port))) {
      if (!this.#running) throw new Error(`ended before it listened: ${this.output}`)
      if (Date.now() > deadline) throw new Error(`does not listen: ${this.output}`)
      await sleep(20)
    }
  }

  async stop(): Promise<void> {
    if (this.#running) this.process.kill('SIGKILL')
    await this.exited
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = netConnect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
