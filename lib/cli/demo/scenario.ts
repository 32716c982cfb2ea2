// What the demo plays: the links, and when one of them is cut and mended.

/** A link that a relay plays. */
export interface DemoLink {
  readonly name: string
  /** Bytes per second, each way. */
  readonly rate: number
  /** Milliseconds one way. */
  readonly delay: number
}

/** Times are milliseconds from the first write. */
export interface Scenario {
  readonly links: readonly DemoLink[]
  /** Index of the link that is cut. */
  readonly cutLink: number
  readonly cutAt: number
  readonly mendAt: number
  /** The writer stops here. */
  readonly endAt: number
}

/** So slow in sum that a small, busy machine can play sender, links and receiver at once. The fastest link is cut. */
export const standardScenario: Scenario = {
  links: [
    { name: 'fibre', rate: 4_000_000, delay: 3 },
    { name: 'cable', rate: 2_000_000, delay: 6 },
    { name: 'LTE', rate: 1_000_000, delay: 20 },
    { name: 'DSL', rate: 500_000, delay: 12 },
  ],
  cutLink: 0,
  cutAt: 5_000,
  mendAt: 9_000,
  endAt: 15_000,
}
