// Sums up many worlds: what failed, what they cost, and whether every fault has really happened in every state.

import { COMPLETE_AFTER, possibleFaults, tableOf } from './fault-table.ts'
import type { WorldReport } from './pool.ts'

export class Summary {
  #passed = 0
  #failed = 0
  #cpuMs = 0
  #virtualMs = 0
  #bytes = 0
  #mostMemory = 0
  readonly #faults = new Map<string, number>()

  add(report: WorldReport | { readonly failure: string }): void {
    if (report.failure === undefined) this.#passed++
    else this.#failed++
    if (!('cpuMs' in report)) return
    this.#cpuMs += report.cpuMs
    this.#virtualMs += report.virtualMs
    this.#bytes += report.bytes
    this.#mostMemory = Math.max(this.#mostMemory, report.mostMemory)
    for (const [key, count] of report.faults) this.#faults.set(key, (this.#faults.get(key) ?? 0) + count)
  }

  /** The last line counts the worlds, and as one more whether nothing is missing if there were enough of them. */
  finish(print: (line: string) => void): { readonly failed: number } {
    const worlds = this.#passed + this.#failed
    for (const line of tableOf(this.#faults)) print(line)
    const missing = possibleFaults().filter(key => !this.#faults.has(key))
    if (missing.length > 0) print(`never happened: ${missing.join(', ')}`)
    if (worlds >= COMPLETE_AFTER) {
      if (missing.length > 0) this.#failed++
      else this.#passed++
    }
    print(
      `per world ${(this.#cpuMs / worlds).toFixed(1)} ms of CPU, ${(this.#virtualMs / worlds / 1_000).toFixed()} s of virtual time, ` +
        `${(this.#bytes / worlds / 1_024).toFixed()} KiB delivered; at most ${(this.#mostMemory * 100).toFixed()} % of the memory allowed`,
    )
    print(`${this.#passed} passed, ${this.#failed} failed`)
    return { failed: this.#failed }
  }
}
