// Coverage-guided fuzzing: inputs that reach something new join the corpus, and new inputs are made of those.
//
// A look at the coverage costs as much as hundreds of inputs of a parser, so there is one for a whole batch. Only when
// the batch reached something new its inputs are run again, half by half, until those are found that did it.

import { Random } from '../simulation/random.ts'
import type { Coverage } from './coverage.ts'
import { minimise } from './minimise.ts'
import { Mutator } from './mutate.ts'
import type { FuzzTarget } from './target.ts'

/** Lines of a stack, which costs more to take than a parser needs for its input: none while nothing is known to fail. */
const STACK_LINES = 30
/** How often an input is repaired after its mutation, where the target can. */
const REPAIRED = 0.8

export interface Crash {
  /** Short and plain, failing like the one that was found. */
  readonly input: Uint8Array
  readonly error: Error
  /** What failures of one cause have in common. */
  readonly signature: string
}

export interface FuzzerOptions {
  readonly target: FuzzTarget
  readonly coverage: Coverage
  readonly seed: number
  /** Told of each input before it runs: the last one is to blame if nothing comes back. */
  readonly starting?: (input: Uint8Array) => void
  /** Told of each kind of failure once. */
  readonly crashed: (crash: Crash) => void
}

export class Fuzzer {
  readonly #target: FuzzTarget
  readonly #coverage: Coverage
  readonly #random: Random
  readonly #mutator: Mutator
  readonly #starting: (input: Uint8Array) => void
  readonly #crashed: (crash: Crash) => void
  readonly #corpus: Uint8Array[] = []
  readonly #signatures = new Set<string>()
  /** Nobody caught it. */
  #uncaught: Error | undefined
  runs = 0

  constructor({ target, coverage, seed, starting = () => {}, crashed }: FuzzerOptions) {
    this.#target = target
    this.#coverage = coverage
    this.#random = new Random(seed)
    this.#mutator = new Mutator(this.#random, target.bytesMax)
    this.#starting = starting
    this.#crashed = crashed
  }

  /** Inputs of which each reached something new when it came. */
  get corpus(): readonly Uint8Array[] {
    return this.#corpus
  }

  /** Whoever runs the process has caught what nobody else did: the input that runs now failed. */
  readonly uncaught = (error: unknown): void => {
    this.#uncaught ??= asError(error)
  }

  /** Runs inputs as they are and keeps those that reach something. */
  async addSeeds(seeds: readonly Uint8Array[] = this.#target.seeds): Promise<void> {
    await this.#learn(seeds)
    if (this.#corpus.length === 0) this.#corpus.push(seeds[0] ?? new Uint8Array(0))
  }

  /** Makes a batch of inputs, runs them and learns from them. */
  async batch(): Promise<void> {
    const inputs = Array.from({ length: this.#target.batch }, () => this.#make())
    await this.#check(inputs)
    if (this.#coverage.take(false)) await this.#learn(inputs)
  }

  /** The failure of an input, if it fails. */
  async failureOf(input: Uint8Array): Promise<Error | undefined> {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = STACK_LINES
    try {
      return await this.#run(input)
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
  }

  async #run(input: Uint8Array): Promise<Error | undefined> {
    this.#starting(input)
    this.runs++
    this.#uncaught = undefined
    try {
      const result = this.#target.run(input, this.#coverage.note)
      if (result) await result
    } catch (error) {
      return asError(error)
    }
    return this.#uncaught
  }

  #make(): Uint8Array {
    const input = this.#mutator.mutate(this.#pick(), this.#random.pick(this.#corpus))
    if (this.#target.repair && this.#random.chance(REPAIRED)) this.#target.repair(input)
    return input
  }

  /** Any of the corpus, every other time one of the newest. */
  #pick(): Uint8Array {
    const count = this.#corpus.length
    const from = this.#random.chance(0.5) ? Math.max(0, count - 16) : 0
    return this.#corpus[this.#random.between(from, count - 1)] as Uint8Array
  }

  /** Runs all of `inputs`, and looks into those that fail. */
  async #check(inputs: readonly Uint8Array[]): Promise<void> {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    const failing: [Uint8Array, Error][] = []
    for (const input of inputs) {
      const failure = await this.#run(input)
      if (failure) failing.push([input, failure])
    }
    Error.stackTraceLimit = stackTraceLimit
    for (const [input, failure] of failing) await this.#investigate(input, failure)
  }

  async #investigate(input: Uint8Array, withoutStack: Error): Promise<void> {
    const error = (await this.failureOf(input)) ?? withoutStack
    const signature = signatureOf(error)
    if (this.#signatures.has(signature)) return
    this.#signatures.add(signature)
    const smallest = await minimise(input, async candidate => {
      const failure = await this.failureOf(candidate)
      return failure !== undefined && signatureOf(failure) === signature
    })
    this.#crashed({ input: smallest, error: (await this.failureOf(smallest)) ?? error, signature })
  }

  /** Keeps those of `inputs` that reach something new. */
  async #learn(inputs: readonly Uint8Array[]): Promise<void> {
    this.#coverage.take(false)
    await this.#check(inputs)
    const isNew = this.#coverage.take(inputs.length <= 1)
    if (!isNew) return
    if (inputs.length === 1) {
      this.#corpus.push(inputs[0] as Uint8Array)
      return
    }
    const middle = inputs.length >> 1
    await this.#learn(inputs.slice(0, middle))
    await this.#learn(inputs.slice(middle))
  }
}

/** Name, message without its numbers, and where it comes from, as far as that is not the fuzzer itself. */
export function signatureOf(error: Error): string {
  const lines = (error.stack ?? '').split('\n')
  const end = lines.findIndex(line => /\/fuzz\/fuzzer\.[jt]s/.test(line))
  const ours = (end < 0 ? lines : lines.slice(0, end)).filter(line => !/\/fuzz\/target\.[jt]s/.test(line))
  const place = /(?:lib|test\/fuzz)\/[\w/.-]+\.[jt]s/.exec(ours.join('\n'))
  return `${error.name}: ${error.message.replace(/-?\d+(\.\d+)?/g, '#')} (${place?.[0] ?? 'unknown place'})`
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
