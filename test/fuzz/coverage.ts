// Which code ran, from the counters that V8 keeps for each block of a function (`Profiler.startPreciseCoverage`). They
// cost the code that is counted next to nothing; a look at them takes about a millisecond, whatever ran in between.

import { type Profiler, Session } from 'node:inspector'

/** The library as it is compiled, not the tests. */
const LIBRARY = /\/dist\/lib\//

export class Coverage {
  readonly #session = new Session()
  readonly #scripts: RegExp
  /** By script: a byte for each character of the source, 1 if it ever ran. */
  readonly #covered = new Map<string, Uint8Array>()
  readonly #notes = new Set<string>()
  #newNotes: string[] = []
  #characters = 0

  /** @param scripts - the scripts that count, by their URL */
  constructor(scripts: RegExp = LIBRARY) {
    this.#scripts = scripts
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Characters of source that ran so far, and states that were noted. */
  get size(): number {
    return this.#characters + this.#notes.size
  }

  /** Counts as new coverage the first time. */
  readonly note = (state: string): void => {
    if (!this.#notes.has(state)) this.#newNotes.push(state)
  }

  /** Looks at what ran since the last look: whether any of it was new. With `learn` it is not new any more. */
  take(learn: boolean): boolean {
    let isNew = this.#newNotes.length > 0
    if (learn) for (const state of this.#newNotes) this.#notes.add(state)
    this.#newNotes = []
    for (const script of this.#takeScripts()) {
      if (this.#scripts.test(script.url) && this.#takeScript(script, learn)) isNew = true
    }
    return isNew
  }

  close(): void {
    this.#session.disconnect()
  }

  #takeScripts(): Profiler.ScriptCoverage[] {
    let scripts: Profiler.ScriptCoverage[] = []
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error) throw error
      scripts = result
    })
    return scripts
  }

  #takeScript({ url, functions }: Profiler.ScriptCoverage, learn: boolean): boolean {
    const end = functions.reduce((most, { ranges }) => Math.max(most, ranges[0]?.endOffset ?? 0), 0)
    const covered = this.#coveredOf(url, end)
    // Outer functions and ranges come before those within them: what is painted last holds.
    const ran = new Uint8Array(end)
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset)
    }
    let isNew = false
    for (let at = 0; at < end; at++) {
      if (ran[at] === 0 || covered[at] === 1) continue
      isNew = true
      if (!learn) break
      covered[at] = 1
      this.#characters++
    }
    return isNew
  }

  #coveredOf(url: string, length: number): Uint8Array {
    const known = this.#covered.get(url)
    if (known && known.length >= length) return known
    const grown = new Uint8Array(length)
    if (known) grown.set(known)
    this.#covered.set(url, grown)
    return grown
  }
}
