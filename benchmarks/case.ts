// What the harness runs: named cases, each measured once a round, in a process of its own.

/** A group of cases that belong together; `suites.ts` lists all. */
export interface Suite {
  readonly name: string
  readonly cases: readonly Case[]
}

export interface Case {
  /** Unique; `--only` matches parts of it. */
  readonly name: string
  /** Heading of the table that it is part of. */
  readonly table: string
  /** Name of the case of the same suite that it is compared with, round by round. */
  readonly baseline?: string
  /** Most rounds that make sense, for what is slow and steady. */
  readonly rounds?: number
  /**
   * One run.
   *
   * @throws {Unavailable} it cannot run here; it is left out of all rounds, which the report says
   * @throws {Error} it failed, such as by wrong data
   */
  measure(): Promise<Figure[]>
}

/** One measured value. A case gives the same figures, in the same order, every time. */
export interface Figure {
  readonly what: string
  readonly unit: string
  readonly value: number
}

/** The message says what is missing. */
export class Unavailable extends Error {}
