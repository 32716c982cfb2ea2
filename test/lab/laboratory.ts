// The link laboratory, see its README: two network namespaces joined by links that can be cut, mended and retuned.
//
// The environment variable HAWSER_LAB names its folder; without it that is `../shared/lab`, seen from this repository.

import { type ChildProcessWithoutNullStreams, execFile, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../..', import.meta.url))

export type Side = 'client' | 'server'

/** Every link leads to this address of the server, and each is chosen by its local address. */
export const SERVER_ADDRESS = '10.77.0.1'

export class Laboratory {
  readonly #script: string
  readonly #name: string
  readonly #downAtExit = (): void => this.down()

  /**
   * Builds a laboratory with namespaces of its own, which is taken apart when this process ends, if not before.
   *
   * @param specs - one of each link
   * @throws {Error} it cannot work here; the message says why
   */
  static up(specs: readonly string[]): Laboratory {
    const script = resolve(root, process.env.HAWSER_LAB ?? '../shared/lab', 'lab.sh')
    if (!existsSync(script)) throw new Error(`the link laboratory is not at ${script}: set HAWSER_LAB to its folder`)
    if (process.getuid?.() !== 0) throw new Error('network namespaces need root')
    const lab = new Laboratory(script, `hawser-test-${process.pid}-${++count}`)
    process.once('exit', lab.#downAtExit)
    try {
      lab.#now('up', ...specs)
    } catch (error) {
      const { stderr, message } = error as Error & { stderr?: string }
      throw new Error(`the link laboratory does not work here: ${stderr?.trim() || message}`)
    }
    return lab
  }

  private constructor(script: string, name: string) {
    this.#script = script
    this.#name = name
  }

  /** Its name, that of its namespaces without `-client` and `-server`. */
  get name(): string {
    return this.#name
  }

  /** Ends what runs inside and leaves nothing behind. May be called twice. */
  down(): void {
    process.off('exit', this.#downAtExit)
    this.#now('down')
  }

  /** Runs Node inside; the process that is returned is Node itself. */
  node(side: Side, ...args: string[]): ChildProcessWithoutNullStreams {
    return this.spawn(side, process.execPath, ...args)
  }

  /** Runs a command inside; the process that is returned is the command itself. */
  spawn(side: Side, command: string, ...args: string[]): ChildProcessWithoutNullStreams {
    return spawn(this.#script, ['exec', side, command, ...args], { env: this.#env })
  }

  /** Runs a command inside to its end. */
  async run(side: Side, command: string, ...args: string[]): Promise<string> {
    return (await run(this.#script, ['exec', side, command, ...args], { env: this.#env })).stdout
  }

  /** A change of a link: `cut 2`, `rate 1 10mbit`. */
  async change(...args: string[]): Promise<void> {
    await run(this.#script, args, { env: this.#env })
  }

  #now(...args: string[]): void {
    execFileSync(this.#script, args, { env: this.#env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...process.env, LAB: this.#name }
  }
}

let count = 0
