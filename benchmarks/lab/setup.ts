// What every measurement gets, and what it may do with it.

import type { Direction } from './messages.ts'
import type { Row } from './rows.ts'
import type { SubjectName } from './subjects.ts'
import { Testbed } from './testbed.ts'

export interface Setup {
  /** Those that can be measured here and were asked for. */
  readonly subjects: readonly SubjectName[]
  /** `dist` folder of `hawser-other`. */
  readonly otherBuild: string | null
  /** How often; `undefined`: as the case thinks best. */
  readonly runs: number | undefined
  readonly directions: readonly Direction[]
  /** Of the search for false alarms. */
  readonly minutes: number
  /** agg-speed is there. */
  readonly speedTool: boolean
  progress(text: string): void
}

export interface Case {
  readonly name: string
  readonly title: string
  measure(setup: Setup): Promise<Row[]>
}

/** Those that use every link there is. */
export function overAllLinks({ subjects }: Setup): SubjectName[] {
  return subjects.filter(name => !name.startsWith('tcp-'))
}

export const isHawser = (name: SubjectName): boolean => name.startsWith('hawser')

/** Runs `body` in a laboratory of its own, and takes it apart whatever happens. */
export async function inTestbed<T>(
  specs: readonly string[],
  names: readonly SubjectName[],
  setup: Setup,
  body: (testbed: Testbed) => Promise<T>,
): Promise<T> {
  const testbed = await Testbed.up(specs, names, setup.otherBuild)
  try {
    return await body(testbed)
  } finally {
    testbed.down()
  }
}

/** The values of one row as they come in, and the runs that failed. */
export class Collected {
  readonly values: (number | null)[] = []
  readonly ratios: number[] = []
  readonly failures: string[] = []
}

/** One for each key, made when it is first asked for. */
export class Collection {
  readonly #all = new Map<string, Collected>()

  of(...key: readonly string[]): Collected {
    const name = key.join('\n')
    const collected = this.#all.get(name) ?? new Collected()
    this.#all.set(name, collected)
    return collected
  }
}
