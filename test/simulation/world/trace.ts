// What happened in a world, line by line, or only a number that changes with every line.

import type { VirtualLoop } from './virtual-loop.ts'

export class Trace {
  hash = 0x811c9dc5
  readonly #loop: VirtualLoop
  readonly #print: ((line: string) => void) | undefined

  constructor(loop: VirtualLoop, print: ((line: string) => void) | undefined) {
    this.#loop = loop
    this.#print = print
  }

  note(text: string): void {
    this.#mixTime()
    for (let index = 0; index < text.length; index++) this.#mix(text.charCodeAt(index))
    this.#print?.(`${this.#loop.nowMs.toFixed(3).padStart(12)}  ${text}`)
  }

  /** A message on the wire. `describe` is called only when somebody reads it. */
  wire(numbers: readonly number[], describe: () => string): void {
    this.#mixTime()
    for (const number of numbers) this.#mix(number)
    this.#print?.(`${this.#loop.nowMs.toFixed(3).padStart(12)}  ${describe()}`)
  }

  #mixTime(): void {
    this.#mix(this.#loop.nowMs * 1_000)
  }

  #mix(part: number): void {
    this.hash = Math.imul(this.hash ^ part, 0x01000193) >>> 0
  }
}
